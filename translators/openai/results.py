"""Calls and their results as providers of OpenAI's dialects take them: a result for each call, and a call for each.

Both refuse a conversation that leaves a call without a result, or has a result of nobody's call (OpenAI's guide on
function calling). A turn's results stand between it and the assistant's next one, as they do in every dialect, and are
moved before what others say there.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from translators.ir import Item, Message, Text, ToolCall, ToolResult
from translators.report import Report

NO_RESULT = "Error: No result was given for this call."


def settled(items: Sequence[Item], report: Report) -> Iterable[tuple[int, Item]]:
    """The items with their places among the request's. Results that answer nothing are left out as refused, calls
    without one are answered with an error."""
    if not any(type(item) is ToolCall or type(item) is ToolResult for item in items):
        return enumerate(items)
    turns = _Settling(report)
    for at, item in enumerate(items):
        turns.add(at, item)
    return turns.finish()


class _Settling:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._settled: list[tuple[int, Item]] = []
        self._open: dict[str, deque[int]] = {}
        """The last turn's calls: their places by id, without those that have their result."""
        self._behind: list[tuple[int, Item]] = []
        """What others said since then."""
        self._answering = False

    def add(self, at: int, item: Item) -> None:
        if type(item) is ToolResult:
            self._answering = True
            self._result(at, item)
        elif type(item) is Message and item.role != "assistant":
            self._answering = True
            self._behind.append((at, item))
        else:
            if self._answering:
                self._close()
            if type(item) is ToolCall:
                self._open.setdefault(item.id, deque()).append(at)
            self._settled.append((at, item))

    def finish(self) -> list[tuple[int, Item]]:
        self._close()
        return self._settled

    def _result(self, at: int, item: ToolResult) -> None:
        waiting = self._open.get(item.call_id)
        if waiting:
            waiting.popleft()
            self._settled.append((at, item))
        else:
            why = "no call of the turn before has this id" if waiting is None else "the call has its result already"
            self._report.refused(f"items[{at}]", why)

    def _close(self) -> None:
        for call_id, waiting in self._open.items():
            for at in waiting:
                self._report.approximated(f"items[{at}]", "a call without a result was answered with an error")
                self._settled.append((at, ToolResult(call_id, (Text(NO_RESULT),))))
        self._settled += self._behind
        self._open, self._behind, self._answering = {}, [], False
