"""Sidestep's own engine: a pool of HTTP/1.1 connections on the event loop, parsed by httptools.

It exists for one reason: a call that is cancelled must end at the provider in the same moment, whatever it waits for,
and a client whose work runs on another thread does not promise that. Being on the loop, it also needs no hand-over
between threads, which is most of what a small call costs elsewhere.

Rules
- A kept connection is used only if nothing is readable on it: a server that closes an idle connection is noticed
  before a byte of the request is sent, and a request once sent is never sent again.
- `connect_s` bounds resolving, connecting and the TLS handshake together.
- What this machine lacks for a connection (`proxy.upstream.exhaustion`) is not told as the upstream's failure.
- Proxies are not spoken to: `engine_for` gives a provider behind one another engine.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Coroutine, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from proxy.config.values import Provider
from proxy.upstream.connection import Connection
from proxy.upstream.dial import dial
from proxy.upstream.exhaustion import lacking
from proxy.upstream.native_answer import Answer
from proxy.upstream.seam import Call, ConnectTimeout, Exhausted, Unreachable
from proxy.upstream.tls import client_context

IDLE_S = 30.0
"""How long an unused connection is kept; well below the minute after which load balancers drop theirs."""

HEADINGS = 256
"""Heads of requests that are remembered."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_TARGET = re.compile(r"/[!-~]*", re.ASCII)


class Origin(NamedTuple):
    """Where a connection leads."""

    host: str
    port: int
    tls: bool


