"""What may stand where OpenAI's dialects want a picture or a system message, and how a part is found again."""

from translators.ir import Foreign, Image, Json, Message, Part, Text
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


def picture(image: Image) -> dict[str, Json]:
    """A picture that a model made, as an entry of `images` of chat's answers and of what brings them back."""
    return {"type": "image_url", "image_url": {"url": image.url or f"data:{image.media_type};base64,{image.data}"}}


def says(one: Part, part: Part) -> bool:
    """Whether `one`, of an item, is the part that is being said, be it as its plain document."""
    return one is part or (isinstance(one, Foreign) and one.plain is part)


def as_told(message: Message) -> tuple[Part, ...]:
    """A system message as the parts of a user's, for models that take none in the middle; a marker at its end stays."""
    texts = [part for part in message.parts if isinstance(part, Text)]
    words = Text(f"<system>{''.join(part.text for part in texts)}</system>", texts[-1].cache if texts else None)
    return (words, *(part for part in message.parts if not isinstance(part, Text)))
