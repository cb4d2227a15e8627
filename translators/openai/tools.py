"""The caller's own tools, each name once: providers refuse a second one, or leave open which of the two is meant."""

from collections.abc import Iterator, Sequence

from translators.ir import Tool
from translators.report import Report


def named_once(tools: Sequence[Tool], report: Report) -> Iterator[tuple[str, Tool]]:
    """Tools with their places (`tools[1]`); of those that share a name the first, the others are reported."""
    names: set[str] = set()
    for i, tool in enumerate(tools):
        if tool.name in names:
            report.dropped(f"tools[{i}]", "a tool of this name stands before it")
        else:
            names.add(tool.name)
            yield f"tools[{i}]", tool
