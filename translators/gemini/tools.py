"""Functions and the choice among them, in Gemini's terms.

A function's schema goes as JSON Schema in `parametersJsonSchema`, fitted by `schema`. A free-text tool becomes a
function of one string, `input`; its grammar is lost. `strict` is a mode of the whole request there. Tools that Google
runs pass whole where they have its form (an object with one member per tool), and are refused where they are another
vendor's. Source: Google's function calling page.
"""

import re
from collections.abc import Mapping

from translators.gemini.schema import Unfit, fit_tool
from translators.ir import Json, Request, Tool, ToolChoice
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

_FREE_TEXT: Body = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
NAMES = "gemini's names of functions begin with a letter or an underscore, and go on with those, digits and .:-"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
BOTH = "includeServerSideToolInvocations"
"""What the Gemini API wants to be told where Google's tools stand beside functions; Vertex AI does not know it."""


def render_tools(body: Body, request: Request, profile: Profile, report: Report) -> None:
    """`tools` and `toolConfig`."""
    functions = _functions(request, report)
    run = _vendor_run(request, report)
    if run and functions and not profile.tools_combine:
        report.refused("web_search_options", "the model runs no tools of Google's beside functions")
        run = []
    if (functions or run) and not profile.tools:
        report.refused("tools", "the model takes no tools")
        functions, run = [], []
    tools = ([{"functionDeclarations": functions}] if functions else []) + run
    if tools:
        body["tools"] = tools
    config = _config(request, profile, report) if functions else _no_choice(request, report)
    if request.parallel_tool_calls is False and functions:
        report.dropped("parallel_tool_calls", "gemini calls as many functions as it likes")
    given = request.extra.get("toolConfig")
    whole: Body = dict(given) if isinstance(given, dict) else {}
    if config:
        whole["functionCallingConfig"] = config
    if functions and run and BOTH not in profile.rejects:
        whole.setdefault(BOTH, True)
    if whole:
        body["toolConfig"] = whole


def _functions(request: Request, report: Report) -> list[Body]:
    functions: list[Body] = []
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        field = f"tools[{index}]"
        if tool.name in names:
            report.dropped(field, "a tool of this name stands before it")
            continue
        names.add(tool.name)
        if not _NAME.fullmatch(tool.name):
            report.refused(f"{field}.function.name", NAMES)
            continue
        if tool.cache is not None:
            report.dropped(f"{field}.cache_control", "gemini caches by itself")
        functions.append(_function(tool, field, report))
    return functions


def _function(tool: Tool, field: str, report: Report) -> Body:
    function: Body = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.custom_format is not None:
        if isinstance(tool.custom_format, dict) and tool.custom_format.get("type") == "grammar":
            report.refused(f"{field}.custom.format", "gemini has no grammar for a tool's text")
        report.approximated(f"{field}.custom", "wrapped as a function of one string")
        function["parametersJsonSchema"] = _FREE_TEXT
    elif tool.parameters is not None:
        function["parametersJsonSchema"] = _schema(tool.parameters, f"{field}.function.parameters", report)
    for name, value in tool.extra.items():
        if name in ("behavior", "response", "responseJsonSchema"):
            function[name] = value
        elif value is not None and value is not False:
            report.dropped(f"{field}.{name}", "gemini has no such field")
    return function


def _schema(schema: Mapping[str, Json], field: str, report: Report) -> Body:
    try:
        fitted, changes = fit_tool(schema)
    except Unfit as unfit:
        report.refused(field, f"{unfit}")
        return {"type": "object"}
    if changes:
        report.approximated(field, f"not enforced as written: {', '.join(changes)}"[:200])
    return fitted


def _vendor_run(request: Request, report: Report) -> list[Body]:
    run: list[Body] = []
    if request.web_search is not None and request.web_search is not False:
        if request.web_search:
            report.approximated("web_search_options", "google's own search, without a place or a context size")
        run.append({"googleSearch": {}})
    given = request.extra.get("tools")
    for path, tool in given.items() if isinstance(given, dict) else ():
        if tool and "type" not in tool:
            run.append(dict(tool))
        else:
            report.refused(path, f"gemini runs no tool of type {_type(tool)}", own=True)
    return run


def _type(tool: Mapping[str, Json]) -> str:
    """What another vendor's tool is called; Google's have no type but a member that is named as one."""
    return str(tool.get("type") or next(iter(tool), ""))[:40]


# -- the choice --------------------------------------------------------------------------------------------------


def _no_choice(request: Request, report: Report) -> Body:
    if request.tool_choice is not None and request.tool_choice.mode not in ("none", "auto"):
        report.dropped("tool_choice", "there are no tools to choose from")
    return {}


def _config(request: Request, profile: Profile, report: Report) -> Body:
    """`functionCallingConfig`; empty where nothing was said."""
    choice = request.tool_choice
    strict = any(tool.strict for tool in request.tools)
    if choice is None or choice.mode == "auto":
        if not strict:
            return {} if choice is None else {"mode": "AUTO"}
        loose = next((index for index, tool in enumerate(request.tools) if not tool.strict), None)
        if loose is not None:
            report.approximated(f"tools[{loose}].function.strict", "every call keeps to its schema")
        return {"mode": "VALIDATED"}
    if choice.mode == "none":
        return {"mode": "NONE"}
    return _narrowed(choice, profile, report)


def _narrowed(choice: ToolChoice, profile: Profile, report: Report) -> Body:
    """A choice that forces a call, names functions, or both."""
    forced = choice.mode != "allowed" or choice.required
    if forced and not profile.forced_tool_choice:
        report.refused("tool_choice", "the model refuses a forced tool choice")
        forced = False
    config: Body = {"mode": "ANY" if forced else "VALIDATED"}
    names = [name for name in choice.names if _NAME.fullmatch(name)]
    if names:
        config["allowedFunctionNames"] = names
    return config if names or not choice.names else {}
