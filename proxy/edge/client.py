"""One client's side of one exchange: its body in, its answer out, and its leaving.

The body is bounded in size, in time and, over all exchanges together, in memory, whether it is read whole or piece by
piece. Pieces may take as long as the request has: a file is larger than a question, and who takes it may be slow.
Writing waits while the client's buffer is full; the connection beneath closes when that lasts too long, which is the
same as the client leaving.

The client's leaving cancels the exchange's task at once, in every window: queued, waiting for an upstream, streaming.
The connection tells of it directly, so no task has to watch, and no pipelined request can hide it. Once the answer is
complete there is nothing left to cancel.

The answer does not take ASGI's way out: that checks every header with two regular expressions and writes in pieces.

Odd case: an answer given before the whole body arrived (too large, no key) closes the connection. Closing at once
would make the kernel reset it and the client might never read the answer, so what still comes is read and thrown away
for a moment first (`linger`).
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from proxy.clock import Clock
from proxy.config.values import LimitSettings
from proxy.flow import Exchange, Gone, Headers, Refused, cancel
from proxy.telemetry.names import BODY_TOO_LARGE, BODY_TOO_SLOW, OVERLOADED
from translators.faults import Fault, Kind

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LINGER_S = 2.0
_BREAK = b"\r\n"
_PRINTABLE = bytes(range(0x20, 0x7F))
KNOWN_SIZES = 1024
_SIZES = tuple(b"%x\r\n" % size for size in range(KNOWN_SIZES))
"""How a chunk begins, by its size: formatting it for each costs more than all else that framing takes."""
LEFT = Fault(kind=Kind.CANCELLED, message="The client left before its answer was complete.")


class Connection(Protocol):
    """What the edge needs of the connection beneath it and ASGI does not offer."""

    problem: Fault | None
    """Why the request cannot be read as HTTP: its head, or (found later) its body."""

    head: Any
    """What was made of the request's head, for the next request with the same; None for another."""
    away: Any
    """What the request was told when it was turned away, for the next one with the same head; None for another."""
    length: int | None
    """Of the body, where the request has the same head as the last one but for that; None for a new head."""

    def arrived(self) -> bool:
        """Whether the whole request is here."""

    def whole(self) -> bytes | None:
        """The request's body if all of it is here, readable, and none of it was received."""

    def ready(self) -> bool:
        """Whether `receive` would return without waiting."""

    def watch(self, lost: Callable[[], None] | None) -> None:
        """`lost` is called once when the connection is gone; None ends the watch."""

    def last(self) -> None:
        """The connection ends with this request's answer, and says so."""

    def begin(self, status: int, lines: bytes, body: bytes, *, close: bool) -> None:
        """Writes the status line, `lines` (header lines, each with its CRLF) and, but for HEAD, `body`, at once;
        `close` says that the connection ends with this answer."""

    def repeat(self, status: int, lines: bytes, body: bytes) -> None:
        """Answers a request like the last one as that was answered, all at once."""

    async def write(self, data: bytes) -> None:
        """Writes when the client's buffer has room."""

    def push(self, data: bytes) -> bool:
        """Writes if the client's buffer has room; False: nothing was written."""

    def complete(self) -> None:
        """The answer is whole: the next request may come, or the connection closes."""

    def end_writing(self) -> None:
        """Half-closes: the client sees the end of what was written, and what it still sends can be read."""

    def failed(self, error: Exception) -> None:
        """The exchange ended in a way that nobody foresaw and nobody told: says so, or closes."""

    def abort(self) -> None:
        """Closes after what is already written, leaving the body unterminated; later writes do nothing."""


