"""Where the things that a renderer's Report names stand in a Responses request, and what they are called there.

Places are found by reading the input once more, as only that tells which item came of which: whole items of hosted
tools are parts of the message that follows, and a signature's own item is none.
"""

from collections.abc import Iterator

from translators.ir import Json
from translators.openai_responses.history import History
from translators.openai_responses.tools import is_own
from translators.report import Naming, Place

_FIELDS = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "response_format.json_schema": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "logprobs": "include",
    "web_search_options": "tools",
    "tool_choice.allowed_tools": "tool_choice",
    "cache_control": "prompt_cache_breakpoint",
}
_DETAILS = {
    ".function": "",
    ".function.description": ".description",
    ".function.name": ".name",
    ".function.parameters": ".parameters",
    ".function.strict": ".strict",
    ".custom": "",
    ".custom.format": ".format",
    ".opaque": "",
    ".cache_control": ".prompt_cache_breakpoint",
}


def naming(body: dict[str, Json]) -> Naming:
    return Naming(_FIELDS, _DETAILS, lambda: list(_places(body)), lambda: list(_tools(body)))


def _tools(body: dict[str, Json]) -> Iterator[str]:
    return (f"tools[{i}]" for i, tool in enumerate(body.get("tools") or ()) if is_own(tool))


def _places(body: dict[str, Json]) -> Iterator[Place]:
    if body.get("instructions"):
        yield Place("instructions", ("instructions",))
    given = body["input"]
    if isinstance(given, str):
        yield Place("input", ("input",))
        return
    history, kept = History(), list[str]()
    for i, item in enumerate(given):
        path, before, waiting = f"input[{i}]", len(history.items), len(history.kept)
        history.add(item)
        new = len(history.items) - before
        if len(history.kept) > waiting:
            kept.append(path)
            continue
        if kept and not history.kept and not _joins(item):
            yield Place(kept[0], tuple(kept))
            kept, new = [], new - 1
        for _ in range(new):
            yield Place(path, (*kept, *_parts(item, path)))
            kept = []
    if kept:
        yield Place(kept[0], tuple(kept))


def _joins(item: dict[str, Json]) -> bool:
    """Whether what is kept whole before an item becomes part of it."""
    return item.get("type", "message") == "message" and item.get("role") == "assistant"


def _parts(item: dict[str, Json], path: str) -> list[str]:
    for name in ("content", "output"):
        parts = item.get(name)
        if isinstance(parts, list):
            return [f"{path}.{name}[{j}]" for j in range(len(parts))]
        if parts is not None:
            return [f"{path}.{name}"]
    return [path]