class _Heading(Struct, frozen=True):
    """All of a call but its body: where it goes, and the request's head but for what frames the body."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    origin: Origin
    head: bytes


class NativeEngine:
    """`connections` is how many calls may be under way at once. Raises ValueError for a `ca_file` it cannot use."""

    def __init__(self, provider: Provider, *, connections: int) -> None:
        self._tls = client_context(provider.ca_file) if provider.base_url.startswith("https:") else None
        self._free_places = connections
        self._waiting = 0
        """Calls without a place."""
        self._handed = asyncio.Semaphore(0)
        """Places that were given up for those who wait."""
        self._idle: dict[Origin, dict[Connection, None]] = {}
        """Each in the order in which they were given back."""
        self._sweep: asyncio.TimerHandle | None = None
        """Set while any are idle."""
        self._busy: set[Connection] = set()
        self._headings: dict[int, _Heading] = {}
        """By the identity of their headers, which they keep: hashing those costs more than all else that is done with
        them."""

    def send(self, call: Call) -> Coroutine[Any, Any, Answer]:
        """No coroutine of its own where a connection is kept: its frame would cost every call."""
        heading = self._headings.get(id(call.headers))
        if heading is None or heading.url != call.url or heading.method != call.method:
            heading = self._heading(call)
        origin, head = heading.origin, heading.head + _framing(call)
        connection = self._kept(origin) if self._free_places > 0 else None
        if connection is None:
            return self._sent_anew(call, origin, head)
        self._free_places -= 1
        self._busy.add(connection)
        if isinstance(call.body, bytes):
            return connection.ask(head, call.body, call.write_s).opened()
        return self._given(connection, call, head)

    def _heading(self, call: Call) -> _Heading:
        """Remembered where the headers cannot change and come again: the calls of one key at one target have the same.
        Raises Unreachable for what cannot be sent."""
        origin, host, target = _located(call.url)
        if origin.tls and self._tls is None:
            raise Unreachable("its URL is https where its base URL is not")
        headers = call.headers
        heading = _Heading(call.method, call.url, headers, origin, _head(call.method, target, host, headers))
        if type(headers) is tuple:
            if len(self._headings) >= HEADINGS:
                self._headings.clear()
            self._headings[id(headers)] = heading
        return heading

    async def _sent_anew(self, call: Call, origin: Origin, head: bytes) -> Answer:
        """By a connection of its own, or one that was given back while it waited for a place."""
        if self._free_places > 0:
            self._free_places -= 1
        else:
            await self._place(call.pool_s)
        try:
            connection = self._kept(origin) or await self._connected(origin, call.connect_s)
        except BaseException:
            self._leave()
            raise
        self._busy.add(connection)
        if isinstance(call.body, bytes):
            return await connection.ask(head, call.body, call.write_s).opened()
        return await self._given(connection, call, head)

    async def _given(self, connection: Connection, call: Call, head: bytes) -> Answer:
        """What comes of a call whose body comes from elsewhere."""
        answer = connection.ask(head, b"", call.write_s, more=True)
        try:
            if not isinstance(call.body, bytes):
                await connection.give(call.body, chunked=call.length is None)
        except BaseException:
            await answer.close()
            raise
        return await answer.opened()

    async def close(self) -> None:
        """Closes every connection, those in use among them."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in [*self._busy, *chain.from_iterable(self._idle.values())]:
            connection.abort()
        self._idle.clear()

    async def _place(self, pool_s: float) -> None:
        """Waits until a place is given up."""
        self._waiting += 1
        try:
            async with asyncio.timeout(pool_s):
                await self._handed.acquire()
        except TimeoutError:
            raise ConnectTimeout("no free place in the connection pool") from None
        finally:
            self._waiting -= 1

    def _leave(self) -> None:
        """Gives a place up, to whoever waits for one."""
        if self._waiting:
            self._handed.release()
        else:
            self._free_places += 1

    def _kept(self, origin: Origin) -> Connection | None:
        """The connection used last, if any may still be used; older ones are likelier to be closed."""
        idle = self._idle.get(origin)
        while idle:
            connection, _ = idle.popitem()
            if connection.idle_since > connection.now() - IDLE_S and connection.fresh():
                return connection
            connection.abort()
        return None

    def _free(self, origin: Origin, connection: Connection, *, usable: bool) -> None:
        self._busy.discard(connection)
        if self._waiting:
            self._leave()
        else:
            self._free_places += 1
        if not usable:
            return
        connection.idle_since = connection.now()
        self._idle.setdefault(origin, {})[connection] = None
        if self._sweep is None:
            self._sweep = connection.loop.call_later(IDLE_S, self._swept)

    def _gone(self, origin: Origin, connection: Connection) -> None:
        """Forgets a connection that its upstream closed while it was idle."""
        self._idle.get(origin, {}).pop(connection, None)

    def _swept(self) -> None:
        """Closes those that were idle for too long: after a crowd nobody may ever need so many again."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for idle in self._idle.values():
            while idle and (connection := next(iter(idle))).idle_since + IDLE_S <= now:  # as the timer is set
                del idle[connection]
                connection.abort()
        left = [next(iter(idle)).idle_since for idle in self._idle.values() if idle]
        self._sweep = loop.call_at(min(left) + IDLE_S, self._swept) if left else None

    async def _connected(self, origin: Origin, connect_s: float) -> Connection:
        loop = asyncio.get_running_loop()

        def connection() -> Connection:
            return Connection(
                lambda one, usable: self._free(origin, one, usable=usable), lambda one: self._gone(origin, one)
            )

        try:
            async with asyncio.timeout(connect_s):
                raw = await dial(origin.host, origin.port)
                try:
                    _, made = await loop.create_connection(
                        connection,
                        sock=raw,
                        ssl=self._tls if origin.tls else None,
                        server_hostname=origin.host if origin.tls else None,
                    )
                except BaseException:
                    raw.close()
                    raise
        except TimeoutError:
            raise ConnectTimeout("no connection in time") from None
        except (OSError, UnicodeError) as error:
            lack = lacking(error)
            raise (Exhausted(lack) if lack else Unreachable(_clause(error))) from None
        return made


@lru_cache(maxsize=1024)
def _located(url: str) -> tuple[Origin, str, str]:
    """The origin, Host header and request target of a URL. Raises Unreachable for one that cannot be called."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable("its URL cannot be understood") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in ("http", "https") or not host or _TARGET.fullmatch(target) is None:
        raise Unreachable("its URL cannot be called")
    tls = parts.scheme == "https"
    return Origin(host, port or (443 if tls else 80), tls), parts.netloc.rpartition("@")[2], target


def _head(method: str, target: str, host: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """The request's head but for what frames its body. Raises Unreachable for a header that would break out of its
    line."""
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}"]
    for name, value in headers:
        if _NAME.fullmatch(name) is None:
            raise Unreachable("the request has a header that cannot be sent")
        lines.append(f"{name}: {value}")
    head = "\r\n".join((*lines, ""))
    breaks = len(lines)
    if not head.isascii() or head.count("\n") != breaks or head.count("\r") != breaks or "\0" in head:
        raise Unreachable("the request has a header that cannot be sent")
    return head.encode("ascii")


def _framing(call: Call) -> bytes:
    """The end of the head, which says how long the body is."""
    length = len(call.body) if isinstance(call.body, bytes) else call.length
    return b"transfer-encoding: chunked\r\n\r\n" if length is None else b"content-length: %d\r\n\r\n" % length


def _clause(error: OSError | UnicodeError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {error.reason or error}"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # the loop's own text names the address
    return (isinstance(error, OSError) and error.strerror) or "no connection"
