"""Input items as items of the neutral conversation.

Deliberate choices:
- Arguments of earlier calls are checked here, since a target of another dialect needs them as objects. A result must
  answer an earlier call; ids that come again are made unique, call and result alike.
- What only the provider knows by its id cannot be translated and is Malformed.
- An item of a tool that a provider ran itself is kept whole, in the assistant's message that follows it; one that a
  client answered such a tool with is a user's.
- A reasoning item whose mark says that its blob rides on a text or a call gives it back to that.
"""

from msgspec import structs

from translators.ir import (
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
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai.check import Wrong, fail, filled, obj, string
from translators.openai.history import Calls, arguments_of, audio, data_url
from translators.openai.markers import read_breakpoint
from translators.openai_responses.envelope import is_reference
from translators.openai_responses.marks import BOUND, earlier
from translators.openai_responses.wire import DIALECT, PICTURE, is_minted, reasoning_text

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
_TEXTS = frozenset({"input_text", "output_text", "text"})


class History:
    """Reads items one after another into `items`; `finish` gives them."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.kept: list[Part] = []
        """Whole items waiting for the assistant's message they belong to."""
        self._calls = Calls()
        self._others: list[Json] = []
        """Ids of calls that are kept whole: so are their results."""
        self._signature: Opaque | None = None
        """Of the call that comes next."""

    def add(self, item: dict[str, Json]) -> None:
        """Raises Wrong with a path relative to the item."""
        if is_reference(item):
            fail("id", "names an item that only the provider which made it can look up", "unsupported_value")
        kind = string(item.get("type", "message"), "type")
        if kind == "message":
            self._message(item)
        elif kind in ("function_call", "custom_tool_call"):
            self._call(item, custom=kind == "custom_tool_call")
        elif kind in ("function_call_output", "custom_tool_call_output") and item.get("call_id") not in self._others:
            self._flush()
            answered = self._calls.answered(item, "call_id", "answers no call of an earlier item")
            self.items.append(ToolResult(answered, tuple(_parts(item.get("output"), "output"))))
        elif kind == "reasoning":
            self._reasoning(item)
        else:
            self._whole(item, kind)

    def finish(self) -> tuple[Item, ...]:
        self._flush()
        return tuple(self.items)

    def _message(self, item: dict[str, Json]) -> None:
        role = _ROLES.get(string(item.get("role"), "role"))
        if role is None:
            fail("role", f"must be one of {', '.join(_ROLES)}")
        parts = _parts(item.get("content"), "content")
        phase = item.get("phase")
        if role == "assistant":
            parts, self.kept = [*self.kept, *parts], []
        else:
            self._flush()
        self.items.append(Message(role, tuple(parts), phase=None if phase is None else string(phase, "phase")))

    def _call(self, item: dict[str, Json], *, custom: bool) -> None:
        self._flush()
        own, name = filled(item.get("call_id"), "call_id"), filled(item.get("name"), "name")
        said = string(item.get("input"), "input") if custom else arguments_of(item.get("arguments"), "arguments")
        signature, self._signature = self._signature, None
        self.items.append(ToolCall(self._calls.unique(own), name, said, custom, opaque=signature))

    def _reasoning(self, item: dict[str, Json]) -> None:
        self._flush()
        mark = earlier(item.get(BOUND))
        if mark is None:
            self.items.append(_plain(item))
        elif mark.rides == "call":
            self._signature = mark.opaque
        elif mark.rides == "text":
            self._sign(mark.opaque)
        else:
            self.items.append(Reasoning(reasoning_text(item), mark.opaque))

    def _sign(self, opaque: Opaque) -> None:
        """The last text bears the blob; an empty one where none stands there."""
        last = self.items[-1] if self.items else None
        text = last.parts[-1] if isinstance(last, Message) and last.role == "assistant" and last.parts else None
        if isinstance(last, Message) and isinstance(text, Text):
            signed = structs.replace(text, opaque=opaque)
            self.items[-1] = structs.replace(last, parts=(*last.parts[:-1], signed))
        else:
            self.items.append(Message("assistant", (Text("", opaque=opaque),)))

    def _whole(self, item: dict[str, Json], kind: str) -> None:
        part = Foreign(DIALECT, kind, item, _picture(item) if kind == PICTURE else None)
        self._others.append(item.get("call_id", ""))
        if kind.endswith(("_output", "_response")) or "role" in item:
            self._flush()
            self.items.append(Message("user", (part,)))
        else:
            self.kept.append(part)

    def _flush(self) -> None:
        if self.kept:
            self.items.append(Message("assistant", tuple(self.kept)))
            self.kept = []


def _picture(item: dict[str, Json]) -> Image | None:
    """What the model drew, if the client brings it."""
    data, form = item.get("result"), item.get("output_format")
    if not isinstance(data, str) or not data:
        return None
    return Image(data=data, media_type=f"image/{form if isinstance(form, str) and form else 'png'}")


def _plain(item: dict[str, Json]) -> Reasoning:
    """Reasoning without a blob. What was made here always had one, or said something: an item that comes back without
    either is bound to whoever knows what its id stood for, and so to nobody."""
    text = reasoning_text(item)
    lost = not text and is_minted(item.get("id"))
    return Reasoning(text, Opaque("encrypted", item["id"], "") if lost else None)


def _parts(content: Json, path: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    if not isinstance(content, list):
        raise Wrong(path, "must be a string or an array of parts")
    parts: list[Part] = []
    for i, part in enumerate(content):
        try:
            parts.append(_part(obj(part, "")))
        except Wrong as wrong:
            raise wrong.under(f"{path}[{i}]") from None
    return parts


def _part(part: dict[str, Json]) -> Part:
    kind = filled(part.get("type"), "type")
    if kind in _TEXTS:
        return Text(string(part.get("text"), "text"), cache=read_breakpoint(part))
    if kind == "input_image" and part.get("image_url") is not None:
        return _image(part)
    if kind == "input_file":
        return _file(part)
    if kind == "input_audio":
        return audio(part)
    if kind == "refusal":
        return Refusal(string(part.get("refusal"), "refusal"))
    return Foreign(DIALECT, kind, part)


def _image(part: dict[str, Json]) -> Image:
    url = filled(part["image_url"], "image_url")
    detail = part.get("detail")
    detail = None if detail in (None, "auto") else string(detail, "detail")
    if url.startswith("data:"):
        media_type, data = data_url(url, "image_url")
        return Image(data=data, media_type=media_type, detail=detail, cache=read_breakpoint(part))
    if "://" not in url:
        fail("image_url", "must be a web address or a data: URL")
    return Image(url=url, detail=detail, cache=read_breakpoint(part))


def _file(part: dict[str, Json]) -> File:
    name = part.get("filename")
    name = None if name is None else string(name, "filename")
    if part.get("file_id") is not None:
        return File(file_id=filled(part["file_id"], "file_id"), filename=name, cache=read_breakpoint(part))
    if part.get("file_url") is not None:
        return File(url=filled(part["file_url"], "file_url"), filename=name, cache=read_breakpoint(part))
    data, media_type = filled(part.get("file_data"), "file_data"), "application/pdf"
    if data.startswith("data:"):
        media_type, data = data_url(data, "file_data")
    return File(data=data, media_type=media_type, filename=name, cache=read_breakpoint(part))
