"""Media types and addresses."""

import pytest

from translators.gemini.media import (
    audio_format,
    guessed_type,
    is_document,
    is_kept,
    made_picture,
    plain_type,
    sound_type,
)
from translators.ir import Image


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("https://x.test/a/b.PNG?size=1", "image/png"),
        ("report.pdf", "application/pdf"),
        ("https://x.test/none", ""),
        ("http://[broken/a.png", "image/png"),
        ("", ""),
    ],
)
def test_a_name_tells_its_type_by_its_end(name, kind):
    assert guessed_type(name) == kind


def test_types_have_one_spelling():
    assert plain_type("Image/JPG; q=1") == "image/jpeg"
    assert (audio_format("audio/mpeg"), audio_format("audio/x-wav"), audio_format("video/mp4")) == ("mp3", "wav", None)
    assert (sound_type("MP3"), sound_type("pcm16")) == ("audio/mp3", None)


def test_documents_are_pdf_and_text():
    assert [is_document(one) for one in ("application/pdf", "text/x-any", "video/mp4", "")] == [
        True,
        True,
        False,
        False,
    ]


def test_google_keeps_what_lies_in_its_stores():
    kept = ("gs://b/o", "https://generativelanguage.googleapis.com/v1beta/files/x")
    assert all(map(is_kept, kept))
    assert not is_kept("https://x.test/a.png")


@pytest.mark.parametrize(
    ("part", "picture"),
    [
        ({"inlineData": {"mimeType": "image/JPG", "data": "QQ=="}}, Image(data="QQ==", media_type="image/jpeg")),
        ({"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}}, None),
        ({"inlineData": {"mimeType": 'image/"x', "data": "QQ=="}}, None),
        ({"inlineData": {"mimeType": "image/png", "data": ""}}, None),
        ({"inlineData": {"mimeType": "image/png", "data": 3}}, None),
        ({"inlineData": 3}, None),
        ({"fileData": {"mimeType": "image/png", "fileUri": "u"}}, None),
    ],
)
def test_a_picture_is_what_names_itself_one_and_holds_something(part, picture):
    assert made_picture(part) == picture
