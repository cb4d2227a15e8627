"""Server-sent events: bytes to events under any chunking, and back.

Follows the WHATWG HTML standard's event stream interpretation. Providers cut their bytes anywhere: in the middle of a
character, between CR and LF, inside the byte order mark. So nothing is decoded here, and nothing is dispatched before
its blank line has come. An event the stream ends in the middle of is discarded, as the standard says; `leftover` tells
that there was one.

Rules: one event and the comments before it may not exceed `limit` bytes, whatever the chunking; `id` and `retry` mean
nothing to a proxy and are skipped; comments are counted, since they are a sign of life.

The usual chunk is one whole event of one `data: {...}` line, named as the one before, or a run of such, and those cases
stay free of line-by-line work. Single bytes are looked for by their numbers, which costs a tenth.
"""

from functools import lru_cache

from translators.faults import ProtocolFault
from translators.ir import Event

LIMIT = 1 << 20
BOM = b"\xef\xbb\xbf"
LF, CR = 10, 13
NAME_CAP = 80
"""An `event:` line that is longer is nobody's usual one."""
TOO_LONG = "an event of its stream is too long"


class EventSplitter:
    """Feed it chunks, get events. `comments` counts comment lines seen so far."""

    __slots__ = ("_cr", "_first", "_lead_in", "_limit", "_named", "_oversize", "_pieces", "_size", "comments")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._first = True
        self._cr = False
        self._oversize = False
        self._lead_in, self._named = b"data: ", ""
        """What stood before the data of the last event with a name, and the name: the next one's is likely the same."""
        self.comments = 0

    @property
    def leftover(self) -> int:
        """Bytes received since the last complete event."""
        return len(b"".join(self._pieces).strip(b"\n"))

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises ProtocolFault for an event over the limit; events that were
        complete before it are returned first, and the next call raises."""
        if self._oversize:
            raise ProtocolFault(TOO_LONG)
        if not (self._pieces or self._first or self._cr):
            line = chunk.removeprefix(self._lead_in)
            data = line.removesuffix(b"\n\n")
            if len(data) == len(line):
                data = line.removesuffix(b"\r\n\r\n")
            if len(data) < len(line) < len(chunk) <= self._limit and LF not in data and CR not in data:
                return [Event(data, self._named)]
        if self._cr or CR in chunk:
            chunk = self._line_feeds(chunk)
        if LF not in chunk:
            self._keep(chunk)
            if self._oversize:
                raise ProtocolFault(TOO_LONG)
            return []
        if self._pieces:
            self._pieces.append(chunk)
            chunk = b"".join(self._pieces)
            self._pieces.clear()
        if self._first:
            self._first = False
            chunk = chunk.removeprefix(BOM)
        return self._split(chunk)

    def close(self) -> None:
        """The bytes ended; an unterminated last event is discarded. Raises ProtocolFault as `feed` does."""
        if self._oversize:
            raise ProtocolFault(TOO_LONG)

    def _split(self, data: bytes) -> list[Event]:
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        small = len(data) <= self._limit
        events: list[Event] = []
        for block in blocks:
            end = block.find(b"\n")
            if end < 0 and block.startswith(b"data: "):
                event: Event | None = Event(block[6:])
            elif end < NAME_CAP and block[:7] == b"event: " and _is_data(block, end):
                self._lead_in, self._named = block[: end + 7], _name(block[7:end])
                event = Event(block[end + 7 :], self._named)
            else:
                block = self._lead(block)  # noqa: PLW2901 - what it starts with belongs to no event
                event = self._lines(block)
            if not small and (self._oversize or len(block) > self._limit):
                self._oversize = True
                break
            if event is not None:
                events.append(event)
        else:
            self._size = 0
            if rest:
                self._keep(self._lead(rest))
        if self._oversize and not events:
            raise ProtocolFault(TOO_LONG)
        return events

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
            # The slack is a byte order mark and the last line's end, which are no part of the event.
            self._oversize = self._oversize or self._size > self._limit + 4

    def _lines(self, block: bytes) -> Event | None:
        """The event of a block that is not one plain `data:` line; None when it carries no data."""
        data: list[bytes] = []
        name = ""
        for line in block.split(b"\n"):
            if line.startswith(b":"):
                self.comments += 1
                continue
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ").decode("utf-8", "replace")
        return Event(b"\n".join(data), name) if data else None

    def _lead(self, block: bytes) -> bytes:
        """`block` without the empty and comment lines it starts with, so that a keep-alive is seen when it comes."""
        block = block.lstrip(b"\n")
        while block.startswith(b":") and (end := block.find(b"\n")) >= 0:
            self.comments += 1
            self._oversize = self._oversize or end > self._limit
            block = block[end:].lstrip(b"\n")
        return block

    def _line_feeds(self, chunk: bytes) -> bytes:
        """CR and CRLF as LF. A CR at a chunk's end counts at once; an LF that follows it is its second half."""
        if self._cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._cr = False
        if chunk:
            self._cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _is_data(block: bytes, end: int) -> bool:
    """Whether one `data:` line, and nothing else, follows the line that ends there."""
    return block.startswith(b"\ndata: ", end) and block.find(b"\n", end + 1) < 0


@lru_cache(maxsize=256)
def _name(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def encode(data: bytes, name: str = "") -> bytes:
    """One event in its wire form, `name` in its `event:` line when it has one."""
    if LF in data:
        data = data.replace(b"\n", b"\ndata: ")
    if name:
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
    return b"data: %b\n\n" % data
