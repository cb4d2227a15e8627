"""What may stand where OpenAI's dialects want a picture, and how a part that is said is found again."""

from translators.ir import Foreign, Image, Part
from translators.profile import Profile


def is_picture(media_type: str) -> bool:
    """Whether data of this type can be a picture there, which drawings (SVG) and documents cannot; one whose type was
    not told may be anything. Source: OpenAI's guide on images; compatible vendors take more kinds of pixels."""
    kind = media_type.partition(";")[0].strip().lower()
    return not kind or (kind.startswith("image/") and kind != "image/svg+xml")


def why_no_picture(part: Image, profile: Profile, api: str) -> str | None:
    """Why `profile`'s target cannot be shown a picture, None where it can; `api` is the dialect's name in words."""
    if not profile.images:
        return "the model takes no images"
    if part.url is not None and not profile.image_urls:
        return "the model takes no images by address"
    if part.data is not None and not is_picture(part.media_type):
        return f"{api} takes no {part.media_type[:40]} as a picture"
    return None


def says(one: Part, part: Part) -> bool:
    """Whether `one`, of an item, is the part that is being said, be it as its plain document."""
    return one is part or (isinstance(one, Foreign) and one.plain is part)
