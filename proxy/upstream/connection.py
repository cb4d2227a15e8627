"""One HTTP/1.1 connection to an upstream: httptools parses, this module decides what an answer's bytes mean.

Everything an answer may be is bounded: its head, what stands between two parts of its body (trailers, chunk
extensions), what is buffered for a reader that does not come, and how long the upstream may leave a request waiting.
A connection goes back to the pool only when its
answer ended by the rules, nothing came after it, and the request was sent to its last byte.

Odd cases
- An answer without a length ends with the connection; with one, the connection's end before its own is `Cut`.
- Interim answers (1xx) are skipped; 101 is refused, for nobody asked.
- Chunks that arrived together are given together: what counts is that nothing waits for a later one.
- A long body is handed over piece by piece, as the transport asks for more: that is how its way out is seen, under TLS
  too. A short one goes at once and is not watched; the system's own buffers take it in any case.
- An upstream that answers before it has taken the whole request may do so in its own time. A body that comes from
  elsewhere is not read on for one that has refused it, nor for one that has answered in full.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from typing import cast

import httptools

from proxy.upstream.bodies import readable
from proxy.upstream.native_answer import Answer
from proxy.upstream.seam import PIECE, Cut, NotTaken

HEAD_LIMIT = 64 * 1024
"""Most bytes of a head, or of anything between two parts of a body."""
REFUSING = 300
"""From this status on an answer says that the rest of the request is not wanted."""

_BODILESS = frozenset({204, 304})
_FRAMED = frozenset({"content-length", "transfer-encoding"})


class Connection(asyncio.Protocol):
    """Carries one answer at a time. `free(connection, usable)` is called once when each has ended, and `gone` when the
    connection is lost while it carries none."""

    def __init__(self, free: "Callable[[Connection, bool], None]", gone: "Callable[[Connection], None]") -> None:
        self._free = free
        self._gone = gone
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._rest = memoryview(b"")
        """What of the request's body is not handed over."""
        self._full = False
        self._more = False
        """Whether more of the request's body is to come than `_rest`."""
        self._room: asyncio.Future[None] | None = None
        """Who waits for the upstream to take `_rest`."""
        self._write_s = 0.0
        self._write_timer: asyncio.TimerHandle | None = None
        self._pairs: list[tuple[bytes, bytes]] = []
        self._status = 0
        self._unclaimed = 0
        self._keep = False
        self._complete = False
        self._spoiled = False
        self.lost = False
        self.idle_since = 0.0

    # -- what the engine asks
    def ask(self, head: bytes, body: bytes, write_s: float, *, more: bool = False) -> Answer:
        """Sends a request; its answer fills as it arrives, or is NotTaken: too little of a long body in `write_s`.
        `more` says that `give` follows."""
        self._answer = answer = Answer(self)
        self._unclaimed = 0
        self._complete = False
        self._more = more
        self._full = False
        self._write_s = write_s
        if len(body) > PIECE:
            self._rest = memoryview(body)[PIECE:]
            self._transport.writelines((head, body[:PIECE]))
            self._hand_over()
        else:
            self._transport.write(head + body)
        return answer

    async def give(self, body: AsyncIterator[bytes], *, chunked: bool) -> None:
        """The body of the request just sent, piece by piece as the upstream takes it. Returns at its end, or where the
        upstream wants no more of it: the answer tells why. Raises what `body` raises."""
        async for piece in body:
            if piece and not await self._given(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece):
                return
        if not chunked or await self._given(b"0\r\n\r\n"):
            self._more = False

    async def _given(self, piece: bytes) -> bool:
        """Returns once the piece is handed over; False: it is not wanted."""
        if self._wanted():
            self._rest = memoryview(piece)
            self._hand_over()
        while self._rest and self._wanted():
            self._room = self.loop.create_future()
            await self._room
        if self._wanted():
            return True
        self._untimed()
        self._rest = memoryview(b"")
        return False

    def _wanted(self) -> bool:
        return self._answer is not None and self._answer.status < REFUSING and not self._transport.is_closing()

    def fresh(self) -> bool:
        """Whether an idle connection may be used: still open, and with nothing to read, be it only the end."""
        return not (self.lost or self._transport.is_closing() or self._poll.poll(0))

    def abort(self) -> None:
        """Closes at once; an answer under way is cut."""
        self._transport.abort()
        if self._answer is not None:
            self._answer.finish(Cut("the connection was given up"))
            self._end(usable=False)

    def pause(self) -> None:
        if not self.lost:
            self._transport.pause_reading()

    def resume(self) -> None:
        if not self.lost:
            self._transport.resume_reading()

    # -- the way out
    def _hand_over(self) -> None:
        while self._rest and not self._full and not self._transport.is_closing():
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            self._transport.write(piece)
        if self._rest:
            self._write_timer = self.loop.call_later(self._write_s, self._overdue)

    def _overdue(self) -> None:
        if self._answer is not None and (self._more or not self._answer.status):
            self._answer.finish(NotTaken("it did not take the request in time"))
            self.abort()

    def _untimed(self) -> bool:
        """Whether a rest was waiting for the upstream; it is not watched any more."""
        timer, self._write_timer = self._write_timer, None
        if timer is not None:
            timer.cancel()
        return timer is not None

    def _wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # -- what the loop tells
    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._untimed():
            self._hand_over()
            if not self._rest:
                self._wake()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(PIECE)  # under TLS the usual ones are eight times as much
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self._transport.abort()
            return
        self._unclaimed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("it switched protocols unasked")
        except httptools.HttpParserError:
            self._fail("its answer is not HTTP/1.1")
        else:
            if self._complete or self._unclaimed > HEAD_LIMIT:
                self._after_data()
            elif self._answer is not None:
                self._answer.pour()

    def _after_data(self) -> None:
        """The answer is complete, or what stands between two parts of it is too long."""
        if self._complete:
            sent = not self._more and not self._rest and not self._transport.get_write_buffer_size()
            usable = self._keep and not self._spoiled and sent
            self._end(usable=usable)
            if not usable:
                self.abort()
        else:
            self._fail("its headers do not end")

    def eof_received(self) -> None:
        answer = self._answer
        if answer is None or not answer.status or answer.status in _BODILESS:
            return
        if _FRAMED.isdisjoint([name for name, _ in answer.headers]):
            answer.finish(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self._answer is not None:
            self._answer.finish(Cut("the connection was reset" if error else "the connection ended too early"))
            self._end(usable=False)
        else:
            self._gone(self)
        del self._parser  # the two know each other: what is lost should not have to wait for the collector

    def _fail(self, clause: str) -> None:
        if self._answer is not None:
            self._answer.finish(Cut(clause))
        self.abort()

    def _end(self, *, usable: bool) -> None:
        if self._write_timer is not None and self._untimed():
            self._rest = memoryview(b"")
        if self._room is not None:
            self._wake()
        if self._answer is not None:
            self._answer = None
            self._free(self, usable)

    # -- what the parser tells
    def on_message_begin(self) -> None:
        if self._complete:
            self._spoiled = True
        self._pairs = []
        self._status = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._status:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._complete or self._answer is None:
            return
        self._status = status
        self._keep = self._parser.should_keep_alive()
        self._unclaimed = 0
        self._answer.begin(status, readable(self._pairs))
        if self._room is not None:
            self._wake()

    def on_body(self, data: bytes) -> None:
        if self._answer is not None and not self._complete:
            self._unclaimed = 0
            self._answer.feed(data)

    def on_message_complete(self) -> None:
        if self._status and self._answer is not None:
            self._complete = True
            self._answer.finish(None)
