"""Chat messages as items of the neutral conversation.

Deliberate choices:
- Arguments of earlier calls are checked here, since a target of another dialect needs them as objects; empty ones are
  an empty object.
- The retired function messages become tool calls with ids of our own.
"""

from msgspec import structs

from translators.ir import (
    Dialect,
    File,
    Foreign,
    Image,
    Item,
    Json,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai.check import Wrong, array, fail, filled, obj, string
from translators.openai.history import Calls, arguments_of, audio, data_url
from translators.openai.markers import read_breakpoint
from translators.openai_chat.reasoning import read_blocks, read_thinking
from translators.openai_chat.signatures import FIELD, read_signature
from translators.openai_chat.wire import IMAGES


class History:
    """Reads messages one after another into `items`."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._calls = Calls()
        self._functions: dict[str, str] = {}

    def add(self, message: dict[str, Json]) -> None:
        """Raises Wrong with a path relative to the message."""
        role = message["role"]
        if role == "assistant":
            self._assistant(message)
        elif role == "tool":
            asked = self._calls.answered(message, "tool_call_id", "answers no tool call of an earlier message")
            self._result(message, asked)
        elif role == "function":
            name = filled(message.get("name"), "name")
            if name not in self._functions:
                fail("name", "answers a function that was not called before")
            self._result(message, self._functions[name])
        else:
            self._message(message, role)

    def _message(self, message: dict[str, Json], role: Role) -> None:
        parts = _parts(message.get("content"))
        if message.get("cache_control") is not None and parts and isinstance(parts[-1], Text | Image | File):
            parts[-1] = structs.replace(parts[-1], cache=_cache(message))
        name = message.get("name")
        self.items.append(Message(role, tuple(parts), None if name is None else string(name, "name")))

    def _assistant(self, message: dict[str, Json]) -> None:
        items = self.items
        before = len(items)
        items.extend(read_blocks(message))
        content = message.get("content")
        calls = message.get("tool_calls")
        legacy = message.get("function_call")
        parts: list[Part] = []
        if isinstance(content, list):
            parts = self._assistant_parts(content)
        elif content is not None and (content != "" or not (calls or legacy)):
            parts = _parts(content)
        if message.get("refusal"):
            parts.append(Refusal(string(message["refusal"], "refusal")))
        if FIELD in message:
            _sign(parts, message[FIELD])
        parts += _pictures(message.get("images"))
        name = message.get("name")
        if parts or (not calls and not legacy and len(items) == before):
            items.append(Message("assistant", tuple(parts), None if name is None else string(name, "name")))
        if calls is not None:
            for j, call in enumerate(array(calls, "tool_calls")):
                try:
                    self._call(obj(call, ""))
                except Wrong as wrong:
                    raise wrong.under(f"tool_calls[{j}]") from None
        if legacy is not None:
            self._function_call(obj(legacy, "function_call"))

    def _assistant_parts(self, content: list[Json]) -> list[Part]:
        """The parts of an assistant's content array; thinking among them becomes items of its own."""
        parts: list[Part] = []
        for part in content:
            if isinstance(part, dict) and part.get("type") == "thinking":
                self.items.append(read_thinking(part))
            else:
                parts.append(part)
        return _parts(parts)

    def _call(self, call: dict[str, Json]) -> None:
        own = filled(call.get("id"), "id")
        opaque = read_signature(call.get(FIELD))
        if call.get("type") == "custom" or "custom" in call:
            custom = obj(call.get("custom"), "custom")
            name, text = filled(custom.get("name"), "custom.name"), string(custom.get("input"), "custom.input")
            self.items.append(ToolCall(self._calls.unique(own), name, text, custom=True, opaque=opaque))
            return
        function = obj(call.get("function"), "function")
        name = filled(function.get("name"), "function.name")
        arguments = arguments_of(function.get("arguments"), "function.arguments")
        self.items.append(ToolCall(self._calls.unique(own), name, arguments, opaque=opaque))

    def _function_call(self, call: dict[str, Json]) -> None:
        name = filled(call.get("name"), "function_call.name")
        arguments = arguments_of(call.get("arguments"), "function_call.arguments")
        self._functions[name] = self._calls.unique(f"call_{name}")
        self.items.append(ToolCall(self._functions[name], name, arguments))

    def _result(self, message: dict[str, Json], call_id: str) -> None:
        parts = _parts(message.get("content"))
        self.items.append(ToolResult(call_id, tuple(parts), cache=_cache(message)))


def _pictures(images: Json) -> list[Part]:
    """What the model drew, which `images` of its answer showed."""
    parts: list[Part] = []
    for k, entry in enumerate(() if images is None else array(images, "images")):
        try:
            parts.append(Foreign(Dialect.OPENAI_CHAT, IMAGES, entry, _image(obj(entry, ""))))
        except Wrong as wrong:
            raise wrong.under(f"images[{k}]") from None
    return parts


def _sign(parts: list[Part], extra: Json) -> None:
    """A message's signature rides on its last text; on an empty one where it has none."""
    opaque = read_signature(extra)
    if opaque is None:
        return
    last = parts[-1] if parts else None
    if isinstance(last, Text):
        parts[-1] = Text(last.text, last.cache, opaque)
    else:
        parts.append(Text("", opaque=opaque))


def _parts(content: Json) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    if content is None:
        return []
    if not isinstance(content, list):
        raise Wrong("content", "must be a string or an array of parts")
    parts: list[Part] = []
    for i, part in enumerate(content):
        try:
            parts.append(_part(obj(part, "")))
        except Wrong as wrong:
            raise wrong.under(f"content[{i}]") from None
    return parts


def _part(part: dict[str, Json]) -> Part:
    kind = filled(part.get("type"), "type")
    if kind == "text":
        return Text(string(part.get("text"), "text"), cache=_cache(part))
    if kind == "image_url":
        return _image(part)
    if kind == "input_audio":
        return audio(part)
    if kind == "file":
        return _file(part)
    if kind == "refusal":
        return Refusal(string(part.get("refusal"), "refusal"))
    return Foreign(Dialect.OPENAI_CHAT, kind, part)


def _image(part: dict[str, Json]) -> Image:
    value = part.get("image_url")
    image = {"url": value} if isinstance(value, str) else obj(value, "image_url")
    url = filled(image.get("url"), "image_url.url")
    detail = image.get("detail")
    detail = None if detail is None else string(detail, "image_url.detail")
    if url.startswith("data:"):
        media_type, data = data_url(url, "image_url.url")
        return Image(data=data, media_type=media_type, detail=detail, cache=_cache(part))
    if "://" not in url:
        fail("image_url.url", "must be a web address or a data: URL")
    return Image(url=url, detail=detail, cache=_cache(part))


def _file(part: dict[str, Json]) -> File:
    file = obj(part.get("file"), "file")
    filename = file.get("filename")
    filename = None if filename is None else string(filename, "file.filename")
    if file.get("file_id") is not None:
        return File(file_id=filled(file["file_id"], "file.file_id"), filename=filename, cache=_cache(part))
    data = filled(file.get("file_data"), "file.file_data")
    if data.startswith("data:"):
        media_type, data = data_url(data, "file.file_data")
    else:
        media_type = "application/pdf"
    return File(data=data, media_type=media_type, filename=filename, cache=_cache(part))


def _cache(holder: dict[str, Json]) -> dict[str, Json] | None:
    """A cache marker in Anthropic's form: the extension field, else the dialect's own breakpoint."""
    marker = holder.get("cache_control")
    if isinstance(marker, dict):
        return marker
    return read_breakpoint(holder)
