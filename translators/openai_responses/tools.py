"""Tools and the choice among them, read from a request of this dialect and written for a provider of it.

Functions and custom tools are flat here. A plain web search has a neutral word, with the place of the asking user one
level deeper; every other tool that the vendor runs is kept whole, as are fields of a function that no other dialect
knows. `strict` that is left out means here that the vendor tries to be strict, so it is always written.
"""

from collections.abc import Sequence

from translators.ir import Json, Request, Tool, ToolChoice
from translators.openai.check import Wrong, array, boolean, fail, filled, obj, string
from translators.openai.strict import enforced
from translators.openai.tools import named_once
from translators.profile import Profile
from translators.report import Report

_FUNCTION = frozenset({"type", "name", "description", "parameters", "strict"})
_CUSTOM = frozenset({"type", "name", "description", "format"})
_SEARCH = frozenset({"type", "search_context_size", "user_location"})
_GRAMMAR = ("syntax", "definition")
_NO_PARAMETERS = {"type": "object", "properties": {}}


# -- read --------------------------------------------------------------------------------------------------------


def read_tools(body: dict[str, Json], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    """Puts tools, web search and choice into `fields`, and what has no word into `extra`. Raises Wrong."""
    tools: list[Tool] = []
    foreign: dict[str, Json] = {}
    for i, tool in enumerate(array(body["tools"], "tools") if body.get("tools") is not None else ()):
        try:
            read = _tool(obj(tool, ""), f"tools[{i}]", extra)
        except Wrong as wrong:
            raise wrong.under(f"tools[{i}]") from None
        if read is not None:
            tools.append(read)
        elif _is_plain_search(tool) and "web_search" not in fields:
            fields["web_search"] = _search(tool)
        else:
            foreign[f"tools[{i}]"] = tool
    if tools:
        fields["tools"] = tuple(tools)
    if foreign:
        extra["tools"] = foreign
    if body.get("tool_choice") is not None:
        _read_choice(body["tool_choice"], {tool.name for tool in tools}, fields, extra)


def _tool(tool: dict[str, Json], path: str, extra: dict[str, Json]) -> Tool | None:
    """None for what the vendor runs itself."""
    kind = string(tool.get("type"), "type")
    if kind not in ("function", "custom"):
        return None
    for name in tool.keys() - (_FUNCTION if kind == "function" else _CUSTOM):
        if tool[name] is not None:
            extra[f"{path}.{name}"] = tool[name]
    description, strict, parameters = tool.get("description"), tool.get("strict"), tool.get("parameters")
    description = None if description is None else string(description, "description")
    name = filled(tool.get("name"), "name")
    if kind == "custom":
        return Tool(name, description, custom_format=_nested(obj(tool.get("format") or {}, "format")))
    return Tool(
        name,
        description,
        None if parameters is None else obj(parameters, "parameters"),
        None if strict is None else boolean(strict, "strict"),
    )


def _nested(form: dict[str, Json]) -> dict[str, Json]:
    """A custom tool's format as the neutral form has it, which is chat's."""
    if form.get("type") != "grammar":
        return form
    return {"type": "grammar", "grammar": {name: form[name] for name in _GRAMMAR if name in form}}


def _flat(form: dict[str, Json]) -> dict[str, Json]:
    """The other way round."""
    grammar = form.get("grammar")
    return {"type": "grammar", **grammar} if form.get("type") == "grammar" and isinstance(grammar, dict) else form


def _is_plain_search(tool: dict[str, Json]) -> bool:
    """Whether this is a web search that says nothing another dialect could not say."""
    said = {name for name, value in tool.items() if value is not None}
    return tool["type"].startswith("web_search") and said <= _SEARCH


def _search(tool: dict[str, Json]) -> dict[str, Json]:
    options: dict[str, Json] = {}
    if tool.get("search_context_size") is not None:
        options["search_context_size"] = tool["search_context_size"]
    place = tool.get("user_location")
    if isinstance(place, dict):
        known = {name: value for name, value in place.items() if name != "type" and value is not None}
        options["user_location"] = {"type": "approximate", "approximate": known}
    return options


def _read_choice(value: Json, known: set[str], fields: dict[str, Json], extra: dict[str, Json]) -> None:
    choice = _choice(value)
    if choice is None:
        extra["tool_choice"] = value
        return
    if choice.mode == "named" and choice.names[0] not in known:
        fail("tool_choice", "names a tool that is not among the tools")
    fields["tool_choice"] = choice


def _choice(value: Json) -> ToolChoice | None:
    """None for a choice of what the vendor runs itself."""
    if isinstance(value, str):
        if value in ("none", "auto", "required"):
            return ToolChoice(value)  # type: ignore[arg-type]  # one of its modes
        fail("tool_choice", "must be none, auto, required or an object that names a tool")
    kind = string(obj(value, "tool_choice").get("type"), "tool_choice.type")
    if kind in ("function", "custom"):
        return ToolChoice("named", (filled(value.get("name"), "tool_choice.name"),))
    if kind != "allowed_tools":
        return None
    mode = value.get("mode")
    if mode not in ("auto", "required"):
        fail("tool_choice.mode", "must be auto or required")
    tools = array(value.get("tools"), "tool_choice.tools")
    names = tuple(tool["name"] for tool in tools if is_own(tool))
    return ToolChoice("allowed", names, required=mode == "required") if len(names) == len(tools) else None


def is_own(tool: Json) -> bool:
    """Whether a tool, or a name of one, is a client's own and not what the vendor runs."""
    return isinstance(tool, dict) and tool.get("type") in ("function", "custom") and isinstance(tool.get("name"), str)


# -- written -----------------------------------------------------------------------------------------------------


def render_tools(request: Request, profile: Profile, report: Report) -> list[Json]:
    tools = [_rendered(tool, field, profile, report) for field, tool in named_once(request.tools, profile, report)]
    if request.web_search is not None and request.web_search is not False:
        tools.append(_web_search(request.web_search))
    foreign = request.extra.get("tools")
    for path, tool in foreign.items() if isinstance(foreign, dict) else ():
        kind = tool.get("type") or next(iter(tool), "")
        report.refused(path, f"the Responses API runs no tool of type {str(kind)[:40]}", own=True)
    return tools


def _rendered(tool: Tool, field: str, profile: Profile, report: Report) -> dict[str, Json]:
    if tool.cache is not None:
        report.dropped(f"{field}.cache_control", "the Responses API has no cache markers on tools")
    for name in tool.extra:
        report.dropped(f"{field}.{name}", "the Responses API has no such field")
    described = {} if tool.description is None else {"description": tool.description}
    if tool.custom_format is not None:
        form = {"format": _flat(tool.custom_format)} if tool.custom_format else {}
        return {"type": "custom", "name": tool.name, **described, **form}
    parameters = tool.parameters or _NO_PARAMETERS
    strict = bool(enforced(tool.strict, parameters, f"{field}.function.strict", profile, report))
    return {"type": "function", "name": tool.name, **described, "parameters": parameters, "strict": strict}


def _web_search(options: Json) -> dict[str, Json]:
    tool: dict[str, Json] = {"type": "web_search"}
    options = options if isinstance(options, dict) else {}
    if options.get("search_context_size") is not None:
        tool["search_context_size"] = options["search_context_size"]
    place = options.get("user_location")
    if isinstance(place, dict):
        known = place.get("approximate")
        tool["user_location"] = {"type": "approximate", **(known if isinstance(known, dict) else place)}
    return tool


def render_choice(choice: ToolChoice, tools: Sequence[Tool]) -> Json:
    custom = {tool.name for tool in tools if tool.custom_format is not None}

    def named(name: str) -> dict[str, Json]:
        return {"type": "custom" if name in custom else "function", "name": name}

    if choice.mode == "named":
        return named(choice.names[0])
    if choice.mode == "allowed":
        mode = "required" if choice.required else "auto"
        return {"type": "allowed_tools", "mode": mode, "tools": [named(name) for name in choice.names]}
    return choice.mode
