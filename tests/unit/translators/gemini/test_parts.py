"""Images, documents, sound."""

import pytest

from translators.ir import Audio, File, Image, Message, Refusal, Text

PDF = File(data="JVBERi0=", media_type="application/pdf")


@pytest.fixture
def one(render, target):
    """The part that a part becomes, and the report's verdicts."""

    def run(part, **profile):
        body, report = render(Message("user", (Text("?"), part)), profile=target(**profile))
        parts = body["contents"][0]["parts"]
        return (parts[1] if len(parts) > 1 else None), report

    return run


@pytest.mark.parametrize(
    ("part", "media_type", "data"),
    [
        (Image(data="QQ==", media_type="image/jpg"), "image/jpeg", "QQ=="),
        (Image(data="QQ==", media_type="image/heic", detail="auto"), "image/heic", "QQ=="),
        (PDF, "application/pdf", "JVBERi0="),
        (File(data="QQ==", media_type="", filename="a.md"), "text/markdown", "QQ=="),
        (Audio("QQ==", "wav"), "audio/wav", "QQ=="),
        (Audio("QQ==", "mp3"), "audio/mp3", "QQ=="),
    ],
)
def test_data_goes_inline(one, part, media_type, data):
    assert one(part)[0] == {"inlineData": {"mimeType": media_type, "data": data}}


@pytest.mark.parametrize(
    ("part", "profile"),
    [
        (Image(data="QQ==", media_type="image/gif"), {}),
        (Image(data="QQ==", media_type="image/svg+xml"), {}),
        (Image(data="QQ==", media_type="image/png"), {"images": False}),
        (Image(url="https://x.test/a.png"), {}),
        (Image(url="ftp://x.test/a.png"), {"image_urls": True}),
        (PDF, {"files": False}),
        (File(data="QQ==", media_type="application/zip"), {}),
        (File(data="?", media_type="application/pdf"), {}),
        (File(file_id="file-1"), {}),
        (Audio("QQ==", "pcm16"), {}),
        (Audio("QQ==", "wav"), {"audio": False}),
    ],
)
def test_what_gemini_cannot_take_is_refused(one, part, profile):
    said, report = one(part, **profile)
    assert said is None
    assert list(report.values()) == ["refused"]


@pytest.mark.parametrize(
    ("part", "reference"),
    [
        (Image(url="gs://b/a.png"), {"fileUri": "gs://b/a.png", "mimeType": "image/png"}),
        (
            File(file_id="https://generativelanguage.googleapis.com/v1beta/files/x", media_type="application/pdf"),
            {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x", "mimeType": "application/pdf"},
        ),
    ],
)
def test_what_google_keeps_goes_by_its_address(one, part, reference):
    assert one(part) == ({"fileData": reference}, {})


def test_an_address_goes_where_the_model_fetches_it(one):
    assert one(Image(url="https://x.test/a"), image_urls=True) == ({"fileData": {"fileUri": "https://x.test/a"}}, {})


def test_what_is_lost_of_a_part_is_told(one):
    assert one(Image(data="QQ==", media_type="image/png", detail="high"))[1] == {"items[0].parts[1].detail": "dropped"}
    named = File(data="JVBERi0=", media_type="application/pdf", filename="a.pdf")
    assert one(named)[1] == {"items[0].parts[1].filename": "dropped"}
    assert one(Refusal("No.")) == ({"text": "No."}, {"items[0].parts[1]": "approximated"})
