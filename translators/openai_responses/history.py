"""Input items as items of the neutral conversation.

Deliberate choices:
- Arguments of earlier calls are checked here, since a target of another dialect needs them as objects. A result must
  answer an earlier call; ids that come again are made unique, call and result alike.
- What only the provider knows by its id cannot be translated and is Malformed.
- An item of a tool that a provider ran itself is kept whole, in the assistant's message that follows it; one that a
  client answered such a tool with is a user's.
- A reasoning item whose mark says that its blob rides on a text or a call gives it back to that.
"""

import itertools

import orjson
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
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai.check import Wrong, fail, filled, obj, string
from translators.openai_responses.envelope import is_reference
from translators.openai_responses.marks import BOUND, earlier
from translators.openai_responses.wire import DIALECT, reasoning_text

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "developer"}
_TEXTS = frozenset({"input_text", "output_text", "text"})
LONG_CACHE = {"type": "ephemeral", "ttl": "1h"}
SHORT_CACHE = {"type": "ephemeral"}


class History:
    """Reads items one after another into `items`; `finish` gives them."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._ids: dict[str, str] = {}
        """The client's id of a call -> its unique id; a later call of the same id wins."""
        self._used: set[str] = set()
        self._kept: list[Part] = []
        """Whole items waiting for the assistant's message they belong to."""
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
            self._items.append(ToolResult(self._called(item), tuple(_parts(item.get("output"), "output"))))
        elif kind == "reasoning":
            self._reasoning(item)
        else:
            self._whole(item, kind)

    def finish(self) -> tuple[Item, ...]:
        self._flush()
        return tuple(self._items)

    def _message(self, item: dict[str, Json]) -> None:
        role = _ROLES.get(string(item.get("role"), "role"))
        if role is None:
            fail("role", f"must be one of {', '.join(_ROLES)}")
        parts = _parts(item.get("content"), "content")
        phase = item.get("phase")
        if role == "assistant":
            parts, self._kept = [*self._kept, *parts], []
        else:
            self._flush()
        self._items.append(Message(role, tuple(parts), phase=None if phase is None else string(phase, "phase")))

    def _call(self, item: dict[str, Json], *, custom: bool) -> None:
        self._flush()
        own, name = filled(item.get("call_id"), "call_id"), filled(item.get("name"), "name")
        said = string(item.get("input"), "input") if custom else _arguments(item.get("arguments"))
        signature, self._signature = self._signature, None
        self._items.append(ToolCall(self._unique(own), name, said, custom, opaque=signature))

    def _unique(self, own: str) -> str:
        unique = own
        if unique in self._used:
            unique = next(one for n in itertools.count(2) if (one := f"{own}_{n}") not in self._used)
        self._used.add(unique)
        self._ids[own] = unique
        return unique

    def _called(self, item: dict[str, Json]) -> str:
        own = filled(item.get("call_id"), "call_id")
        if own not in self._ids:
            fail("call_id", "answers no call of an earlier item")
        return self._ids[own]

    def _reasoning(self, item: dict[str, Json]) -> None:
        self._flush()
        mark = earlier(item.get(BOUND))
        if mark is None:
            self._items.append(Reasoning(reasoning_text(item)))
        elif mark.rides == "call":
            self._signature = mark.opaque
        elif mark.rides == "text":
            self._sign(mark.opaque)
        else:
            self._items.append(Reasoning(reasoning_text(item), mark.opaque))

    def _sign(self, opaque: Opaque) -> None:
        """The last text bears the blob; an empty one where none stands there."""
        last = self._items[-1] if self._items else None
        text = last.parts[-1] if isinstance(last, Message) and last.role == "assistant" and last.parts else None
        if isinstance(last, Message) and isinstance(text, Text):
            signed = structs.replace(text, opaque=opaque)
            self._items[-1] = structs.replace(last, parts=(*last.parts[:-1], signed))
        else:
            self._items.append(Message("assistant", (Text("", opaque=opaque),)))

    def _whole(self, item: dict[str, Json], kind: str) -> None:
        part = Foreign(DIALECT, kind, item)
        self._others.append(item.get("call_id", ""))
        if kind.endswith(("_output", "_response")) or "role" in item:
            self._flush()
            self._items.append(Message("user", (part,)))
        else:
            self._kept.append(part)

    def _flush(self) -> None:
        if self._kept:
            self._items.append(Message("assistant", tuple(self._kept)))
            self._kept = []


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
        return Text(string(part.get("text"), "text"), cache=_cache(part))
    if kind == "input_image" and part.get("image_url") is not None:
        return _image(part)
    if kind == "input_file":
        return _file(part)
    if kind == "input_audio":
        audio = obj(part.get("input_audio"), "input_audio")
        return Audio(filled(audio.get("data"), "input_audio.data"), filled(audio.get("format"), "input_audio.format"))
    if kind == "refusal":
        return Refusal(string(part.get("refusal"), "refusal"))
    return Foreign(DIALECT, kind, part)


def _image(part: dict[str, Json]) -> Image:
    url = filled(part["image_url"], "image_url")
    detail = part.get("detail")
    detail = None if detail in (None, "auto") else string(detail, "detail")
    if url.startswith("data:"):
        media_type, data = _data_url(url, "image_url")
        return Image(data=data, media_type=media_type, detail=detail, cache=_cache(part))
    if "://" not in url:
        fail("image_url", "must be a web address or a data: URL")
    return Image(url=url, detail=detail, cache=_cache(part))


def _file(part: dict[str, Json]) -> File:
    name = part.get("filename")
    name = None if name is None else string(name, "filename")
    if part.get("file_id") is not None:
        return File(file_id=filled(part["file_id"], "file_id"), filename=name, cache=_cache(part))
    if part.get("file_url") is not None:
        return File(url=filled(part["file_url"], "file_url"), filename=name, cache=_cache(part))
    data, media_type = filled(part.get("file_data"), "file_data"), "application/pdf"
    if data.startswith("data:"):
        media_type, data = _data_url(data, "file_data")
    return File(data=data, media_type=media_type, filename=name, cache=_cache(part))


def _data_url(url: str, path: str) -> tuple[str, str]:
    """Media type and base64 of a data: URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.endswith(";base64"):
        fail(path, "must be a data: URL with base64 data")
    return head[5:-7].partition(";")[0], data


def _cache(part: dict[str, Json]) -> dict[str, Json] | None:
    """The dialect's own breakpoint as a cache marker in Anthropic's form."""
    mark = part.get("prompt_cache_breakpoint")
    if not isinstance(mark, dict):
        return None
    return LONG_CACHE if mark.get("ttl") else SHORT_CACHE


def _arguments(value: Json) -> str:
    """The JSON text of a call's arguments; empty text counts as `{}`."""
    text = string(value, "arguments")
    if not text:
        return "{}"
    try:
        parsed = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        fail("arguments", "must be valid JSON")
    if not isinstance(parsed, dict):
        fail("arguments", "must be a JSON object")
    return text
