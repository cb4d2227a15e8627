"""Tools and the choice among them, in Anthropic's terms.

A function's schema must be an object without anyOf, oneOf or allOf at its top; `strict` is kept only where the schema
fits the subset that is compiled, within the limits over all tools. A free-text tool becomes a function of one string,
`input`; its grammar is lost. Tools that a vendor runs itself pass whole where their type is Anthropic's (they end in
the date of their version), and are refused where it is another's.

Source: Anthropic's tool-use pages (definitions, `tool_choice`, strict tools).
"""

import re
from collections.abc import Mapping

from translators.anthropic_messages.parts import Block
from translators.anthropic_messages.schema import STRICT_OPTIONAL, STRICT_UNIONS, burden, fits, flattened
from translators.anthropic_messages.wire import NAMES, is_tool_name
from translators.ir import Json, Request, Tool, ToolChoice
from translators.profile import Profile
from translators.report import Report

STRICT_TOOLS = 20
"""Most strict tools of one request."""
WEB_SEARCH = "web_search_20250305"
"""The version that every model with web search takes."""

_OWN_FIELDS = frozenset(("allowed_callers", "defer_loading", "eager_input_streaming", "input_examples"))
"""Fields of a tool that are Anthropic's own and go through as they came."""
_OWN_TYPE = re.compile(r"[a-z0-9_]+_\d{8}|mcp_toolset")

_FREE_TEXT: dict[str, Json] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


def render_tools(request: Request, profile: Profile, report: Report) -> list[Block]:
    """The `tools` list: functions that the choice allows, each name once, then what Anthropic runs itself."""
    blocks = _functions(request, profile, report)
    if request.web_search is not None and request.web_search is not False:
        blocks.append(_web_search(request.web_search, report))
    blocks += _vendor_run(request.extra.get("tools"), report)
    if blocks and not profile.tools:
        report.refused("tools", "the model takes no tools")
        return []
    return blocks


def _functions(request: Request, profile: Profile, report: Report) -> list[Block]:
    choice = request.tool_choice
    allowed = frozenset(choice.names) if choice is not None and choice.mode == "allowed" else None
    strict = _Strict(profile, report)
    blocks: list[Block] = []
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        if allowed is not None and tool.name not in allowed:
            continue
        if tool.name in names:
            report.dropped(f"tools[{index}]", "a tool of this name stands before it")
            continue
        names.add(tool.name)
        if is_tool_name(tool.name):
            blocks.append(_block(tool, f"tools[{index}]", strict, report))
        else:
            report.refused(f"tools[{index}].function.name", NAMES)
    return blocks


def _block(tool: Tool, field: str, strict: "_Strict", report: Report) -> Block:
    block: Block = {"name": tool.name}
    if tool.description is not None:
        block["description"] = tool.description
    block["input_schema"] = _input_schema(tool, field, report)
    for name, value in tool.extra.items():
        if name in _OWN_FIELDS:
            block[name] = value
        elif value is not None and value is not False:
            report.dropped(f"{field}.{name}", "anthropic's tools have no such field")
    if tool.strict is not None:
        block["strict"] = tool.strict and strict.admits(block["input_schema"], field)
    if tool.cache is not None:
        block["cache_control"] = tool.cache
    return block


def _input_schema(tool: Tool, field: str, report: Report) -> Mapping[str, Json]:
    if tool.custom_format is not None:
        if isinstance(tool.custom_format, dict) and tool.custom_format.get("type") == "grammar":
            report.refused(f"{field}.custom.format", "anthropic has no grammar for a tool's text")
        report.approximated(f"{field}.custom", "wrapped as a function of one string")
        return _FREE_TEXT
    parameters = tool.parameters
    if not parameters:
        return {"type": "object", "properties": {}}
    if parameters.get("type") == "object" and not parameters.keys() & {"anyOf", "oneOf", "allOf"}:
        return parameters
    schema, changed = flattened(parameters)
    if changed:
        report.approximated(f"{field}.function.parameters", "merged into one object")
    return schema


class _Strict:
    """Admits strict tools while the request's limits last."""

    def __init__(self, profile: Profile, report: Report) -> None:
        self._able = profile.json_schema
        self._report = report
        self._tools = self._optional = self._unions = 0

    def admits(self, schema: Mapping[str, Json], field: str) -> bool:
        optional, unions = burden(schema)
        self._tools += 1
        self._optional += optional
        self._unions += unions
        within = self._tools <= STRICT_TOOLS and self._optional <= STRICT_OPTIONAL and self._unions <= STRICT_UNIONS
        if self._able and within and fits(schema):
            return True
        self._tools -= 1
        self._optional -= optional
        self._unions -= unions
        self._report.approximated(f"{field}.function.strict", "the schema is offered, not enforced")
        return False


def _vendor_run(tools: Json, report: Report) -> list[Block]:
    blocks: list[Block] = []
    for path, tool in tools.items() if isinstance(tools, dict) else ():
        kind = tool.get("type")
        if isinstance(kind, str) and _OWN_TYPE.fullmatch(kind):
            blocks.append(dict(tool))
        else:
            report.refused(path, f"anthropic runs no tool of type {_type(tool)}", own=True)
    return blocks


def _type(tool: Mapping[str, Json]) -> str:
    """What another vendor's tool is called; Google's have no type but a member that is named as one."""
    return str(tool.get("type") or next(iter(tool), ""))[:40]


def _web_search(options: Json, report: Report) -> Block:
    block: Block = {"type": WEB_SEARCH, "name": "web_search"}
    location = options.get("user_location") if isinstance(options, dict) else None
    if isinstance(location, dict):
        place = location.get("approximate")
        known = place if isinstance(place, dict) else location
        kept = {key: value for key, value in known.items() if key != "type" and value is not None}
        block["user_location"] = {"type": "approximate", **kept}
    report.approximated("web_search_options", "anthropic's own web search, without a context size")
    return block


# -- tool_choice -------------------------------------------------------------------------------------------------


def render_choice(request: Request, profile: Profile, report: Report) -> tuple[Block | None, str | None]:
    """`tool_choice`, and an instruction for the system prompt where a forced choice had to be refused.

    `auto` is said only to carry the ban on parallel calls; None leaves the field out.
    """
    choice = request.tool_choice
    kind, name = _kind(choice, report)
    if name is not None and not is_tool_name(name):
        report.refused("tool_choice", NAMES)
        kind = name = None
    if kind in ("any", "tool") and not profile.forced_tool_choice:
        report.refused("tool_choice", "the model refuses a forced tool choice")
        instruction = f"Answer with a call of the tool {name}." if name else "Answer with a tool call."
        return _with_parallel({"type": "auto"}, request), instruction
    if kind is None:
        alone = request.parallel_tool_calls is False
        return (_with_parallel({"type": "auto"}, request) if alone else None), None
    block: Block = {"type": kind}
    if name is not None:
        block["name"] = name
    return _with_parallel(block, request), None


def _kind(choice: ToolChoice | None, report: Report) -> tuple[str | None, str | None]:
    if choice is None:
        return None, None
    if choice.mode == "named":
        return "tool", choice.names[0]
    if choice.mode == "allowed":
        report.approximated("tool_choice.allowed_tools", "the other tools were left out")
        return ("any" if choice.required else "auto"), None
    return ("any" if choice.mode == "required" else choice.mode), None


def _with_parallel(block: Block, request: Request) -> Block:
    if request.parallel_tool_calls is False and block["type"] != "none":
        block["disable_parallel_tool_use"] = True
    return block
