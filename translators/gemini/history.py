"""The `contents` of a Gemini client's request, read as items of the neutral conversation.

Source: Google's Gemini API reference (Content, Part). Odd cases: calls and results may come without ids, and are then
paired by name and order, as Google does; ids that come again are made unique, call and result alike; a part without a
neutral word (video, code that ran, Google's own tools) is kept whole as `Foreign`; a signature belongs to the origin
its mark names, and to nobody without one.
"""

from collections import deque

from translators.gemini.media import audio_format, guessed_type, is_document
from translators.gemini.reading import dumped, need, wrong
from translators.gemini.wire import DIALECT, MINTED, camel, mark_of
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
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from translators.unique import Unique

_PLAIN_TEXT = frozenset(("text", "thought", "thoughtSignature", "partMetadata"))
_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user"}


class History:
    """Reads contents one after another into `items`."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._count = 0
        self._unique = Unique()
        self._waiting: dict[str, deque[tuple[str, str]]] = {}
        """The calls of each name that have no result yet: the client's id, and the unique one."""

    def add(self, content: Json, path: str) -> None:
        """Raises Malformed with the field's path."""
        if not isinstance(content, dict):
            raise wrong(path, "an object")
        content = camel(content)
        named = content.get("role") or "user"
        role = _ROLES.get(named) if isinstance(named, str) else None
        if role is None:
            raise wrong(f"{path}.role", "user or model")
        parts: list[Part] = []
        before = len(self.items)
        for index, part in enumerate(part_list(content, path)):
            place = f"{path}.parts[{index}]"
            item = self._item(part, role, place)
            if item is None:
                parts.append(read_part(part, place))
                continue
            if parts:
                self.items.append(Message(role, tuple(parts)))
                parts.clear()
            self.items.append(item)
        if parts or len(self.items) == before:
            self.items.append(Message(role, tuple(parts)))

    def _item(self, part: dict[str, Json], role: Role, path: str) -> Item | None:
        """The part as an item of its own; None when it is part of a message."""
        if "functionCall" in part:
            return self._call(part, f"{path}.functionCall")
        if "functionResponse" in part:
            return self._result(part["functionResponse"], f"{path}.functionResponse")
        if role == "assistant" and part.get("thought") is True and isinstance(part.get("text"), str):
            return Reasoning(part["text"], signature(part))
        return None

    def _call(self, part: dict[str, Json], path: str) -> ToolCall:
        call = part["functionCall"]
        if not isinstance(call, dict):
            raise wrong(path, "an object")
        call = camel(call)
        name = need(call, "name", path)
        args = call.get("args")
        if args is not None and not isinstance(args, dict):
            raise wrong(f"{path}.args", "an object")
        self._count += 1
        given = call.get("id")
        given = given if isinstance(given, str) and given else f"{MINTED}history_{self._count}"
        call_id = self._unique.named(given)
        self._waiting.setdefault(name, deque()).append((given, call_id))
        return ToolCall(call_id, name, dumped(args or {}, f"{path}.args"), opaque=signature(part))

    def _result(self, result: Json, path: str) -> ToolResult:
        if not isinstance(result, dict):
            raise wrong(path, "an object")
        result = camel(result)
        name, response = need(result, "name", path), result.get("response")
        call_id = self._answered(name, result.get("id"))
        parts, is_error = response_parts(response, f"{path}.response")
        more = result.get("parts")
        if isinstance(more, list):
            parts += [
                read_part(camel(one), f"{path}.parts[{i}]") for i, one in enumerate(more) if isinstance(one, dict)
            ]
        return ToolResult(call_id, tuple(parts), is_error)

    def _answered(self, name: str, given: Json) -> str:
        """Id of the call this answers: the oldest of its name without a result, among those of the id it has."""
        waiting = self._waiting.get(name) or deque()
        told = isinstance(given, str) and bool(given)
        found = next((pair for pair in waiting if not told or pair[0] == given), None)
        if found is None:
            return given if isinstance(given, str) and given else f"{MINTED}unknown_{name}"
        waiting.remove(found)
        return found[1]


def is_item(part: dict[str, Json], role: Json) -> bool:
    """Whether a part of a content that was read is an item of its own, rather than part of a message."""
    thought = role == "model" and part.get("thought") is True and isinstance(part.get("text"), str)
    return "functionCall" in part or "functionResponse" in part or thought


def response_parts(response: Json, path: str) -> tuple[list[Part], bool]:
    """What a tool said, and whether it failed. A bare `output` or `error` that is text is that text."""
    if not isinstance(response, dict):
        return [], False
    if len(response) == 1:
        for key in ("output", "error"):
            if isinstance(response.get(key), str):
                return ([Text(response[key])] if response[key] else []), key == "error"
    return [Text(dumped(response, path))], False


# -- parts -------------------------------------------------------------------------------------------------------


def part_list(content: dict[str, Json], path: str) -> list[dict[str, Json]]:
    """The parts of a content, their names in camel case. Raises Malformed."""
    parts = content.get("parts")
    if isinstance(parts, dict):
        parts = [parts]
    if parts is not None and not isinstance(parts, list):
        raise wrong(f"{path}.parts", "a list")
    for index, part in enumerate(parts or ()):
        if not isinstance(part, dict):
            raise wrong(f"{path}.parts[{index}]", "an object")
    return [camel(part) for part in parts or ()]


def read_part(part: dict[str, Json], path: str) -> Part:
    """A part of a message. Raises Malformed."""
    text = part.get("text")
    if text is not None and not isinstance(text, str):
        raise wrong(f"{path}.text", "a string")
    if text is not None and part.keys() <= _PLAIN_TEXT:
        return Text(text, opaque=signature(part))
    if part.keys() == {"inlineData"} and isinstance(part["inlineData"], dict):
        read = _inline(camel(part["inlineData"]))
    elif part.keys() == {"fileData"} and isinstance(part["fileData"], dict):
        read = _file(camel(part["fileData"]))
    else:
        read = None
    if read is not None:
        return read
    kind = next((name for name in part if name not in ("thoughtSignature", "partMetadata", "thought")), "")
    if not kind:
        return Text("", opaque=signature(part))
    return Foreign(DIALECT, kind, part)


def signature(part: dict[str, Json]) -> Opaque | None:
    data = part.get("thoughtSignature")
    return Opaque("signature", data, mark_of(part)) if isinstance(data, str) and data else None


def _inline(blob: dict[str, Json]) -> Part | None:
    data, media_type = blob.get("data"), blob.get("mimeType")
    if not isinstance(data, str) or not isinstance(media_type, str):
        return None
    if media_type.startswith("image/"):
        return Image(data=data, media_type=media_type)
    sound = audio_format(media_type)
    if sound:
        return Audio(data, sound)
    if is_document(media_type):
        name = blob.get("displayName")
        return File(data=data, media_type=media_type, filename=name if isinstance(name, str) else None)
    return None


def _file(reference: dict[str, Json]) -> Part | None:
    uri, media_type = reference.get("fileUri"), reference.get("mimeType")
    if not isinstance(uri, str) or not uri:
        return None
    guess = guessed_type(uri)
    told = media_type if isinstance(media_type, str) else guess
    if told.startswith("image/"):
        return Image(url=uri, media_type="" if told == guess else told)
    if is_document(told):
        return File(url=uri, media_type=told)
    return None
