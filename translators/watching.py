"""A Pipe watched for what must be kept of its answer's turns (`translators.remember`), handed over at its regular end.

It costs a text delta a hash of its bytes and nothing else. A turn that grows beyond `CAP` is let go: its maker then
sees it without its thinking, as from a client that drops it.
"""

from collections.abc import Callable, Sequence

from translators.codec import Around, Pipe
from translators.ir import (
    Delta,
    Event,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
)
from translators.ir import (
    Kept as KeptPart,
)
from translators.remember import Kept, Notes

CAP = 1 << 20
"""Characters of thinking and arguments that are collected of one answer."""
CHOICES_CAP = 8


class Watching(Around):
    """Collects of each choice what must be kept."""

    __slots__ = ("_choices", "_keep", "_left", "_notes")

    def __init__(self, pipe: Pipe, notes: Callable[[], Notes], keep: Callable[[Kept], None]) -> None:
        """`notes` makes an empty collection; `keep` gets each turn that has something to be kept."""
        super().__init__(pipe)
        self._notes = notes
        self._keep = keep
        self._choices: dict[int, _Watched] = {}
        self._left = CAP

    def close(self) -> tuple[Sequence[Delta], bytes]:
        told = super().close()
        if self._left > 0:
            for watched in self._choices.values():
                kept = None if watched.refused else watched.notes.kept()
                if kept is not None:
                    self._keep(kept)
        return told

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        told = self._pipe.feed(event)
        deltas = told[0]
        if len(deltas) == 1 and type(deltas[0]) is TextDelta and self._left > 0:  # as of nearly every event
            watched = self._choices.get(deltas[0].choice)
            if watched is not None:
                watched.notes.say(deltas[0].text)
                return told
        self.hear(*told)
        return told

    def hear(self, deltas: Sequence[Delta], _: bytes) -> None:
        if self._left > 0:
            self._watch(deltas)

    def _watch(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            kind = type(delta)
            if kind is TextDelta or kind in _WATCHED:
                choice: int = delta.choice  # type: ignore[attr-defined]  # every watched delta has one
                watched = self._choices.get(choice)
                if watched is None:
                    if len(self._choices) == CHOICES_CAP:
                        continue
                    watched = self._choices[choice] = _Watched(self._notes())
                if kind is TextDelta:
                    watched.notes.say(delta.text)  # type: ignore[attr-defined]  # as `kind` says
                else:
                    self._left -= watched.take(delta)


class _Watched:
    """One choice."""

    __slots__ = ("_thought", "notes", "refused")

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.refused = False
        self._thought: list[str] = []

    def take(self, delta: Delta) -> int:
        """Characters that are held because of this delta."""
        if isinstance(delta, ToolArguments):
            self.notes.argue(delta.index, delta.text)
            return len(delta.text)
        if isinstance(delta, ReasoningDelta):
            self._thought.append(delta.text)
            return len(delta.text)
        if isinstance(delta, ReasoningEnd):
            self.notes.think(Reasoning("".join(self._thought), delta.opaque))
            self._thought.clear()
            return len(delta.opaque.data) if delta.opaque is not None else 0
        if isinstance(delta, ToolStart):
            self.notes.call(delta.id, delta.name, delta.opaque, custom=delta.custom)
            return len(delta.opaque.data) if delta.opaque is not None else 0
        if isinstance(delta, TextSigned):
            self.notes.signed(delta.opaque)
            return len(delta.opaque.data)
        if isinstance(delta, KeptPart):
            return self.notes.hold(delta.part)
        self.refused = True
        return 0


_WATCHED = frozenset((ToolArguments, ReasoningDelta, ReasoningEnd, ToolStart, TextSigned, RefusalDelta, KeptPart))