class Memory:
    """The bytes of request bodies held at once, over all exchanges, and their limit."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def take(self, size: int) -> None:
        """Raises Refused when there is no room; then nothing is taken."""
        if self.held + size > self.limit:
            message = "Too many request bodies are in memory; try again in a moment."
            fault = Fault(kind=Kind.SHED, status=503, code=OVERLOADED, message=message)
            raise Refused(fault, retry_after_s=1, should_retry=True)
        self.held += size

    def give_back(self, size: int) -> None:
        self.held -= size


class ClientSide:
    """The exchange's `out` and `read`."""

    __slots__ = (
        "_clock",
        "_connection",
        "_framed",
        "_held",
        "_limits",
        "_memory",
        "_receive",
        "_unended",
        "exchange",
        "finished",
        "started",
        "task",
    )

    exchange: Exchange

    def __init__(
        self,
        receive: Receive,
        connection: Connection,
        limits: LimitSettings,
        memory: Memory,
        clock: Clock,
    ) -> None:
        self.started = False
        self.finished = False
        """True once nothing more will be sent."""
        self.task = asyncio.current_task()
        self._receive = receive
        self._connection = connection
        self._limits = limits
        self._memory = memory
        self._clock = clock
        self._held = 0
        self._framed = True
        """Whether the answer is written in chunks."""
        self._unended = False

    # -- the answer

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self.started = True
        self._unended = not self._connection.arrived()
        lines = b"%scontent-length: %d\r\n" % (_lines(headers), len(body))
        self._connection.begin(status, lines, body, close=self._unended)
        self.finished = True
        if not self._unended:
            self._connection.complete()

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:
        self.started = True
        self._framed = length is None
        self._unended = not self._connection.arrived()
        framing = b"transfer-encoding: chunked\r\n" if length is None else b"content-length: %d\r\n" % length
        body = b"%x\r\n%s\r\n" % (len(first), first) if first and self._framed else first
        self._connection.begin(status, _lines(headers) + framing, body, close=self._unended)

    async def write(self, data: bytes) -> None:
        if data:
            await self._connection.write(b"%x\r\n%s\r\n" % (len(data), data) if self._framed else data)

    def push(self, data: bytes) -> bool:
        if self._framed:
            size = len(data)
            head = _SIZES[size] if size < KNOWN_SIZES else b"%x\r\n" % size
            data = b"".join((head, data, _BREAK))
        return self._connection.push(data)

    async def finish(self) -> None:
        if self._framed:
            await self._connection.write(b"0\r\n\r\n")
        self.finished = True
        if not self._unended:
            self._connection.complete()

    def abort(self) -> None:
        if not self.finished:
            self.finished = True
            self._connection.abort()

    # -- the request

    async def read(self) -> bytes:
        """The whole body. Raises Refused (too large, too slow, unreadable, no memory) or Gone."""
        body = self._connection.whole()
        if body is not None:
            self._hold(len(body))
            return body
        self._check_size(int(self.exchange.headers.get("content-length", 0)), self._limits.body_bytes)
        give_up = self._clock.now() + self._limits.body_total_s
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._next(give_up)
            chunk = message["body"]
            size += len(chunk)
            self._hold(size)
            chunks.append(chunk)
            if not message["more_body"]:
                return chunk if len(chunks) == 1 else b"".join(chunks)

    def _hold(self, size: int) -> None:
        """So much of the body is here now."""
        if size > self._limits.body_bytes:
            self._check_size(size, self._limits.body_bytes)
        self._memory.take(size - self._held)
        self._held = size

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, the next piece once the one before is done with. Raises what `read` raises, and at
        once where the length that is told is too large."""
        self._check_size(int(self.exchange.headers.get("content-length", 0)), self._limits.passthrough_bytes)
        return self._pieces()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        size = 0
        more = True
        while more:
            message = await self._next(math.inf)
            chunk, more = message["body"], message["more_body"]
            size += len(chunk)
            self._check_size(size, self._limits.passthrough_bytes)
            self._memory.take(len(chunk) - self._held)
            self._held = len(chunk)
            if chunk:
                yield chunk
        self._memory.give_back(self._held)
        self._held = 0

    def _check_size(self, size: int, limit: int) -> None:
        if size > limit:
            message = f"The request body is larger than the {limit} bytes allowed."
            raise Refused(Fault(kind=Kind.REFUSED, status=413, code=BODY_TOO_LARGE, message=message))

    async def _next(self, give_up: float) -> Message:
        if self._connection.ready():
            message = await self._receive()
        else:
            wait = min(self._limits.body_idle_s, give_up - self._clock.now())
            try:
                async with asyncio.timeout(wait):
                    message = await self._receive()
            except TimeoutError:
                fault = Fault(
                    kind=Kind.REFUSED, status=408, code=BODY_TOO_SLOW, message="The request body arrived too slowly."
                )
                raise Refused(fault) from None
        if self._connection.problem is not None:
            raise Refused(self._connection.problem)
        if message["type"] != "http.request":
            raise Gone
        return message

    # -- the end

    def left(self) -> None:
        """The connection is gone."""
        if not self.finished:
            cancel(self.exchange, self.task, LEFT)

    def end(self) -> bool:
        """Gives back what was held. An answer that was begun and not ended is cut, and one that was given before the
        whole request had arrived is to be ended by `linger`: then it is True."""
        self._connection.watch(None)
        self._memory.give_back(self._held)
        if self.started and not self.finished:
            self.abort()
        return self._unended

    async def linger(self) -> None:
        """Ends an answer while what still comes of its request is read."""
        self._connection.end_writing()
        try:
            async with asyncio.timeout(LINGER_S):
                while (await self._receive()).get("more_body"):
                    pass
        except TimeoutError:
            pass
        self._connection.complete()


class Heard(ClientSide):
    """Of a request all of which has arrived: keeps what was answered."""

    __slots__ = ("said",)

    said: tuple[bytes, bytes]
    """The header lines and the body."""

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self.started = True
        lines = b"%scontent-length: %d\r\n" % (_lines(headers), len(body))
        self.said = lines, body
        self._connection.begin(status, lines, body, close=False)
        self.finished = True
        self._connection.complete()


def _lines(headers: Headers) -> bytes:
    """As header lines, with whatever a value may not contain replaced by `?`."""
    lines = ("\r\n".join(map(": ".join, headers)) + "\r\n").encode("utf-8", "replace")
    if lines.translate(None, _PRINTABLE) == _BREAK * len(headers):
        return lines
    clean = [(name, "".join(c if c.isprintable() else "?" for c in value)) for name, value in headers]
    return "".join([f"{name}: {value}\r\n" for name, value in clean]).encode("latin-1", "replace")
