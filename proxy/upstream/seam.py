"""The transport seam: what the chain needs of an HTTP client, and no more.

Two engines stand behind it under one contract suite: `native` (on the event loop itself, the default) and `httpx2`.
An engine retries nothing, follows no redirect, reads no environment, asks for identity encoding and speaks HTTP/1.1.
Cancelling the task that awaits any of these closes the upstream socket.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

from proxy.flow import Headers


class Call(Struct, frozen=True):
    """One request to make. Times are seconds; the engine enforces connect and pool, the caller all others."""

    method: str
    url: str
    headers: Headers
    body: bytes
    stream: bool
    """Whether the answer will be read by `chunks()`; a unary answer is cheaper without a streaming reader."""


class Unreachable(Exception):
    """No connection: DNS, refused, TLS, no free place in the pool. The message is one clause."""


class ConnectTimeout(Unreachable):
    """No connection within `connect_s` (or no place in the pool within `pool_s`)."""


class Cut(Exception):
    """The connection broke after it was made: a reset, a short body, a bad chunk."""


class TooLarge(Cut):
    """The answer went over the given limit."""


class Upstream(Protocol):
    """An answer whose headers have arrived."""

    status: int
    headers: Headers

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises Cut, or TooLarge past `limit` bytes."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, unbuffered. Raises Cut where it breaks off."""

    async def close(self) -> None:
        """Gives the connection up: back to the pool when the body was read to its end, closed otherwise."""


class Engine(Protocol):
    """One connection pool, for one provider, for the life of the process."""

    async def send(self, call: Call) -> Upstream:
        """Sends and returns once the answer's headers are there. Raises Unreachable or Cut."""

    async def close(self) -> None: ...
