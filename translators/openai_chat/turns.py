"""Items as chat messages: the grouping that `render` needs."""

import base64
import hashlib
from collections.abc import Mapping, Sequence

from msgspec import structs

from translators.ir import (
    Audio,
    Dialect,
    File,
    Foreign,
    Image,
    Item,
    Json,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai.markers import Markers
from translators.openai.media import Shown, as_told, picture, why_no_picture
from translators.openai_chat.narrow import GO_ON, LATE, NO_PREFILL, begins_answer
from translators.openai_chat.reasoning import own, render_blocks
from translators.openai_chat.signatures import FIELD, render_signature
from translators.openai_chat.wire import IMAGES
from translators.profile import Profile
from translators.report import Report

ALNUM9 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Turns:
    """Collects items into messages. `finish` gives them."""

    def __init__(self, profile: Profile, report: Report) -> None:
        self._profile = profile
        self._report = report
        self._origin = profile.origin(Dialect.OPENAI_CHAT)
        self._messages: list[dict[str, Json]] = []
        self._at = -1
        """Place of the item at hand among the request's; what waits for the end of its turn has its own beside it."""
        self._texts: list[tuple[int, Message]] = []
        self._blocks: list[tuple[int, Reasoning]] = []
        self._calls: list[tuple[int, ToolCall]] = []
        self._shown = Shown()
        """Whose parts are being said."""
        self._pictures: list[Json] = []
        self._replies = False
        """A turn has been taken: a system message from here on stands in the middle."""
        self._markers = Markers(profile, report)

    def add(self, item: Item, at: int) -> None:
        """`at` is its place among the request's items."""
        self._at = at
        if isinstance(item, ToolResult):
            self._end_turn()
            self._result(item)
            return
        self._show_pictures()
        if isinstance(item, ToolCall):
            self._calls.append((self._at, item))
        elif isinstance(item, Reasoning):
            if self._texts and not self._calls:
                self._end_turn()
            self._blocks.append((self._at, item))
        elif item.role == "assistant":
            self._text(item)
        else:
            self._end_turn()
            self._message(item)

    def finish(self) -> list[dict[str, Json]]:
        self._end_turn()
        self._show_pictures()
        messages = self._messages
        if messages and not self._profile.prefill and begins_answer(messages):
            self._report.refused(f"items[{self._at}]", NO_PREFILL)
            messages.append({"role": "user", "content": GO_ON})
        return messages

    def _text(self, item: Message) -> None:
        if item.phase is not None:
            self._report.dropped(f"items[{self._at}].phase", "chat has no phases")
        if self._calls:
            self._report.approximated(f"items[{self._at}]", "text after a tool call moved before it")
        elif self._texts:
            self._end_turn()
        self._texts.append((self._at, item))

    def _end_turn(self) -> None:
        """What the assistant did so far becomes one message."""
        if not (self._texts or self._blocks or self._calls):
            return
        self._shown = Shown(*self._texts)
        parts, drawn = self._undrawn([part for _, text in self._texts for part in text.parts])
        signed = next((part for part in reversed(parts) if isinstance(part, Text) and part.opaque), None)
        if signed is not None:
            parts = [part for part in parts if not isinstance(part, Text) or part.text]
        content = self._content(parts) if parts else None if self._calls else ""
        message: dict[str, Json] = {"role": "assistant", "content": content}
        if drawn:
            message["images"] = drawn
        if signed is not None and signed.opaque is not None:
            message.update(self._signed(signed.opaque, next(at for at, text in self._texts if signed in text.parts)))
        names = [text.name for _, text in self._texts if text.name]
        if names:
            message["name"] = names[0]
        self._reasoning(message)
        if self._calls:
            message["tool_calls"] = [self._call(call, at) for at, call in self._calls]
        # Thinking that may not go there is no turn, nor are parts that only their own vendor knows.
        told = bool(self._texts) and (not parts or any(isinstance(part, Text) for part in parts))
        if told or message != {"role": "assistant", "content": ""}:
            self._messages.append(message)
        self._texts, self._blocks, self._calls = [], [], []
        self._replies = True

    def _undrawn(self, parts: list[Part]) -> tuple[list[Part], list[Json]]:
        """The parts without what the model drew, and that as its `images`, where the target takes it back."""
        pictures = [part for part in parts if _is_drawn(part)]
        if not pictures:
            return parts, []
        rest = [part for part in parts if not _is_drawn(part)]
        if self._profile.pictures_back:
            return rest, [_entry(part) for part in pictures]
        for part in pictures:
            self._report.dropped(self._shown.path(part), "chat's models take no pictures of their own")
        return rest, []

    def _reasoning(self, message: dict[str, Json]) -> None:
        """Details only of this target's own making; the text alone where it must be replayed."""
        mine = [block for _, block in self._blocks if block.opaque is None or block.opaque.origin == self._origin]
        fields = render_blocks(mine)
        details = own(fields.get("reasoning_details", []), self._origin)
        if details:
            message.update(fields, reasoning_details=details)
        elif self._profile.reasoning_replay:
            message["reasoning_content"] = fields.get("reasoning_content", "")
        kept = details or self._profile.reasoning_replay
        for at, block in self._blocks:
            if not kept or (block.opaque and block.opaque.origin != self._origin):
                self._report.dropped(f"items[{at}]", "reasoning of another provider")

    def _signed(self, opaque: Opaque, at: int) -> dict[str, Json]:
        """The signature of the text or the call at that place, if this very target made it."""
        if opaque.origin != self._origin:
            self._report.dropped(f"items[{at}].opaque", "a signature of another provider")
            return {}
        return {FIELD: render_signature(opaque, marked=False)}

    def _call(self, call: ToolCall, at: int) -> dict[str, Json]:
        call_id = tool_id(call.id, self._profile)
        if call.cache is not None:
            self._markers.leave_out(f"items[{at}]")
        signed = {} if call.opaque is None else self._signed(call.opaque, at)
        if call.custom:
            return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}, **signed}
        function = {"name": call.name, "arguments": call.arguments or "{}"}
        return {"id": call_id, "type": "function", "function": function, **signed}

    def _result(self, item: ToolResult) -> None:
        texts = [part for part in item.parts if not _is_shown(part)]
        pictures = [part for part in item.parts if _is_shown(part)]
        self._shown = Shown((self._at, item))
        content = self._content(texts)
        if item.cache is not None:
            content = self._marked(content, item.cache)
        if item.is_error:
            prefix = "Error: "
            content = prefix + content if isinstance(content, str) else [{"type": "text", "text": prefix}, *content]
            self._report.approximated(f"items[{self._at}].is_error", "told in words")
        if pictures:
            rendered = self._content(pictures, plain=False)
            self._pictures.extend(rendered)
            self._report.approximated(f"items[{self._at}]", "pictures follow in a user message")
        self._messages.append(
            {"role": "tool", "tool_call_id": tool_id(item.call_id, self._profile), "content": content}
        )
        self._replies = True

    def _show_pictures(self) -> None:
        if self._pictures:
            self._messages.append({"role": "user", "content": self._pictures})
            self._pictures = []

    def _message(self, item: Message) -> None:
        role = "system" if item.role == "developer" and not self._profile.developer else item.role
        if role == "user":
            self._replies = True
        elif self._replies and not self._profile.system_anywhere:
            role, item = "user", structs.replace(item, parts=as_told(item))
            self._report.approximated(f"items[{self._at}].role", LATE)
        self._shown = Shown((self._at, item))
        message: dict[str, Json] = {"role": role, "content": self._content(item.parts)}
        if item.name is not None:
            message["name"] = item.name
        self._messages.append(message)

    def _content(self, parts: Sequence[Part], *, plain: bool = True) -> Json:
        """A string for one text (and for nothing), else the parts."""
        if plain and not parts:
            return ""
        if plain and len(parts) == 1 and isinstance(parts[0], Text):
            marker = self._marker(parts[0])
            return [{"type": "text", "text": parts[0].text, **marker}] if marker else parts[0].text
        rendered = [said for part in parts if (said := self._part(part)) is not None]
        return rendered or ("" if plain else [])

    def _marked(self, content: Json, cache: Mapping[str, Json]) -> Json:
        """A result whose end bears a marker; one of nothing bears none."""
        if not content:
            self._markers.leave_out(f"items[{self._at}]")
            return content
        marker = self._markers.on(cache, f"items[{self._at}]")
        if not marker:
            return content
        said = [{"type": "text", "text": content}] if isinstance(content, str) else content
        return [*said[:-1], {**marker, **said[-1]}]

    def _marker(self, part: Text | Image | File) -> dict[str, Json]:
        if part.cache is None:
            return {}
        return self._markers.on(part.cache, self._shown.path(part), text=isinstance(part, Text))

    def _part(self, part: Part) -> Json:
        """None for a part that cannot be said; that is noted."""
        if isinstance(part, Text):
            return {"type": "text", "text": part.text, **self._marker(part)}
        if isinstance(part, Refusal):
            return self._refusal(part)
        if isinstance(part, Image):
            return self._image(part)
        if isinstance(part, File):
            return self._file(part)
        if isinstance(part, Audio):
            if self._profile.audio:
                return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
            return self._refused(part, "the model takes no audio")
        return self._foreign(part)

    def _refusal(self, part: Refusal) -> Json:
        if not self._profile.message_fields:
            return {"type": "refusal", "refusal": part.text}
        self._report.approximated(self._shown.path(part), "sent as plain text")
        return {"type": "text", "text": part.text}

    def _image(self, part: Image) -> Json:
        why = why_no_picture(part, self._profile, "chat")
        if why is not None:
            return self._refused(part, why)
        image = {"url": part.url or f"data:{part.media_type};base64,{part.data}"}
        if part.detail is not None:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image, **self._marker(part)}

    def _file(self, part: File) -> Json:
        if not self._profile.files:
            return self._refused(part, "the model takes no files")
        if part.data is None:
            return self._refused(part, "a file of another place cannot be fetched from here")
        if part.media_type.startswith("text/") and (text := _decoded(part)) is not None:
            self._report.approximated(self._shown.path(part), "a text document is told as text")
            return {"type": "text", "text": text, **self._markers.on(part.cache, self._shown.path(part))}
        file = {"file_data": f"data:{part.media_type};base64,{part.data}"}
        if part.filename is not None:
            file["filename"] = part.filename
        return {"type": "file", "file": file, **self._marker(part)}

    def _foreign(self, part: Foreign) -> Json:
        if part.dialect == Dialect.OPENAI_CHAT:
            return part.value
        if part.plain is not None:
            for name in part.more:
                self._report.refused(f"{self._shown.path(part)}.{name}", "chat's files have no such field")
            return self._file(part.plain)
        return self._refused(part, f"chat has no such part as {part.kind}")

    def _refused(self, part: Part, why: str) -> None:
        self._report.refused(self._shown.path(part), why)


