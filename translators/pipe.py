"""One dialect's stream told in another: a reader and a writer, joined."""

from collections.abc import Sequence

from translators.codec import EventReader, EventWriter
from translators.ir import Delta, Event


class Translating:
    """A Pipe. `shows` and `fault` are the client's dialect's."""

    __slots__ = ("_reader", "_writer", "fault", "shows")

    def __init__(self, reader: EventReader, writer: EventWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.fault = writer.fault
        self.shows = writer.shows

    @property
    def done(self) -> bool:
        return self._reader.done

    def feed(self, event: Event) -> tuple[Sequence[Delta], bytes]:
        """Raises ProtocolFault on what cannot be an event of the upstream's dialect."""
        return self._written(self._reader.feed(event))

    def close(self) -> tuple[Sequence[Delta], bytes]:
        """The last deltas and the client's regular end. Raises Truncated."""
        deltas, data = self._written(self._reader.close())
        return deltas, data + self._writer.close()

    def _written(self, deltas: Sequence[Delta]) -> tuple[Sequence[Delta], bytes]:
        feed = self._writer.feed
        if len(deltas) == 1:
            return deltas, feed(deltas[0])
        return deltas, b"".join([feed(delta) for delta in deltas])
