"""Which fields inside a chat request nobody reads: tomorrow's, some vendor's, and those that speak of an answer given.

Runs on a body that was read without complaint, so its shapes are known. Parts of kinds that have no neutral word are
kept whole elsewhere. A tool message's name says nothing where it is that of the function that was called.
"""

from collections.abc import Iterator

from translators.ir import Json
from translators.openai_chat import reasoning
from translators.openai_chat.signatures import FIELD
from translators.report import unread

_MARKS = ("cache_control", "prompt_cache_breakpoint")
_MESSAGE = frozenset({"role", "content", "name", "cache_control"})
_SAID = frozenset({"role", "content", "name", "refusal", "tool_calls", "function_call", "images", FIELD})
_ASSISTANT = _SAID.union(reasoning.FIELDS)
_RESULT = _MESSAGE | {"tool_call_id", "prompt_cache_breakpoint"}
_MESSAGES = {"assistant": _ASSISTANT, "tool": _RESULT, "function": _RESULT}
_CALL = frozenset({"id", "type", "index", "function", "custom", FIELD})
_CALLED = {"function": frozenset({"name", "arguments"}), "custom": frozenset({"name", "input"})}
_PARTS = {
    "text": frozenset({"type", "text", *_MARKS}),
    "image_url": frozenset({"type", "image_url", *_MARKS}),
    "file": frozenset({"type", "file", *_MARKS}),
    "input_audio": frozenset({"type", "input_audio"}),
    "refusal": frozenset({"type", "refusal"}),
}
_INSIDE = {
    "image_url": frozenset({"url", "detail"}),
    "file": frozenset({"filename", "file_data", "file_id"}),
    "input_audio": frozenset({"data", "format"}),
}
_FUNCTION = frozenset({"name", "description", "parameters", "strict", "cache_control"})
_TOOL = frozenset({"type", "function", "cache_control"})
_CUSTOM = frozenset({"type", "custom"})
_CUSTOM_INSIDE = frozenset({"name", "description", "format"})
_SCHEMA = frozenset({"name", "description", "schema", "strict"})
_NAMED = frozenset({"name"})
_CHOSEN = {"function": _NAMED, "custom": _NAMED, "allowed_tools": frozenset({"mode", "tools"})}
_BESIDE: dict[str, tuple[frozenset[str], dict[str, frozenset[str]]]] = {
    "response_format": (frozenset({"type", "json_schema"}), {"json_schema": _SCHEMA}),
    "tool_choice": (frozenset({"type", *_CHOSEN}), _CHOSEN),
    "function_call": (_NAMED, {}),
}
"""Objects beside the messages: their fields, and those of what is inside them."""
_BESIDE_NAMES = frozenset(_BESIDE)


def fields_unread(body: dict[str, Json]) -> dict[str, Json]:
    """By path; the values say nothing."""
    found: dict[str, Json] = {}
    results = False
    for i, message in enumerate(body["messages"]):
        _message(message, f"messages[{i}]", found)
        results = results or message["role"] == "tool"
    if tools := body.get("tools"):
        for i, tool in enumerate(tools):
            _tool(tool, f"tools[{i}]", found)
    for i, function in enumerate(body.get("functions") or ()):
        unread(function, _FUNCTION, f"functions[{i}]", found)
    if results:
        _names(body["messages"], found)
    if _BESIDE_NAMES.isdisjoint(body):
        return found
    for name, (known, inside) in _BESIDE.items():
        holder = body.get(name)
        if isinstance(holder, dict):
            unread(holder, known, name, found)
            for kind, inner in _inside(holder, inside):
                unread(holder[kind], inner, f"{name}.{kind}", found)
    return found


def _names(messages: list[dict[str, Json]], found: dict[str, Json]) -> None:
    """Names of tool messages that are not their calls'."""
    called: dict[Json, Json] = {}
    for i, message in enumerate(messages):
        for call in message.get("tool_calls") or () if message["role"] == "assistant" else ():
            called[call["id"]] = (call.get("function") or call.get("custom"))["name"]
        name = message.get("name") if message["role"] == "tool" else None
        if name and name != called.get(message["tool_call_id"]):
            found[f"messages[{i}].name"] = True


def _message(message: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    unread(message, _MESSAGES.get(message["role"], _MESSAGE), path, found)
    content = message.get("content")
    if isinstance(content, list):
        for j, part in enumerate(content):
            _part(part, f"{path}.content[{j}]", found)
    for j, call in enumerate(message.get("tool_calls") or () if message["role"] == "assistant" else ()):
        unread(call, _CALL, f"{path}.tool_calls[{j}]", found)
        for kind, known in _inside(call, _CALLED):
            unread(call[kind], known, f"{path}.tool_calls[{j}].{kind}", found)


def _part(part: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    known = _PARTS.get(part["type"])
    if known is None:
        return
    unread(part, known, path, found)
    for kind, inner in _inside(part, _INSIDE):
        unread(part[kind], inner, f"{path}.{kind}", found)


def _tool(tool: dict[str, Json], path: str, found: dict[str, Json]) -> None:
    if isinstance(tool.get("function"), dict):
        unread(tool, _TOOL, path, found)
        unread(tool["function"], _FUNCTION, f"{path}.function", found)
    elif isinstance(tool.get("custom"), dict):
        unread(tool, _CUSTOM, path, found)
        unread(tool["custom"], _CUSTOM_INSIDE, f"{path}.custom", found)


def _inside(holder: dict[str, Json], kinds: dict[str, frozenset[str]]) -> Iterator[tuple[str, frozenset[str]]]:
    return ((kind, known) for kind, known in kinds.items() if isinstance(holder.get(kind), dict))
