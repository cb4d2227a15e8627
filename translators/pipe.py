"""One dialect's stream told in another: a reader and a writer, joined."""

from collections.abc import Callable, Sequence
from typing import Final

from translators.codec import EventReader, EventWriter
from translators.ir import Annotated, Delta, Dialect, Event, Foreign, Kept, Lost, Message, Reply
from translators.report import Report

Said = Kept | Annotated | Lost
"""What may have no place in a client's dialect."""
SAID: Final = frozenset((Kept, Annotated, Lost))


class Translating:
    """A Pipe. `shows` and `fault` are the client's dialect's."""

    __slots__ = ("_aside", "_read", "_reader", "_write", "_writer", "fault", "shows")

    def __init__(
        self, reader: EventReader, writer: EventWriter, aside: Callable[[Said], None] = lambda _: None
    ) -> None:
        """`aside` is told of each part that is kept whole and each citation, for they may have no place in the client's
        dialect, and of what is lost in any."""
        self._aside = aside
        self._reader = reader
        self._writer = writer
        self._read = reader.feed
        self._write = writer.feed
        self.fault = writer.fault
        self.shows = writer.shows

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault on what cannot be an event of the upstream's dialect."""
        deltas = self._read(event)
        if len(deltas) == 1 and type(deltas[0]) not in SAID:  # as of nearly every event
            return deltas, self._write(deltas[0])
        return self._written(deltas)

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """The last deltas and the client's regular end. Raises Truncated."""
        deltas, data = self._written(self._reader.close())
        return deltas, data + self._writer.close()

    def _written(self, deltas: Sequence[Delta]) -> tuple[Sequence[Delta], bytes]:
        for delta in deltas:
            if isinstance(delta, Said):
                self._aside(delta)
        return deltas, b"".join([self._write(delta) for delta in deltas])


UNCITED = frozenset((Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_COMPLETIONS))
"""Dialects that have no form for a citation that another's model gave."""


PICTURED = frozenset((Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES))
"""Dialects that have a place for a picture that another's model made."""


NOTES_CAP = 256
"""Entries of a report beyond which an answer adds none, whatever names its provider thinks of."""


def unsaid(said: Said, dialect: Dialect, report: Report) -> None:
    """Notes, once for each kind, that something in an answer has no place in the client's `dialect`, or in any."""
    if isinstance(said, Lost):
        _note(said.field, said.why, report, guessed=said.guessed)
    elif isinstance(said, Annotated):
        if dialect in UNCITED:
            _note("answer.annotations", f"{dialect} has no citations of others' making", report)
    elif said.part.dialect == dialect:
        return
    elif said.part.shown is None or dialect not in PICTURED:
        _note(f"answer.{said.part.kind}", f"{dialect} has no such part", report)
    elif "thoughtSignature" in said.part.value:
        _note(f"answer.{said.part.kind}.thoughtSignature", f"{dialect} has no place for a picture's signature", report)


def unsaid_of(reply: Reply, dialect: Dialect, report: Report) -> None:
    """The same for all of a whole answer."""
    for lost in reply.lost:
        unsaid(lost, dialect, report)
    for choice in reply.choices:
        for annotation in choice.annotations:
            unsaid(Annotated(annotation), dialect, report)
        for item in choice.items:
            for part in item.parts if isinstance(item, Message) else ():
                if isinstance(part, Foreign):
                    unsaid(Kept(part), dialect, report)


def _note(field: str, why: str, report: Report, *, guessed: bool = False) -> None:
    if len(report.entries) < NOTES_CAP and all(entry.field != field for entry in report.entries):
        note = report.approximated if guessed else report.dropped
        note(field, why)
