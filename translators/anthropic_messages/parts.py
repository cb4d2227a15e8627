"""Parts of a message as Anthropic content blocks.

Images and documents go as base64 or by https address; nothing is ever fetched. What Anthropic cannot take is left out
and reported refused, because a question about a picture is not the same question without it. Source: Anthropic's
vision and PDF pages (media types) and the Messages reference (blocks).
"""

import base64
import binascii

from translators.anthropic_messages.wire import DIALECT
from translators.ir import Audio, File, Foreign, Image, Item, Json, Opaque, Part, Refusal, Text
from translators.profile import Profile
from translators.report import Report

Block = dict[str, Json]

IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
IMAGE_MAX = 10 * 1_048_576
"""Most characters of base64 that one image may have."""
_CLOUD_IMAGE_MAX = {"anthropic-vertex": 5 * 1_048_576}
"""The same on platforms that take less, by vendor."""
_TEXT_TYPES = frozenset(("application/json", "application/xml", "application/x-yaml"))
"""Types that are text although their name does not begin with `text/`."""
_SUFFIXES = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv"}
_SUFFIXES |= {"json": "application/json", "xml": "application/xml", "html": "text/html"}


BOUND = "it is bound to the model that wrote it"
UNSIGNED = "anthropic takes back no thinking that it did not sign"


class Scribe:
    """Renders parts for one request and notes in its report what became of them."""

    __slots__ = ("_left_behind", "items", "profile", "report")

    def __init__(self, items: tuple[Item, ...], profile: Profile, report: Report) -> None:
        self.items = items
        self.profile = profile
        self.report = report
        self._left_behind = False

    @staticmethod
    def path(position: int, suffix: str = "") -> str:
        """`items[2].parts[0]`, as Reports name things."""
        return f"items[{position}]{suffix}"

    def refuse(self, position: int, suffix: str, why: str) -> None:
        self.report.refused(self.path(position, suffix), why)

    def leave_behind(self, position: int, suffix: str, opaque: Opaque | None) -> None:
        """Notes, once a request, that thinking or a signature goes to its maker only: every turn of a conversation may
        have some."""
        if not self._left_behind:
            self._left_behind = True
            why = UNSIGNED if opaque is None else BOUND
            self.report.dropped(self.path(position, suffix), why)

    def blocks(self, parts: tuple[Part, ...], position: int, lead: str = "") -> list[Block]:
        """The blocks of one item's parts. Blank text is left out, its cache marker moved to the block before it;
        `lead` goes before the first text."""
        out: list[Block] = []
        for index, part in enumerate(parts):
            if type(part) is not Text:
                block = self._other(part, position, index)
                if block is not None:
                    out.append(block)
                continue
            marker = part.cache
            if part.opaque is not None:
                self.leave_behind(position, ".opaque", part.opaque)
            if part.text and not part.text.isspace():
                said: Block = {"type": "text", "text": lead + part.text if lead else part.text}
                if marker is not None:
                    said["cache_control"] = marker
                out.append(said)
                lead = ""
            elif marker is not None:
                self._mark(out, marker, position, index)
        return out

    def _mark(self, out: list[Block], marker: Json, position: int, index: int) -> None:
        """Puts the marker of a blank text to the block before it."""
        if out:
            out[-1].setdefault("cache_control", marker)
        else:
            why = "it stands on a text without words"
            self.report.dropped(self.path(position, f".parts[{index}].cache_control"), why)

    def _other(self, part: Part, position: int, index: int) -> Block | None:
        suffix = f".parts[{index}]"
        if isinstance(part, Foreign):
            if part.dialect == DIALECT and isinstance(part.value, dict):
                return dict(part.value)
            if part.shown is not None:
                self.report.dropped(self.path(position, suffix), "anthropic's models take no pictures of their own")
            else:
                self.refuse(position, suffix, f"anthropic has no {part.kind} part")
        elif isinstance(part, Image):
            return _marked(self._image(part, position, suffix), part)
        elif isinstance(part, File):
            return _marked(self._document(part, position, suffix), part)
        elif isinstance(part, Refusal):
            self.report.approximated(self.path(position, suffix), "sent as plain text")
            return {"type": "text", "text": part.text} if part.text.strip() else None
        elif isinstance(part, Audio):
            self.refuse(position, suffix, "anthropic takes no audio")
        return None

    def _image(self, image: Image, position: int, suffix: str) -> Block | None:
        if image.detail not in (None, "auto"):
            self.report.dropped(self.path(position, suffix + ".detail"), "anthropic has no image detail")
        if not self.profile.images:
            self.refuse(position, suffix, "the model takes no images")
            return None
        if image.data is not None:
            return self._picture(image.data, _plain_type(image.media_type), position, suffix)
        if self.profile.image_urls and _is_https(image.url):
            return _sourced("image", {"type": "url", "url": image.url})
        self.refuse(position, suffix, "anthropic takes images as data or by https address")
        return None

    def _picture(self, data: str, media_type: str, position: int, suffix: str) -> Block | None:
        most = _CLOUD_IMAGE_MAX.get(self.profile.vendor, IMAGE_MAX)
        if media_type not in IMAGE_TYPES:
            self.refuse(position, suffix, f"anthropic takes no {media_type or 'untyped'} image")
        elif len(data) > most:
            self.refuse(position, suffix, f"anthropic takes images of at most {most >> 20} MB of base64 here")
        else:
            return _sourced("image", {"type": "base64", "media_type": media_type, "data": data})
        return None

    def _document(self, file: File, position: int, suffix: str) -> Block | None:
        source = self._source(file) if self.profile.files else None
        if source is None:
            self.refuse(position, suffix, "the model takes PDF and text documents, by data or https address")
            return None
        block = _sourced("document", source)
        if file.filename:
            block["title"] = file.filename
        return block

    @staticmethod
    def _source(file: File) -> Block | None:
        if file.file_id is not None:
            # An id names a file kept by its issuer; Anthropic's begin with file_, others cannot be read there.
            return {"type": "file", "file_id": file.file_id} if file.file_id.startswith("file_") else None
        if file.url is not None:
            return {"type": "url", "url": file.url} if _is_https(file.url) else None
        media_type = _plain_type(file.media_type) or _SUFFIXES.get((file.filename or "").rpartition(".")[2].lower(), "")
        if media_type == "application/pdf":
            return {"type": "base64", "media_type": media_type, "data": file.data}
        if media_type.startswith("text/") or media_type in _TEXT_TYPES:
            text = _decoded(file.data or "")
            return None if text is None else {"type": "text", "media_type": "text/plain", "data": text}
        return None


def _marked(block: Block | None, part: Image | File) -> Block | None:
    if block is not None and part.cache is not None:
        block["cache_control"] = part.cache
    return block


def _plain_type(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(plain, plain)


def _is_https(url: str | None) -> bool:
    return url is not None and url[:8].lower() == "https://"


def _sourced(kind: str, source: Block) -> Block:
    return {"type": kind, "source": source}


def _decoded(data: str) -> str | None:
    """The text in base64 `data`; None when it is no base64, no UTF-8, or blank."""
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if text.strip() else None
