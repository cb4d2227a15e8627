"""What may stand where OpenAI's dialects want a picture or a system message, and how a part is found again."""

from translators.ir import Foreign, Image, Json, Message, Part, Text, ToolResult
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


class Shown:
    """The parts of items that are being said, and where each stands. A part is found by being the same one, for equal
    ones may stand in several places."""

    __slots__ = ("_items", "_paths")

    def __init__(self, *items: tuple[int, Message | ToolResult]) -> None:
        """`items` with their places among the request's."""
        self._items = items
        self._paths: dict[int, str] | None = None

    def path(self, part: Part) -> str:
        """Of a part of these items, or of what a part is as a plain document. All are worked out together, when the
        first is asked for: a request may have as many parts as it likes."""
        if self._paths is None:
            self._paths = self._all()
        return self._paths[id(part)]

    def _all(self) -> dict[int, str]:
        paths: dict[int, str] = {}
        for at, item in self._items:
            for place, one in enumerate(item.parts):
                path = f"items[{at}].parts[{place}]"
                paths.setdefault(id(one), path)
                if isinstance(one, Foreign) and one.plain is not None:
                    paths.setdefault(id(one.plain), path)
        return paths


def as_told(message: Message) -> tuple[Part, ...]:
    """A system message as the parts of a user's, for models that take none in the middle; a marker at its end stays."""
    texts = [part for part in message.parts if isinstance(part, Text)]
    words = Text(f"<system>{''.join(part.text for part in texts)}</system>", texts[-1].cache if texts else None)
    return (words, *(part for part in message.parts if not isinstance(part, Text)))
