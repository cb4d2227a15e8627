"""An Anthropic client's tools and its choice among them, read into the neutral form."""

from typing import Any

from translators.anthropic_messages.reading import cache_of, listed, need, wrong
from translators.ir import Json, Tool, ToolChoice

_TOOL_FIELDS = frozenset(("type", "name", "description", "input_schema", "strict", "cache_control"))


def tools_of(body: dict[str, Any], extra: dict[str, Json]) -> tuple[tuple[Tool, ...], Json]:
    """The caller's own tools, and a plain web search; other tools that Anthropic runs go to `extra`, whole."""
    tools: list[Tool] = []
    search: Json = None
    for index, tool in enumerate(listed(body, "tools")):
        if not isinstance(tool, dict):
            raise wrong(f"tools.{index}", "an object")
        if is_own_tool(tool):
            tools.append(_tool(tool, f"tools.{index}"))
        elif _is_plain_search(tool):
            search = _search(tool.get("user_location"))
        else:
            extra.setdefault("tools", {})[f"tools.{index}"] = tool
    return tuple(tools), search


def is_own_tool(tool: dict[str, Json]) -> bool:
    """Whether the caller runs this tool itself."""
    return tool.get("type") in (None, "custom")


def _is_plain_search(tool: dict[str, Any]) -> bool:
    """Whether this is a web search that says nothing another dialect could not say."""
    said = {name for name, value in tool.items() if value is not None}
    return str(tool["type"]).startswith("web_search_") and said <= {"type", "name", "user_location"}


def _search(place: Json) -> dict[str, Json]:
    """OpenAI's options, in which the kind of a place stands beside it."""
    if not isinstance(place, dict):
        return {}
    known = {name: value for name, value in place.items() if name != "type" and value is not None}
    return {"user_location": {"type": "approximate", "approximate": known}}


def _tool(tool: dict[str, Any], path: str) -> Tool:
    schema = tool.get("input_schema")
    if schema is not None and not isinstance(schema, dict):
        raise wrong(f"{path}.input_schema", "an object")
    description, strict = tool.get("description"), tool.get("strict")
    return Tool(
        need(tool, "name", path),
        description if isinstance(description, str) else None,
        schema,
        strict if isinstance(strict, bool) else None,
        cache=cache_of(tool),
        extra={name: value for name, value in tool.items() if name not in _TOOL_FIELDS},
    )


def choice_of(choice: Json) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and False when parallel calls are forbidden."""
    if choice is None:
        return None, None
    kind = choice.get("type") if isinstance(choice, dict) else None
    parallel = False if kind and choice.get("disable_parallel_tool_use") else None
    if kind == "tool":
        return ToolChoice("named", (need(choice, "name", "tool_choice"),)), parallel
    if kind == "any":
        return ToolChoice("required"), parallel
    if kind in ("auto", "none"):
        return ToolChoice(kind), parallel
    raise wrong("tool_choice.type", "auto, any, tool or none")
