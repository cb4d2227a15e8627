"""Answers to clients that still say `functions`: one `function_call` of the message, without an id.

OpenAI answers such a request in that form, and its clients look nowhere else. Source: OpenAI's API reference
(`functions`, `function_call`; deprecated, and served).
"""

from translators.codec import Context
from translators.ir import Json
from translators.report import Report


def says_functions(context: Context) -> bool:
    """Whether the client offered `functions`, and not `tools`."""
    return bool(context.echo.get("functions")) and not context.echo.get("tools")


def only_call(calls: list[dict[str, Json]], report: Report) -> dict[str, Json]:
    """The `function_call` that stands for whole calls, of which there is at least one."""
    if len(calls) > 1:
        no_second_call(report)
    return {"function_call": calls[0]["function"]} if "function" in calls[0] else {}


def no_second_call(report: Report) -> None:
    """Notes, once an answer, that it called more than one function."""
    if not any(entry.field == FIELD for entry in report.entries):
        report.dropped(FIELD, "an answer to functions has one call, the first")


FIELD = "answer.tool_calls"
