"""What may stand where OpenAI's dialects want a picture."""


def is_picture(media_type: str) -> bool:
    """Whether data of this type can be a picture there, which drawings (SVG) and documents cannot; one whose type was
    not told may be anything. Source: OpenAI's guide on images; compatible vendors take more kinds of pixels."""
    kind = media_type.partition(";")[0].strip().lower()
    return not kind or (kind.startswith("image/") and kind != "image/svg+xml")
