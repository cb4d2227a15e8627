"""Neutral items as input items of a Responses request.

Deliberate choices:
- Everything keeps its place and its order: this dialect has an item for each of them.
- Ids of items are left out, since nothing is stored that they could name.
- Reasoning goes back only to the target that made it, by its blob; reasoning without one only where the model must be
  given its own words again.
- A result that is text stays a string, and what the assistant said in several texts is one.
"""

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import structs

from translators.ir import (
    Audio,
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
from translators.openai.media import Shown, as_told, why_no_picture
from translators.openai_responses.marks import BOUND
from translators.openai_responses.response import summary_text
from translators.openai_responses.wire import DIALECT, PARAGRAPH
from translators.profile import Profile
from translators.report import Report

OWN_FILES = "file-"
"""Beginning of the ids of files that OpenAI keeps, whichever of its APIs is asked."""
CALL_ID_MAX = 64
"""Characters of a call's id that OpenAI takes."""
_WHOLE = ("input_", "output_")
"""Beginnings of the kinds of parts; whatever else of this dialect is kept is an item."""


class Turns:
    """Collects items into `items`."""

    def __init__(self, profile: Profile, report: Report) -> None:
        self._profile = profile
        self._report = report
        self._origin = profile.origin(DIALECT)
        self._custom: set[str] = set()
        """Ids of calls of custom tools."""
        self._replies = False
        """A turn has been taken: a system message from here on stands in the middle."""
        self._at = -1
        """Place of the item at hand among the request's."""
        self._shown = Shown()
        """Its parts."""
        self._markers = Markers(profile, report)
        self.items: list[dict[str, Json]] = []

    def add(self, item: Item, at: int) -> None:
        """`at` is its place among the request's items."""
        self._at = at
        if isinstance(item, Message):
            self._message(item)
        elif isinstance(item, ToolCall):
            self._call(item)
        elif isinstance(item, ToolResult):
            self._result(item)
        else:
            self._reasoning(item)

    def _message(self, item: Message) -> None:
        self._shown = Shown((self._at, item))
        whole = [part for part in item.parts if _is_item(part)]
        self.items += [part.value for part in whole if isinstance(part, Foreign)]
        parts = [part for part in item.parts if not _is_item(part)] if whole else item.parts
        signed = [part.opaque for part in parts if isinstance(part, Text) and part.opaque is not None]
        if signed:
            self._bound(signed[-1])
            parts = [part for part in parts if not isinstance(part, Text) or part.text or part.opaque is None]
        if not parts and (whole or signed):
            return
        role = item.role
        if role in ("user", "assistant"):
            self._replies = True
        elif self._replies and not self._profile.system_anywhere:
            role, parts = "user", as_told(item)
            self._shown = Shown((self._at, structs.replace(item, parts=parts)))
            self._report.approximated(self._path(".role"), "a system message in the middle is told by the user")
        content = self._content(parts, "output" if role == "assistant" else "input")
        if item.name:
            self._report.approximated(self._path(".name"), "said as a prefix of the text")
            content = _led(f"{item.name}: ", content, "output" if role == "assistant" else "input")
        message: dict[str, Json] = {"role": role, "content": content}
        if item.phase is not None and role == "assistant":
            message["phase"] = item.phase
        self.items.append(message)

    def _call(self, call: ToolCall) -> None:
        if call.cache is not None:
            self._markers.leave_out(self._path())
        if call.opaque is not None:
            self._bound(call.opaque)
        self._replies = True
        identifier = call_id(call.id)
        if call.custom:
            self._custom.add(call.id)
            said = {"type": "custom_tool_call", "call_id": identifier, "name": call.name, "input": call.arguments}
        else:
            arguments = call.arguments or "{}"
            said = {"type": "function_call", "call_id": identifier, "name": call.name, "arguments": arguments}
        self.items.append(said)

    def _result(self, item: ToolResult) -> None:
        self._replies = True
        self._shown = Shown((self._at, item))
        output = self._content(item.parts, "input")
        if item.cache is not None:
            output = self._marked(output, item.cache)
        if item.is_error:
            self._report.approximated(self._path(".is_error"), "told in words")
            output = _led("Error: ", output, "input")
        kind = "custom_tool_call_output" if item.call_id in self._custom else "function_call_output"
        self.items.append({"type": kind, "call_id": call_id(item.call_id), "output": output})

    def _reasoning(self, item: Reasoning) -> None:
        opaque = item.opaque
        if opaque is not None and opaque.origin == self._origin:
            summary = [summary_text(item.text)] if item.text else []
            self.items.append({"type": "reasoning", "summary": summary, BOUND: opaque.data})
        elif opaque is None and item.text and self._profile.reasoning_replay:
            own = {"type": "reasoning_text", "text": item.text}
            self.items.append({"type": "reasoning", "summary": [], "content": [own]})
        elif opaque is not None or item.text:
            self._report.dropped(self._path(), "reasoning of another provider")

    def _bound(self, opaque: Opaque) -> None:
        """A signature on a text or a call: no provider of this dialect makes one."""
        maker = opaque.origin.partition("|")[0] or "another provider"
        self._report.dropped(self._path(".opaque"), f"a signature of {maker}")

    def _path(self, detail: str = "") -> str:
        return f"items[{self._at}]{detail}"

    # -- parts

    def _content(self, parts: Sequence[Part], side: str) -> Json:
        """A string for one text (and for nothing), else the parts; `side` is whose they are."""
        if not parts:
            return ""
        if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].cache is None:
            return parts[0].text
        rendered = [self._part(part, side) for part in parts]
        said = [part for part in rendered if part is not None]
        if side == "output" and all(part["type"] == "output_text" for part in said):
            return _joined(rendered)
        return said or ""

    def _part(self, part: Part, side: str) -> Json:
        """None for a part that cannot be said; that is noted."""
        if isinstance(part, Text):
            return {"type": f"{side}_text", "text": part.text, **self._marker(part, side)}
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        if isinstance(part, Image):
            return self._image(part)
        if isinstance(part, File):
            return self._file(part)
        if isinstance(part, Audio):
            return self._refused(part, "the Responses API takes no audio")
        return self._foreign(part)

    def _foreign(self, part: Foreign) -> Json:
        if part.dialect == DIALECT:
            return part.value
        if part.shown is not None:
            self._report.dropped(self._shown.path(part), "a picture that a model of another provider made")
            return None
        if part.plain is not None:
            for name in part.more:
                self._report.refused(f"{self._shown.path(part)}.{name}", "the Responses API's files have no such field")
            return self._file(part.plain)
        return self._refused(part, f"the Responses API has no such part as {part.kind}")

    def _image(self, part: Image) -> Json:
        why = why_no_picture(part, self._profile, "the Responses API")
        if why is not None:
            return self._refused(part, why)
        url = part.url or f"data:{part.media_type};base64,{part.data}"
        return {"type": "input_image", "image_url": url, "detail": part.detail or "auto", **self._marker(part)}

    def _file(self, part: File) -> Json:
        if not self._profile.files:
            return self._refused(part, "the model takes no files")
        if part.file_id is not None:
            if part.file_id.startswith(OWN_FILES):
                return {"type": "input_file", "file_id": part.file_id, **self._marker(part)}
            return self._refused(part, "a file of another place cannot be fetched from here")
        if part.url is not None:
            return {"type": "input_file", "file_url": part.url, **self._marker(part)}
        media_type = part.media_type or "application/pdf"
        name = part.filename or f"file.{media_type.rpartition('/')[2]}"
        data = f"data:{media_type};base64,{part.data}"
        return {"type": "input_file", "filename": name, "file_data": data, **self._marker(part)}

    def _marker(self, part: Text | Image | File, side: str = "input") -> dict[str, Json]:
        """The part's cache marker; what the assistant said bears none."""
        if part.cache is None:
            return {}
        if side == "input":
            return self._markers.on(part.cache, self._shown.path(part), text=isinstance(part, Text))
        self._markers.leave_out(self._shown.path(part))
        return {}

    def _marked(self, output: Json, cache: Mapping[str, Json]) -> Json:
        """A result whose end bears a marker; one of nothing bears none."""
        if not output:
            self._markers.leave_out(self._path())
            return output
        whole = isinstance(output, str)
        marker = self._markers.on(cache, self._path(), text=whole or output[-1]["type"] == "input_text")
        if not marker:
            return output
        said = [{"type": "input_text", "text": output}] if whole else output
        return [*said[:-1], {**marker, **said[-1]}]

    def _refused(self, part: Part, why: str) -> None:
        self._report.refused(self._shown.path(part), why)


def _joined(texts: Sequence[Json]) -> str:
    """What the assistant said in several texts as one, since by the letter of the API parts of an answer belong to one
    that was stored and has an id. Its words follow each other, but where something (None) was left out in between."""
    said = "".join(PARAGRAPH if text is None else text["text"] for text in texts)
    return said.strip(PARAGRAPH) if None in texts else said


def _is_item(part: Part) -> bool:
    """Whether a part is a whole item of this dialect's own."""
    return isinstance(part, Foreign) and part.dialect == DIALECT and not part.kind.startswith(_WHOLE)


def _led(lead: str, content: Json, side: str) -> Json:
    """A content with words before it."""
    return lead + content if isinstance(content, str) else [{"type": f"{side}_text", "text": lead}, *content]


def call_id(own: str) -> str:
    """A call's id as the target takes it: unchanged, or made from one that is too long."""
    return own if len(own) <= CALL_ID_MAX else f"call_{hashlib.sha256(own.encode()).hexdigest()[:32]}"
