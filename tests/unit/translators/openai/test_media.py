"""What may stand where a picture must be."""

import pytest

from translators.ir import Dialect, File, Foreign, Image, Message, Text, ToolResult
from translators.openai.media import Shown, as_told, is_picture, why_no_picture
from translators.profile import Profile

PIXELS = Image(media_type="image/png", data="AAAA")
ELSEWHERE = Image(url="https://pictures.test/a.png")


@pytest.mark.parametrize("media_type", ["image/png", "image/bmp", "IMAGE/JPEG; q=1", ""])
def test_pixels_and_what_was_not_told_may_be_a_picture(media_type):
    assert is_picture(media_type)


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", " Image/SVG+XML; charset=utf-8", "application/pdf", "text/html"]
)
def test_drawings_and_documents_are_none(media_type):
    assert not is_picture(media_type)


def test_a_picture_is_shown_to_whoever_takes_it():
    assert why_no_picture(PIXELS, Profile(), "chat") is None
    assert why_no_picture(ELSEWHERE, Profile(), "chat") is None


@pytest.mark.parametrize(
    ("part", "profile", "why"),
    [
        (PIXELS, Profile(images=False), "the model takes no images"),
        (ELSEWHERE, Profile(image_urls=False), "the model takes no images by address"),
        (Image(media_type="image/svg+xml", data="AAAA"), Profile(), "chat takes no image/svg+xml as a picture"),
    ],
)
def test_a_picture_that_cannot_be_shown_has_its_reason(part, profile, why):
    assert why_no_picture(part, profile, "chat") == why


def test_a_part_stands_where_it_is_and_not_where_its_like_is():
    one, like = Text("a"), Text("a")
    plain = File(media_type="text/plain", data="AAAA")
    kept = Foreign(Dialect.ANTHROPIC_MESSAGES, "document", {}, plain=plain)
    shown = Shown((2, Message("user", (one, like))), (5, ToolResult("c", (kept,))))
    assert [shown.path(part) for part in (one, like, kept)] == [
        "items[2].parts[0]",
        "items[2].parts[1]",
        "items[5].parts[0]",
    ]
    assert shown.path(plain) == "items[5].parts[0]", "as the plain document it is said as"
    with pytest.raises(KeyError):
        shown.path(Text("a"))


def test_what_the_system_said_is_told_in_its_own_words_with_all_that_stood_beside_them():
    marker = {"type": "ephemeral"}
    message = Message("system", (Text("Be "), Text("brief.", cache=marker), PIXELS))
    assert as_told(message) == (Text("<system>Be brief.</system>", cache=marker), PIXELS)
    assert as_told(Message("system", ())) == (Text("<system></system>"),)
