"""Parts of a message as Gemini parts.

Images, documents and sound go as data. A file that lies elsewhere goes by its address where Google keeps it itself, or
where the model fetches addresses (`image_urls`); the proxy never fetches one. What Gemini cannot take is left out and
reported refused, because a question about a picture is not the same question without it.
"""

import base64
import binascii

from translators.gemini.media import (
    IMAGE_TYPES,
    guessed_type,
    is_document,
    is_kept,
    plain_type,
    sound_type,
)
from translators.gemini.wire import DIALECT, mark_of, unmarked
from translators.ir import (
    Audio,
    File,
    Foreign,
    Image,
    Item,
    Json,
    Part,
    Refusal,
    Text,
    ToolCall,
)
from translators.profile import Profile
from translators.report import Report

WirePart = dict[str, Json]


class Scribe:
    """Renders parts for one request and notes in its report what became of them."""

    __slots__ = ("_left_behind", "_markers", "items", "origin", "profile", "report")

    def __init__(self, items: tuple[Item, ...], profile: Profile, report: Report) -> None:
        self.items = items
        self.profile = profile
        self.report = report
        self.origin = profile.origin(DIALECT)
        self._left_behind = False
        self._markers = False

    @staticmethod
    def path(position: int, suffix: str = "") -> str:
        """`items[2].parts[0]`, as Reports name things."""
        return f"items[{position}]{suffix}"

    def refuse(self, position: int, suffix: str, why: str) -> None:
        self.report.refused(self.path(position, suffix), why)

    def approximate(self, position: int, suffix: str, why: str) -> None:
        self.report.approximated(self.path(position, suffix), why)

    def leave_behind(self, position: int, suffix: str) -> None:
        """Notes, once a request, that thinking or a signature goes to its maker only: every turn of a conversation may
        have some."""
        if not self._left_behind:
            self._left_behind = True
            self.report.dropped(self.path(position, suffix), "thinking goes back only to the model that signed it")

    def no_marker(self, cache: Json, position: int, suffix: str = "") -> None:
        """Notes, once a request, where the first cache marker stood."""
        if cache is not None and not self._markers:
            self._markers = True
            self.report.dropped(self.path(position, f"{suffix}.cache_control"), "gemini caches by itself")

    def parts(self, parts: tuple[Part, ...], position: int, lead: str = "") -> list[WirePart]:
        """The parts of one item. Empty text is left out unless it is signed; `lead` goes before the first text."""
        out: list[WirePart] = []
        for index, part in enumerate(parts):
            if type(part) is Text:
                self.no_marker(part.cache, position, f".parts[{index}]")
                said = self.signature({"text": lead + part.text}, part, position)
                if part.text or "thoughtSignature" in said:
                    out.append(said)
                    lead = ""
                continue
            other = self._other(part, position, f".parts[{index}]")
            if other is not None:
                out.append(other)
        return out

    def signature(self, part: WirePart, bearer: Text | ToolCall, position: int) -> WirePart:
        """The part with the blob that rides on it, if this very target made it."""
        opaque = bearer.opaque
        if opaque is None:
            return part
        if opaque.form == "signature" and opaque.origin == self.origin:
            part["thoughtSignature"] = opaque.data
        else:
            self.leave_behind(position, ".opaque")
        return part

    def _other(self, part: Part, position: int, suffix: str) -> WirePart | None:
        if isinstance(part, Image):
            self.no_marker(part.cache, position, suffix)
            return self._image(part, position, suffix)
        if isinstance(part, File):
            self.no_marker(part.cache, position, suffix)
            return self._document(part, position, suffix)
        if isinstance(part, Audio):
            return self._sound(part, position, suffix)
        if isinstance(part, Refusal):
            self.approximate(position, suffix, "sent as plain text")
            return {"text": part.text} if part.text else None
        return self._foreign(part, position, suffix) if isinstance(part, Foreign) else None

    def _image(self, image: Image, position: int, suffix: str) -> WirePart | None:
        if image.detail not in (None, "auto"):
            self.report.dropped(self.path(position, suffix + ".detail"), "gemini has no such detail")
        if not self.profile.images:
            self.refuse(position, suffix, "the model takes no images")
            return None
        if image.data is not None:
            media_type = plain_type(image.media_type)
            if media_type in IMAGE_TYPES:
                return _inline(media_type, image.data)
            self.refuse(position, suffix, f"gemini takes no {media_type or 'untyped'} image")
            return None
        return self._address(image.url or "", image.media_type, position, suffix)

    def _document(self, file: File, position: int, suffix: str) -> WirePart | None:
        if not self.profile.files:
            self.refuse(position, suffix, "the model takes no documents")
            return None
        if file.data is None:
            return self._address(file.url or file.file_id or "", file.media_type, position, suffix)
        media_type = plain_type(file.media_type) or guessed_type(file.filename or "")
        if not is_document(media_type) or not _is_base64(file.data):
            self.refuse(position, suffix, "gemini takes PDF and text documents")
            return None
        if file.filename:
            self.report.dropped(self.path(position, suffix + ".filename"), "gemini knows no names of files")
        return _inline(media_type, file.data)

    def _address(self, uri: str, media_type: str, position: int, suffix: str) -> WirePart | None:
        if not is_kept(uri) and not (self.profile.image_urls and uri.startswith(("https://", "http://"))):
            self.refuse(position, suffix, "the model takes files as data, or by the address Google keeps them at")
            return None
        told = plain_type(media_type) or guessed_type(uri)
        return {"fileData": {"fileUri": uri, **({"mimeType": told} if told else {})}}

    def _sound(self, audio: Audio, position: int, suffix: str) -> WirePart | None:
        media_type = sound_type(audio.format) if self.profile.audio else None
        if media_type is None:
            why = f"gemini takes no {audio.format[:20]} sound" if self.profile.audio else "the model takes no audio"
            self.refuse(position, suffix, why)
            return None
        return _inline(media_type, audio.data)

    def _foreign(self, part: Foreign, position: int, suffix: str) -> WirePart | None:
        """A part of this dialect's own goes back as it came, its signature only to the maker."""
        if part.dialect != DIALECT and part.shown is not None:
            return self._image(part.shown, position, suffix)
        if part.dialect != DIALECT and part.plain is not None:
            for name in part.more:
                self.refuse(position, f"{suffix}.{name}", "gemini's files have no such field")
            return self._document(part.plain, position, suffix)
        if part.dialect != DIALECT or not isinstance(part.value, dict):
            self.refuse(position, suffix, f"gemini has no {part.kind} part")
            return None
        plain = unmarked(part.value)
        if "thoughtSignature" in plain and mark_of(part.value) != self.origin:
            del plain["thoughtSignature"]
            self.leave_behind(position, ".opaque")
        return plain


def _inline(media_type: str, data: str) -> WirePart:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
