"""What may stand where a picture must be."""

import pytest

from translators.openai.media import is_picture


@pytest.mark.parametrize("media_type", ["image/png", "image/bmp", "IMAGE/JPEG; q=1", ""])
def test_pixels_and_what_was_not_told_may_be_a_picture(media_type):
    assert is_picture(media_type)


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", " Image/SVG+XML; charset=utf-8", "application/pdf", "text/html"]
)
def test_drawings_and_documents_are_none(media_type):
    assert not is_picture(media_type)
