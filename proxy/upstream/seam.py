"""The transport seam: what the chain needs of an HTTP client, and no more.

Two engines stand behind it under one contract suite: `native` (on the event loop itself, the default) and `httpx2`.
An engine retries nothing, follows no redirect, reads no environment, asks for identity encoding and speaks HTTP/1.1.
Cancelling the task that awaits any of these closes the upstream socket.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from proxy.flow import Headers

PIECE = 64 * 1024
"""How much of a longer body is handed over at once."""


class Call(Struct, frozen=True):
    """One request to make. Times are seconds; the engine enforces those given here, the caller all others."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    """An engine may remember what it made of a tuple: it is the same for many calls."""
    body: bytes | AsyncIterator[bytes]
    """Whole, or as it comes: then it is sent as fast as the upstream takes it, and what it raises ends the call and is
    raised by `send`. It is not asked for anything before there is a connection. An upstream that refuses before the
    body's end need not be given the rest."""
    stream: bool
    """Whether the answer will be read by `chunks()`; a unary answer is cheaper without a streaming reader."""
    connect_s: float
    """For resolving, connecting and the TLS handshake together."""
    pool_s: float
    """For a place among the connections."""
    write_s: float
    """For the upstream to take each of the next pieces of a long body."""
    length: int | None = None
    """How long a body that is no `bytes` will be; None where nobody knows: it is sent in chunks."""


class Unreachable(Exception):
    """No connection: DNS, refused, TLS, no free place in the pool. The message is one clause."""


class ConnectTimeout(Unreachable):
    """No connection within `connect_s` (or no place in the pool within `pool_s`)."""


class Exhausted(Unreachable):
    """No connection, for want of something of this machine's own: files, ports, memory. The upstream is not to blame.
    The message is a clause that says what there is no more of, and what to do."""


class Cut(Exception):
    """The connection broke after it was made: a reset, a short body, a bad chunk."""


class TooLarge(Cut):
    """The answer went over the given limit."""


class NotTaken(Cut):
    """The upstream took too little of a long request within `write_s`."""


Sink = Callable[[bytes], bool]
"""Takes a piece of a body where it arrives, outside any task, and says whether it wants the next one so as well."""


class Body(Protocol):
    """What an answer says."""

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises Cut, or TooLarge past `limit` bytes."""

    async def drive(self, sink: Sink) -> bool:
        """Gives `sink` each piece as it arrives, unbuffered, without waking the task that waits here: until it wants no
        more (True; the next drive goes on from there) or the body has ended (False). Raises Cut where the body breaks
        off, and what `sink` raises."""


class Upstream(Body, Protocol):
    """An answer whose headers have arrived."""

    status: int
    headers: Headers

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, unbuffered. Raises Cut where it breaks off."""

    async def close(self) -> None:
        """Gives the connection up: back to the pool when the body was read to its end, closed otherwise."""


class Engine(Protocol):
    """One connection pool, for one provider; closed when no request can use it any more."""

    async def send(self, call: Call) -> Upstream:
        """Sends and returns once the answer's headers are there. Raises Unreachable or Cut."""

    async def close(self) -> None: ...
