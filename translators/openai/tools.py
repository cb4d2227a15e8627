"""The caller's own tools, each name once: providers refuse a second one, or leave open which of the two is meant."""

import re
from collections.abc import Iterator, Sequence

from translators.ir import Json, Tool, ToolChoice
from translators.profile import Profile
from translators.report import Report

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def named_once(tools: Sequence[Tool], profile: Profile, report: Report) -> Iterator[tuple[str, Tool]]:
    """The tools that `profile`'s target takes, with their places (`tools[1]`); of those that share a name the first.
    What is left out is noted."""
    names: set[str] = set()
    for i, tool in enumerate(tools):
        if tool.name in names:
            report.dropped(f"tools[{i}]", "a tool of this name stands before it")
            continue
        names.add(tool.name)
        if tool.custom_format is not None and not profile.free_text_tools:
            report.refused(f"tools[{i}].custom", NO_FREE_TEXT)
        elif (why := why_no_name(tool.name, profile)) is not None:
            report.refused(f"tools[{i}].function.name", why)
        else:
            yield f"tools[{i}]", tool


NO_FREE_TEXT = "the model takes no tools of free text"


def why_no_name(name: str, profile: Profile) -> str | None:
    """Why a tool cannot be called so; None where it can."""
    most = profile.tool_name_max
    if most is None or (len(name) <= most and name.isascii() and (name.isidentifier() or _NAME.fullmatch(name))):
        return None
    return f"names of its tools are 1 to {most} letters, digits, underscores and hyphens"


def no_choice(body: dict[str, Json], choice: ToolChoice | None, report: Report) -> None:
    """A body without tools may not say how to choose among them: both APIs answer that with a 400."""
    if body.pop("parallel_tool_calls", None) is False:
        report.dropped("parallel_tool_calls", NO_TOOLS)
    if choice is not None and choice.mode not in ("none", "auto"):
        report.dropped("tool_choice", NO_TOOLS)


NO_TOOLS = "there are no tools to choose from"
