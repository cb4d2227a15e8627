"""Where the things that a renderer's Report names stand in a chat request.

The vocabulary of Reports is chat's own, so few words change: what the client said in an older way is told to it in
that way. Places are found by reading the messages once more, as only that tells which item came of which message.
"""

import itertools
from collections.abc import Iterator, Mapping

from translators.ir import Item, Json, Message, Reasoning, ToolCall
from translators.openai.markers import FIELD as BREAKPOINT
from translators.openai_chat.history import History
from translators.openai_chat.reasoning import FIELDS
from translators.report import Naming, Place

_DETAILS = {
    ".opaque": ".extra_content",
    ".arguments": ".function.arguments",
    ".detail": ".image_url.detail",
    ".filename": ".file.filename",
}
_OLDER_DETAILS = {f".function.{name}": f".{name}" for name in ("name", "parameters", "strict", "description")}


_OLDER = {
    "max_completion_tokens": "max_tokens",
    "tool_choice": "function_call",
    "tools": "functions",
    "parallel_tool_calls": "functions",  # which come one at a time
}
"""Today's word for what older clients say otherwise."""
_OLDER_WORDS = frozenset(_OLDER.values())
_UNCHANGED: Mapping[str, str] = {}


def naming(body: dict[str, Json]) -> Naming:
    return Naming(_fields(body), _details(body), lambda: list(_places(body["messages"])), lambda: list(_tools(body)))


def _details(body: dict[str, Json]) -> Mapping[str, str]:
    details = {**_DETAILS, **_OLDER_DETAILS} if _is_older(body, "tools", "functions") else _DETAILS
    return {**details, ".cache_control": f".{BREAKPOINT}"} if _breakpoints(body["messages"]) else details


def _breakpoints(messages: list[dict[str, Json]]) -> bool:
    """Whether cache markers are in the dialect's own form, rather than Anthropic's."""
    parts = (part for message in messages if isinstance(message.get("content"), list) for part in message["content"])
    return any(BREAKPOINT in holder for holder in itertools.chain(messages, parts))


def _fields(body: dict[str, Json]) -> Mapping[str, str]:
    if _OLDER_WORDS.isdisjoint(body):
        return _UNCHANGED
    return {word: own for word, own in _OLDER.items() if _is_older(body, word, own)}


def _is_older(body: dict[str, Json], word: str, own: str) -> bool:
    return body.get(word) is None and body.get(own) is not None


def _tools(body: dict[str, Json]) -> Iterator[str]:
    for i, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") in (None, "function", "custom"):
            yield f"tools[{i}]"
    yield from (f"functions[{i}]" for i in range(len(body.get("functions") or ())))


def _places(messages: list[dict[str, Json]]) -> Iterator[Place]:
    history = History()
    for i, message in enumerate(messages):
        before, calls = len(history.items), 0
        history.add(message)
        for item in history.items[before:]:
            yield _place(item, message, f"messages[{i}]", calls)
            calls += isinstance(item, ToolCall)


def _place(item: Item, message: dict[str, Json], path: str, calls: int) -> Place:
    """`calls` is how many calls of the message stand before."""
    if isinstance(item, ToolCall):
        asked = message.get("tool_calls") or ()
        return Place(f"{path}.tool_calls[{calls}]" if calls < len(asked) else f"{path}.function_call")
    if isinstance(item, Reasoning):
        return Place(f"{path}.{next((name for name in FIELDS if message.get(name)), 'content')}")
    parts = _parts(message.get("content"), path, thinks=isinstance(item, Message) and item.role == "assistant")
    if message.get("refusal"):
        parts.append(f"{path}.refusal")
    images = [f"{path}.images[{k}]" for k in range(len(message.get("images") or ()))]
    if images and isinstance(item, Message):
        said = len(item.parts) - len(images)  # an empty text has no place of its own
        parts = [*parts, *[path] * said][:said] + images
    return Place(path, tuple(parts))


def _parts(content: Json, path: str, *, thinks: bool) -> list[str]:
    if not isinstance(content, list):
        return [f"{path}.content"] if content else []
    return [f"{path}.content[{j}]" for j, part in enumerate(content) if not (thinks and part.get("type") == "thinking")]
