"""Tools and the choice among them, for servers that understand less of them than OpenAI.

A tool of free text and a name that a vendor does not take are refused, since the model could not call what the client
offers. A choice of several tools, or of one by its name, means the same as a shorter list of tools and a word.
"""

from collections.abc import Mapping

from translators.ir import Json
from translators.openai.tools import NO_FREE_TEXT, why_no_name
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]


def fit_tools(body: Body, profile: Profile, report: Report) -> None:
    """Leaves out of a body that passes as it came (its top level changes only) the tools that the target refuses."""
    tools = body.get("tools")
    if not isinstance(tools, list) or _all_plain(tools, profile.tool_name_max):
        return
    kept = [tool for i, tool in enumerate(tools) if _is_taken(tool, f"tools[{i}]", profile, report)]
    if len(kept) < len(tools):
        _offer(body, kept)


def _all_plain(tools: list[Json], most: int | None) -> bool:
    """Whether these are functions whose names every vendor takes, as nearly always; a list may be long."""
    for tool in tools:
        function = tool.get("function") if type(tool) is dict and tool.get("type") == "function" else None
        name = function.get("name") if type(function) is dict else None
        if type(name) is not str or not name.isidentifier() or not name.isascii():
            return False
        if most is not None and len(name) > most:
            return False
    return True


def _is_taken(tool: Json, path: str, profile: Profile, report: Report) -> bool:
    if not isinstance(tool, dict):
        return True
    if tool.get("type") == "custom":
        if not profile.free_text_tools:
            report.refused(path, NO_FREE_TEXT)
        return profile.free_text_tools
    name = _name_of(tool)
    why = why_no_name(name, profile) if name is not None else None
    if why is not None:
        report.refused(f"{path}.function.name", why)
    return why is None


def _offer(body: Body, tools: list[Json]) -> None:
    """The tools that are left; a choice among those that are not goes, too."""
    if tools:
        body["tools"] = tools
    else:
        del body["tools"]
        body.pop("parallel_tool_calls", None)
    chosen = _chosen(body.get("tool_choice"))
    if not tools or (chosen is not None and not chosen <= {_name_of(tool) for tool in tools}):
        body.pop("tool_choice", None)


def narrow_choice(body: Body, profile: Profile, report: Report) -> None:
    """Says a choice by names as the tools that are left to choose from, where the target does not understand it."""
    choice = body["tool_choice"]
    if profile.tool_choices == "all" or not isinstance(choice, dict):
        return
    if choice.get("type") != "allowed_tools" and profile.tool_choices == "named":
        return
    names, tools = _chosen(choice), body.get("tools")
    if not names or None in names or not isinstance(tools, list):
        return
    allowed = choice.get("allowed_tools")
    forced = not isinstance(allowed, dict) or allowed.get("mode") == "required"
    kept = [tool for tool in tools if _name_of(tool) in names]
    if kept:
        body["tools"], body["tool_choice"] = kept, "required" if forced else "auto"
        field = "tool_choice" if allowed is None else "tool_choice.allowed_tools"
        report.approximated(field, "the other tools were left out")


def _chosen(choice: Json) -> set[str | None] | None:
    """The names in a choice; None where it is a word."""
    if not isinstance(choice, Mapping):
        return None
    allowed = choice.get("allowed_tools")
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    return {_name_of(one) for one in listed} if isinstance(listed, list) else {_name_of(choice)}


def _name_of(tool: Json) -> str | None:
    """The name of a tool, or of one that is chosen; None for kinds that are not known."""
    inside = (tool.get("function") or tool.get("custom")) if isinstance(tool, Mapping) else None
    name = inside.get("name") if isinstance(inside, dict) else None
    return name if isinstance(name, str) else None
