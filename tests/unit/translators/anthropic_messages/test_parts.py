"""Parts of a message as content blocks, and the paths their losses are told by."""

import base64

import pytest

from translators.ir import (
    Audio,
    File,
    Foreign,
    Image,
    Message,
    Refusal,
    Text,
)

MARK = {"type": "ephemeral", "ttl": "1h"}


def said(render, *parts, **fields):
    body, report = render(Message("user", parts), **fields)
    return body["messages"][0]["content"], report


def test_text_keeps_its_cache_marker(render):
    assert said(render, Text("a", MARK)) == ([{"type": "text", "text": "a", "cache_control": MARK}], {})


def test_a_blank_block_goes_and_its_marker_moves_to_the_block_before(render):
    blocks, report = said(render, Text("a"), Text(" \n", MARK))
    assert blocks == [{"type": "text", "text": "a", "cache_control": MARK}]
    assert report == {}


def test_image_data_goes_as_base64_with_a_normal_media_type(render):
    blocks, report = said(render, Image(data="AAAA", media_type="image/JPG; q=1", detail="auto"))
    assert blocks == [{"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"}}]
    assert report == {}


def test_an_https_image_goes_by_its_address(render):
    blocks, _ = said(render, Image(url="https://example.org/a.png", cache=MARK))
    assert blocks == [
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}, "cache_control": MARK}
    ]


@pytest.mark.parametrize(
    ("image", "profile"),
    [
        (Image(data="AAAA", media_type="image/svg+xml"), {}),
        (Image(data="AAAA", media_type="image/bmp"), {}),
        (Image(url="http://example.org/a.png"), {}),
        (Image(url="file:///etc/passwd"), {}),
        (Image(url="https://example.org/a.png"), {"image_urls": False}),
        (Image(data="AAAA", media_type="image/png"), {"images": False}),
    ],
)
def test_an_image_anthropic_cannot_take_is_refused_by_its_path(render, target, image, profile):
    blocks, report = said(render, Text("look"), image, profile=target(**profile))
    assert [block["type"] for block in blocks] == ["text"]
    assert report == {"items[0].parts[1]": "refused"}


@pytest.mark.parametrize(("vendor", "megabytes"), [("anthropic", 10), ("anthropic-vertex", 5), ("", 10)])
def test_an_image_of_more_than_the_platform_takes_skips_the_target_by_its_path(render, target, vendor, megabytes):
    def sent(size):
        image = Image(data="A" * size, media_type="image/png")
        body, report = render(Message("user", (Text("look"), image)), profile=target(vendor=vendor))
        return [block["type"] for block in body["messages"][0]["content"]], report

    most = megabytes * 1_048_576
    assert sent(most) == (["text", "image"], {})
    assert sent(most + 4) == (["text"], {"items[0].parts[1]": "refused"})


def test_an_image_detail_is_dropped_and_told(render):
    _, report = said(render, Image(url="https://example.org/a.png", detail="high"))
    assert report == {"items[0].parts[0].detail": "dropped"}


def test_a_pdf_is_a_document_with_its_file_name_as_title(render):
    blocks, report = said(render, File(data="JVBE", media_type="application/pdf", filename="a.pdf", cache=MARK))
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    assert blocks == [{"type": "document", "source": source, "title": "a.pdf", "cache_control": MARK}]
    assert report == {}


@pytest.mark.parametrize(
    ("media_type", "name"), [("text/markdown", None), ("", "notes.TXT"), ("application/json", None)]
)
def test_a_text_file_is_a_document_of_text(render, media_type, name):
    data = base64.b64encode("Grüße".encode()).decode()
    blocks, _ = said(render, File(data=data, media_type=media_type, filename=name))
    assert blocks[0]["source"] == {"type": "text", "media_type": "text/plain", "data": "Grüße"}


def test_an_https_document_and_an_own_file_id_go_as_they_are(render):
    blocks, report = said(render, File(url="https://example.org/a.pdf"), File(file_id="file_011C"))
    assert [block["source"]["type"] for block in blocks] == ["url", "file"]
    assert report == {}


@pytest.mark.parametrize(
    "file",
    [
        File(file_id="file-abc"),
        File(url="http://example.org/a.pdf"),
        File(data="AAAA", media_type="application/zip"),
        File(data="/w==", media_type="text/plain"),
        File(data="%%", media_type="text/plain"),
    ],
)
def test_other_files_are_refused(render, file):
    _, report = said(render, Text("read"), file)
    assert report == {"items[0].parts[1]": "refused"}


def test_a_model_without_files_refuses_them(render, target):
    _, report = said(render, Text("read"), File(data="JVBE", media_type="application/pdf"), profile=target(files=False))
    assert report == {"items[0].parts[1]": "refused"}


def test_audio_is_refused(render):
    _, report = said(render, Text("hear"), Audio("AAAA", "wav"))
    assert report == {"items[0].parts[1]": "refused"}


def test_a_refusal_in_the_history_is_plain_text(render, user):
    body, report = render(user(), Message("assistant", (Refusal("No."),)), user())
    assert body["messages"][1]["content"] == [{"type": "text", "text": "No."}]
    assert report == {"items[1].parts[0]": "approximated"}


def test_a_foreign_part_passes_in_its_own_dialect_and_is_refused_in_this_one(render):
    own = Foreign("anthropic-messages", "search_result", {"type": "search_result", "title": "t"})
    blocks, report = said(render, own, Foreign("gemini", "executableCode", {}))
    assert blocks == [{"type": "search_result", "title": "t"}]
    assert report == {"items[0].parts[1]": "refused"}


def test_the_marker_of_a_blank_text_with_nothing_before_it_is_told(render):
    blank = Text(" ", cache={"type": "ephemeral"})
    assert render(Message("user", (blank, Text("a"))))[1] == {"items[0].parts[0].cache_control": "dropped"}
    body, report = render(Message("user", (Text("a"), blank)))
    assert (body["messages"][0]["content"][0]["cache_control"], report) == ({"type": "ephemeral"}, {})
