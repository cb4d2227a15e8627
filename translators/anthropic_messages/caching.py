"""Cache markers as Anthropic takes them: its own lifetimes, and no more of them than it counts.

Source: Anthropic's page on prompt caching. A marker lives 5 minutes or an hour; OpenAI's half an hour becomes the hour,
and so do its twelve, which is told. Markers past the limit go from the front, as the later ones cover more.
"""

from collections.abc import Iterator
from typing import Any

from translators.anthropic_messages.parts import Block
from translators.ir import Foreign, Item, Json, Part, Request, Tool
from translators.report import Report

MARKERS_MAX = 4
"""Most cache markers Anthropic takes in one request."""
_HOUR = {"30m", "12h"}
"""Lifetimes of others that are an hour here."""


def settle_markers(body: dict[str, Json], request: Request, report: Report) -> None:
    """Puts right the markers of a whole body; `request` is what it was made from."""
    marked = [block for block in _blocks(body) if "cache_control" in block]
    if not marked:
        return
    surplus = len(marked) + ("cache_control" in body) - MARKERS_MAX
    if surplus > 0:
        report.dropped(
            _path(marked[0]["cache_control"], request), f"anthropic takes {MARKERS_MAX} cache markers, the first go"
        )
        for block in marked[:surplus]:
            del block["cache_control"]
    shortened = False
    for block in marked[max(surplus, 0) :]:
        marker = block["cache_control"]
        if isinstance(marker, dict) and marker.get("ttl") in _HOUR:
            if marker["ttl"] == "12h" and not shortened:
                shortened = True
                report.approximated(_path(marker, request), "anthropic keeps a prompt for an hour at most")
            block["cache_control"] = {**marker, "ttl": "1h"}


def _blocks(body: dict[str, Json]) -> Iterator[Block]:
    """Everything that may bear a marker, in the order in which it is cached."""
    yield from body.get("tools", ())
    yield from body.get("system", ())
    for message in body["messages"]:
        for block in message["content"]:
            content = block.get("content") if block["type"] == "tool_result" else None
            if isinstance(content, list):
                yield from content
            yield block


def _path(marker: Json, request: Request) -> str:
    """Whose marker this very one is."""
    for index, tool in enumerate(request.tools):
        if _marker(tool) is marker:
            return f"tools[{index}].cache_control"
    for position, item in enumerate(request.items):
        if _marker(item) is marker:
            return f"items[{position}].cache_control"
        for index, part in enumerate(getattr(item, "parts", ())):
            if _marker(part) is marker:
                return f"items[{position}].parts[{index}].cache_control"
    return "cache_control"


def _marker(holder: Tool | Item | Part) -> Any:
    if isinstance(holder, Foreign):
        return holder.value.get("cache_control") if isinstance(holder.value, dict) else None
    return getattr(holder, "cache", None)
