"""A streamed answer as a whole one.

Takes deltas in order; consecutive text is one text, consecutive text and refusal are one message, and items stand in
the order they began. What a stream and its whole twin say must come out equal, so the whole answers of the chat
dialect are read this way too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from translators.codec import EventReader
from translators.faults import Failure, Fault, ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Choice,
    Delta,
    Ended,
    Event,
    Failed,
    Foreign,
    Item,
    Json,
    Kept,
    Lost,
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
    TextSigned,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)

LOST_CAP = 64
"""Kinds of things an answer has that have no word, beyond which they are not told."""
_encode = msgspec.json.Encoder().encode


def fold(deltas: Iterable[Delta]) -> Reply:
    """Raises Failure where the stream failed, Truncated where a choice has no end, ProtocolFault where there is no
    choice at all."""
    whole = Fold()
    for delta in deltas:
        whole.add(delta)
    return whole.reply()


class Fold:
    """An answer that grows delta by delta."""

    __slots__ = ("_choices", "_lost", "_started", "_usage")

    def __init__(self) -> None:
        self._started = Started("", "")
        self._usage: Usage | None = None
        self._choices: dict[int, _Choice] = {}
        self._lost: list[Lost] = []

    def add(self, delta: Delta) -> None:
        """Raises Failure where the stream failed, ProtocolFault for arguments of no call."""
        if isinstance(delta, Started):
            self._started = delta
        elif isinstance(delta, Used):
            self._usage = delta.usage
        elif isinstance(delta, Failed):
            raise Failure(delta.fault)
        elif isinstance(delta, Lost):
            if delta not in self._lost and len(self._lost) < LOST_CAP:
                self._lost.append(delta)
        else:
            self._into(delta)

    def _into(self, delta: Delta) -> None:
        index = getattr(delta, "choice", None)
        if index is None:
            return
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        choice.add(delta)

    def reply(self) -> Reply:
        """Raises Truncated where a choice has no end, ProtocolFault where there is no choice at all."""
        if not self._choices:
            raise ProtocolFault("its answer is empty")
        return Reply(
            id=self._started.id,
            model=self._started.model,
            choices=tuple(choice.finished(index) for index, choice in sorted(self._choices.items())),
            usage=self._usage,
            service_tier=self._started.service_tier,
            lost=tuple(self._lost),
        )


class Folding:
    """A Pipe to a client that waits for the whole answer: it gives no bytes before the end, and the whole body then.

    Raises ProtocolFault for an answer that holds more than `limit` bytes, and Failure for an event of failure.
    """

    __slots__ = ("_fold", "_limit", "_reader", "_render", "_size")

    def __init__(self, reader: EventReader, render: Callable[[Reply], bytes], limit: int) -> None:
        self._reader = reader
        self._render = render
        self._limit = limit
        self._fold = Fold()
        self._size = 0

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        deltas = self._reader.feed(event)
        self._take(deltas)
        return deltas, b""

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """The client's body. Raises Truncated."""
        deltas = self._reader.close()
        self._take(deltas)
        return deltas, self._render(self._fold.reply())

    def fault(self, fault: Fault) -> bytes:  # noqa: ARG002 - the protocol's shape
        """Nothing: who has been sent nothing is told by a status."""
        return b""

    def shows(self, delta: Delta) -> bool:
        """Whether the answer has begun with this delta, as a stream's client would see it."""
        return delta.commits or isinstance(delta, ReasoningDelta)

    def _take(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            self._fold.add(delta)
            self._size += _weight(delta)
        if self._size > self._limit:
            raise ProtocolFault(f"its answer is longer than {self._limit} bytes")


def _weight(delta: Delta) -> int:
    """About what a delta costs to keep, in bytes, be it a word, a list of probabilities or a blob: its JSON."""
    try:
        return len(_encode(delta))
    except UnicodeEncodeError:  # half a surrogate pair, which some vendors cut
        return len(repr(delta))


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
        start = self.start
        return ToolCall(start.id, start.name, "".join(self.pieces), start.custom, opaque=start.opaque)


class _Choice:
    def __init__(self) -> None:
        self._runs: list[_Words | _Call | Foreign] = []
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
        elif isinstance(delta, TextSigned):
            self._sign(delta.opaque)
        elif isinstance(delta, ToolStart | ToolArguments):
            self._call(delta)
        elif isinstance(delta, Annotated | Kept):
            self._beside(delta)
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

    def _beside(self, delta: Annotated | Kept) -> None:
        if isinstance(delta, Annotated):
            self._annotations.append(delta.annotation)
        else:
            self._thinking = False
            self._runs.append(delta.part)

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
        if not isinstance(last, _Words) or last.kind is not kind or last.opaque is not None:
            last = _Words(kind)
            self._runs.append(last)
        last.pieces.append(text)

    def _sign(self, opaque: Opaque) -> None:
        """Ends the text that stands last; where none does, the signature rides on an empty one."""
        self._thinking = False
        last = self._runs[-1] if self._runs else None
        if not isinstance(last, _Words) or last.kind is not Text or last.opaque is not None:
            last = _Words(Text)
            self._runs.append(last)
        last.opaque = opaque

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
            known = self._logprobs.get(name)
            if not isinstance(entries, list):
                self._logprobs.setdefault(name, entries)
            elif known is None:
                self._logprobs[name] = [*entries]
            elif isinstance(known, list):
                known += entries

    def _undeclined(self) -> list[_Words | _Call | Foreign]:
        """The runs without calls that a refusal took back; texts that stood around one are one text."""
        if self._end is None or not self._end.declined:
            return self._runs
        runs: list[_Words | _Call | Foreign] = []
        for run in self._runs:
            last = runs[-1] if runs else None
            if isinstance(run, _Call):
                continue
            if isinstance(run, _Words) and run.kind is Text and isinstance(last, _Words) and last.kind is Text:
                last.pieces += run.pieces
            else:
                runs.append(run)
        return runs

    def _items(self) -> list[Item]:
        items: list[Item] = []
        parts: list[Part] = []
        for run in self._undeclined():
            if isinstance(run, Foreign):
                parts.append(run)
                continue
            if isinstance(run, _Words) and run.kind is not Reasoning:
                parts.append(Text(run.text(), opaque=run.opaque) if run.kind is Text else Refusal(run.text()))
                continue
            if parts:
                items.append(Message("assistant", tuple(parts)))
                parts = []
            items.append(run.item() if isinstance(run, _Call) else Reasoning(run.text(), run.opaque))
        if parts:
            items.append(Message("assistant", tuple(parts)))
        return items