def _is_shown(part: Part) -> bool:
    """Whether a part of a result is a picture or a document."""
    return isinstance(part, Image | File) or (isinstance(part, Foreign) and part.plain is not None)


def _is_drawn(part: Part) -> bool:
    """Whether a part of what the assistant said is a picture."""
    return isinstance(part, Image) or (isinstance(part, Foreign) and (part.shown is not None or part.kind == IMAGES))


def _entry(part: Part) -> Json:
    if isinstance(part, Foreign):
        return part.value if part.shown is None or part.kind == IMAGES else picture(part.shown)
    return picture(part) if isinstance(part, Image) else None


def _decoded(file: File) -> str | None:
    """The words of a text document, under its name; None when they cannot be read."""
    try:
        text = base64.b64decode(file.data or "").decode()
    except ValueError:
        return None
    return f"{file.filename}:\n{text}" if file.filename else text


def tool_id(own_id: str, profile: Profile) -> str:
    """A call's id as the target takes it: unchanged, or nine letters and digits made from it (Mistral)."""
    if profile.tool_ids == "any" or (len(own_id) == 9 and own_id.isascii() and own_id.isalnum()):
        return own_id
    number = int.from_bytes(hashlib.sha256(own_id.encode()).digest())
    digits = ""
    for _ in range(9):
        number, rest = divmod(number, len(ALNUM9))
        digits += ALNUM9[rest]
    return digits
