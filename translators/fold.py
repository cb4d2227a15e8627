"""A streamed answer as a whole one.

Reads deltas in order; consecutive text is one text, consecutive text and refusal are one message, and items stand in
the order they began. What a stream and its whole twin say must come out equal, so the whole answers of the chat
dialect are read this way too.
"""

from collections.abc import Iterable, Mapping

from translators.faults import Failure, ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Choice,
    Delta,
    Ended,
    Failed,
    Item,
    Json,
    Message,
    Opaque,
    Part,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Text,
    TextDelta,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)


def fold(deltas: Iterable[Delta]) -> Reply:
    """Raises Failure where the stream failed, Truncated where a choice has no end, ProtocolFault where there is no
    choice at all."""
    started = Started("", "")
    usage: Usage | None = None
    choices: dict[int, _Choice] = {}
    for delta in deltas:
        if isinstance(delta, Started):
            started = delta
        elif isinstance(delta, Used):
            usage = delta.usage
        elif isinstance(delta, Failed):
            raise Failure(delta.fault)
        else:
            _into(delta, choices)
    if not choices:
        raise ProtocolFault("its answer is empty")
    return Reply(
        id=started.id,
        model=started.model,
        choices=tuple(choice.finished(index) for index, choice in sorted(choices.items())),
        usage=usage,
        service_tier=started.service_tier,
    )


def _into(delta: Delta, choices: "dict[int, _Choice]") -> None:
    index = getattr(delta, "choice", None)
    if index is None:
        return
    choice = choices.get(index)
    if choice is None:
        choice = choices[index] = _Choice()
    choice.add(delta)


class _Words:
    """A run of text, refusal or thinking that grows."""

    def __init__(self, kind: type[Text | Refusal | Reasoning]) -> None:
        self.kind = kind
        self.pieces: list[str] = []
        self.opaque: Opaque | None = None

    def text(self) -> str:
        return "".join(self.pieces)


class _Call:
    def __init__(self, start: ToolStart) -> None:
        self.start = start
        self.pieces: list[str] = []

    def item(self) -> ToolCall:
        return ToolCall(self.start.id, self.start.name, "".join(self.pieces), self.start.custom)


class _Choice:
    def __init__(self) -> None:
        self._runs: list[_Words | _Call] = []
        self._calls: dict[int, _Call] = {}
        self._thinking = False
        """Whether the last run is a reasoning block that has not ended."""
        self._end: Ended | None = None
        self._annotations: list[Mapping[str, Json]] = []
        self._logprobs: dict[str, Json] = {}

    def add(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            self._words(Text, delta.text)
            if isinstance(delta.logprobs, dict):
                self._probabilities(delta.logprobs)
        elif isinstance(delta, ReasoningDelta):
            self._think(delta.text)
        elif isinstance(delta, ReasoningEnd):
            self._think("").opaque = delta.opaque
            self._thinking = False
        elif isinstance(delta, RefusalDelta):
            self._words(Refusal, delta.text)
        elif isinstance(delta, ToolStart | ToolArguments):
            self._call(delta)
        elif isinstance(delta, Annotated):
            self._annotations.append(delta.annotation)
        elif isinstance(delta, Ended):
            self._end = delta

    def _call(self, delta: ToolStart | ToolArguments) -> None:
        if isinstance(delta, ToolStart):
            self._thinking = False
            call = self._calls[delta.index] = _Call(delta)
            self._runs.append(call)
        elif delta.index in self._calls:
            self._calls[delta.index].pieces.append(delta.text)
        else:
            raise ProtocolFault("its answer has arguments for a tool call that did not begin")

    def finished(self, index: int) -> Choice:
        if self._end is None:
            raise Truncated("its answer has no end")
        return Choice(
            items=tuple(self._items()),
            finish=self._end.finish,
            index=index,
            stop_sequence=self._end.stop_sequence,
            annotations=tuple(self._annotations),
            logprobs=self._logprobs or None,
        )

    def _words(self, kind: type[Text | Refusal], text: str) -> None:
        self._thinking = False
        if not text:
            return
        last = self._runs[-1] if self._runs else None
        if not isinstance(last, _Words) or last.kind is not kind:
            last = _Words(kind)
            self._runs.append(last)
        last.pieces.append(text)

    def _think(self, text: str) -> _Words:
        last = self._runs[-1] if self._runs and self._thinking else None
        if not isinstance(last, _Words):
            last = _Words(Reasoning)
            self._runs.append(last)
            self._thinking = True
        last.pieces.append(text)
        return last

    def _probabilities(self, logprobs: dict[str, Json]) -> None:
        for name, entries in logprobs.items():
            if isinstance(entries, list) and isinstance(self._logprobs.get(name, []), list):
                self._logprobs[name] = [*self._logprobs.get(name, []), *entries]
            else:
                self._logprobs.setdefault(name, entries)

    def _items(self) -> list[Item]:
        items: list[Item] = []
        parts: list[Part] = []
        for run in self._runs:
            if isinstance(run, _Words) and run.kind is not Reasoning:
                parts.append(Text(run.text()) if run.kind is Text else Refusal(run.text()))
                continue
            if parts:
                items.append(Message("assistant", tuple(parts)))
                parts = []
            items.append(run.item() if isinstance(run, _Call) else Reasoning(run.text(), run.opaque))
        if parts:
            items.append(Message("assistant", tuple(parts)))
        return items
