"""Deltas written as Gemini's event stream.

Each event is an answer with the new parts of one candidate. A call stands in one part, whole, so from a candidate's
first call on everything waits for its end; other dialects' calls may come interleaved. The last event holds the finish
reasons, the citations and the usage.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from translators import sse
from translators.codec import Context
from translators.faults import Fault
from translators.gemini.faults import render_fault
from translators.gemini.grounding import Ruler, grounding
from translators.gemini.reply import call_part, candidate, message_part
from translators.gemini.wire import signed, wire_usage
from translators.ir import (
    Annotated,
    Delta,
    Ended,
    Finish,
    Json,
    Kept,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)

Part = dict[str, Any]


class _Call:
    """A call whose arguments are not whole yet."""

    __slots__ = ("pieces", "start")

    def __init__(self, start: ToolStart) -> None:
        self.start = start
        self.pieces: list[str] = []

    def part(self) -> Part:
        start = self.start
        call = ToolCall(start.id, start.name, "".join(self.pieces), start.custom, opaque=start.opaque)
        return call_part(call)


class _Open:
    """What a candidate holds back."""

    __slots__ = ("annotations", "calls", "end", "refusal", "ruler", "waiting")

    def __init__(self) -> None:
        self.waiting: list[Part | _Call] = []
        self.calls: dict[int, _Call] = {}
        self.refusal: list[str] = []
        self.ruler = Ruler()
        """Of the text so far, in whose bytes citations are told."""
        self.annotations: list[Mapping[str, Json]] = []
        self.end: Ended | None = None


class Writer:
    """Deltas of one answer -> bytes."""

    __slots__ = ("_choices", "_tail", "_usage")

    def __init__(self, context: Context) -> None:
        self._tail = {"modelVersion": context.model, "responseId": context.id}
        self._choices: dict[int, _Open] = {}
        self._usage: Usage | None = None

    def feed(self, delta: Delta) -> bytes:
        if isinstance(delta, Used):
            self._usage = delta.usage
            return b""
        index = getattr(delta, "choice", None)
        if index is None:
            return b""
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Open()
        if isinstance(delta, TextDelta):
            choice.ruler.add(delta.text)
        part = _part(delta)
        if part is not None:
            if not choice.calls:
                return self._event({"candidates": [candidate(index, [part], None, None)]})
            choice.waiting.append(part)
        else:
            _hold(delta, choice)
        return b""

    def close(self) -> bytes:
        """The last event: what was held, the finish reasons and the usage; nothing for an answer without an end."""
        candidates = [
            _ended(index, choice, choice.end)
            for index, choice in sorted(self._choices.items())
            if choice.end is not None
        ]
        if not candidates:
            return b""
        usage = {} if self._usage is None else {"usageMetadata": wire_usage(self._usage)}
        return self._event({"candidates": candidates, **usage})

    def fault(self, fault: Fault) -> bytes:
        return sse.encode(render_fault(fault)[1])

    def shows(self, delta: Delta) -> bool:
        """Everything that commits but annotations, and thinking."""
        return (delta.commits and not isinstance(delta, Annotated)) or isinstance(delta, ReasoningDelta)

    def _event(self, answer: dict[str, Any]) -> bytes:
        return sse.encode(orjson.dumps({**answer, **self._tail}))


def aside(facts: Mapping[str, Json], context: Context) -> bytes:
    """One more event, without candidates."""
    return sse.encode(orjson.dumps({"sidestep": facts, "modelVersion": context.model, "responseId": context.id}))


def _part(delta: Delta) -> Part | None:
    """The part that one delta is; None for what has to wait, or says nothing here."""
    if isinstance(delta, TextDelta):
        return {"text": delta.text} if delta.text else None
    if isinstance(delta, ReasoningDelta):
        return {"text": delta.text, "thought": True}
    if isinstance(delta, ReasoningEnd):
        part = signed({"text": "", "thought": True}, delta.opaque)
    elif isinstance(delta, TextSigned):
        part = signed({"text": ""}, delta.opaque)
    else:
        return message_part(delta.part, filtered=False) if isinstance(delta, Kept) else None
    return part if "thoughtSignature" in part else None


def _hold(delta: Delta, choice: _Open) -> None:
    if isinstance(delta, ToolStart):
        call = choice.calls[delta.index] = _Call(delta)
        choice.waiting.append(call)
    elif isinstance(delta, ToolArguments):
        if delta.index in choice.calls:
            choice.calls[delta.index].pieces.append(delta.text)
    elif isinstance(delta, Annotated):
        choice.annotations.append(delta.annotation)
    elif isinstance(delta, RefusalDelta):
        choice.refusal.append(delta.text)
    elif isinstance(delta, Ended):
        choice.end = delta


def _ended(index: int, choice: _Open, end: Ended) -> dict[str, Any]:
    said = _last(index, choice, end)
    grounded = grounding(choice.annotations, choice.ruler) if choice.annotations else {}
    return {**said, "groundingMetadata": grounded} if grounded else said


def _last(index: int, choice: _Open, end: Ended) -> dict[str, Any]:
    waiting = [one for one in choice.waiting if not (end.declined and isinstance(one, _Call))]
    parts = [one.part() if isinstance(one, _Call) else one for one in waiting]
    refusal = "".join(choice.refusal)
    if end.finish is Finish.CONTENT_FILTER:
        return candidate(index, parts, end.finish, refusal or None)
    if refusal:
        parts.insert(0, {"text": refusal})
    return candidate(index, parts or [{"text": ""}], end.finish, None)
