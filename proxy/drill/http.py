"""One connection of a scripted provider: parses requests with httptools and plays plans, nothing in between.

A raw protocol, because a benchmark's upstream must be many times faster than what it measures, and because most
faults (half a header, a reset, bytes one by one) cannot be said through an HTTP server that means well. Requests are
played one after the other; a pipelined one waits. Reading goes on while a plan is played, so a peer that leaves is
noticed at once: a request whose plan was not at its end then counts as cancelled.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterator
from typing import Protocol, cast

import httptools

from proxy.drill.wire import Act, Action, Plan, Wait, whole

BODY_BYTES = 64 * 1024 * 1024
HEADER_BYTES = 64 * 1024
"""A request over one of these closes the connection."""
_RESET = struct.pack("ii", 1, 0)
_BAD_REQUEST = whole(400, [("connection", "close")], b"")


class Request:
    """What arrived: the raw parts, in order."""

    __slots__ = ("body", "headers", "keep_alive", "method", "target")

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.keep_alive = True

    def header(self, name: bytes) -> str:
        """The value of the header `name` (in lower case); empty without one."""
        if not name:
            return ""
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), "")


class Host(Protocol):
    """What a connection asks of its provider."""

    def joined(self, connection: "Connection") -> None: ...

    def left(self, connection: "Connection", *, cancelled: int) -> None:
        """`cancelled` of its requests had no whole answer, and it was the peer that closed."""

    def plan(self, request: Request) -> Plan:
        """What to play for `request`."""

    def holds(self, connection: "Connection") -> None:
        """`connection` waits for `proceed()`."""


class Connection(asyncio.Protocol):
    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self._host = host
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._request = Request()
        self._parts: list[bytes] = []
        self._size = 0
        self._waiting: deque[Request] = deque()
        self._playing: Iterator[Action] | None = None
        self._keep_alive = True
        self._timer: asyncio.TimerHandle | None = None
        self._full = False
        self._stuck = False

    # -- the transport's calls --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._host.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface's
        self._transport = None
        if self._timer:
            self._timer.cancel()
        self._host.left(self, cancelled=(self._playing is not None) + len(self._waiting))
        self._playing = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self._transport and not self._transport.is_closing():
                self._transport.write(_BAD_REQUEST)
                self._transport.close()
            return
        if self._waiting and self._playing is None:
            self._play(self._waiting.popleft())

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._stuck:
            self._stuck = False
            self.proceed()

    # -- the parser's calls --

    def on_message_begin(self) -> None:
        self._request = Request()
        self._parts = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers.append((name, value))
        self._grow(len(name) + len(value), HEADER_BYTES)

    def on_headers_complete(self) -> None:
        self._size = 0

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._grow(len(body), BODY_BYTES)

    def _grow(self, more: int, limit: int) -> None:
        self._size += more
        if self._size > limit:
            raise httptools.HttpParserError("too large")

    def on_message_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        request.keep_alive = self._parser.should_keep_alive()
        self._waiting.append(request)

    # -- playing --

    def _play(self, request: Request) -> None:
        self._keep_alive = request.keep_alive
        self._playing = iter(self._host.plan(request))
        self.proceed()

    def proceed(self) -> None:
        """Plays on until the plan waits for something or ends."""
        self._timer = None
        while self._playing is not None and self._transport is not None and not self._transport.is_closing():
            if self._full:
                self._stuck = True
                return
            action = next(self._playing, None)
            if isinstance(action, bytes):
                self._transport.write(action)
            elif action is None:
                self._completed(self._transport)
            elif isinstance(action, Wait):
                self._timer = self._loop.call_later(action.seconds, self.proceed)
                return
            else:
                self._act(action, self._transport)
                return

    def _completed(self, transport: asyncio.Transport) -> None:
        self._playing = None
        if not self._keep_alive:
            transport.close()
        elif self._waiting:
            self._play(self._waiting.popleft())

    def _act(self, act: Act, transport: asyncio.Transport) -> None:
        if act is Act.HOLD:
            self._host.holds(self)
        elif act is Act.CUT:
            self._playing = None
            self._waiting.clear()
            transport.close()
        elif act is Act.RESET:
            self.reset()

    def reset(self) -> None:
        """Closes at once, with a reset."""
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """Closes at once, whatever is unsent."""
        self._playing = None
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()
