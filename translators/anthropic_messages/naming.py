"""Where the things that a renderer's Report names stand in a Messages request, and what they are called there.

Paths are written as Anthropic's own errors write them: `messages.3.content.1`.
"""

from collections.abc import Iterator

from translators.anthropic_messages.request_in import is_item
from translators.anthropic_messages.tools_in import is_own_tool
from translators.ir import Json
from translators.report import Naming, Place

_FIELDS = {
    "max_completion_tokens": "max_tokens",
    "stop": "stop_sequences",
    "user": "metadata.user_id",
    "response_format": "output_config.format",
    "response_format.json_schema": "output_config.format",
    "response_format.json_schema.strict": "output_config.format.schema",
    "reasoning_effort": "output_config.effort",
    "reasoning.summary": "thinking.display",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "web_search_options": "tools",
}
_DETAILS = {
    ".function.name": ".name",
    ".function.parameters": ".input_schema",
    ".function.strict": ".strict",
    ".function.description": ".description",
    ".arguments": ".input",
    ".opaque": ".signature",
    ".filename": ".title",
}


def naming(body: dict[str, Json]) -> Naming:
    return Naming(_fields(body), _DETAILS, lambda: list(_places(body)), lambda: list(_tools(body)))


def _fields(body: dict[str, Json]) -> dict[str, str]:
    """What can be said in two ways is named as it was said."""
    fields, config = dict(_FIELDS), body.get("output_config")
    given = config if isinstance(config, dict) else {}
    if "format" not in given and body.get("output_format"):
        fields |= {"response_format": "output_format", "response_format.json_schema": "output_format"}
        fields["response_format.json_schema.strict"] = "output_format.schema"
    if "effort" not in given:
        fields["reasoning_effort"] = "thinking"
    thinking = body.get("thinking")
    if not isinstance(thinking, dict) or "display" not in thinking:
        fields["reasoning.summary"] = "thinking"
    return fields


def _tools(body: dict[str, Json]) -> Iterator[str]:
    return (f"tools.{i}" for i, tool in enumerate(body.get("tools") or ()) if is_own_tool(tool))


def _places(body: dict[str, Json]) -> Iterator[Place]:
    if body.get("system"):
        yield Place("system", _parts(body["system"], "system"))
    for i, message in enumerate(body["messages"]):
        content = message["content"]
        if isinstance(content, list) and content:
            yield from _of(content, f"messages.{i}")
        else:
            yield Place(f"messages.{i}", _parts(content, f"messages.{i}.content"))


def _of(content: list[dict[str, Json]], path: str) -> Iterator[Place]:
    """The items that a message's blocks are read as: some stand alone, others together."""
    parts: list[str] = []
    for j, block in enumerate(content):
        place = f"{path}.content.{j}"
        if not is_item(block):
            parts.append(place)
            continue
        if parts and block["type"] != "tool_result":
            yield Place(path, tuple(parts))
            parts = []
        yield Place(place, _parts(block.get("content"), f"{place}.content"))
    if parts:
        yield Place(path, tuple(parts))


def _parts(content: Json, path: str) -> tuple[str, ...]:
    if isinstance(content, list):
        return tuple(f"{path}.{k}" for k in range(len(content)))
    return (path,) if content else ()
