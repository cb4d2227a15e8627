"""Connections without sockets: the data port's protocol and the native engine's, fed bytes as they are, and what other
parsers read in the same bytes.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeVar

import h11
from uvicorn.config import Config as UvicornConfig
from uvicorn.server import ServerState

from proxy.clock import SystemClock
from proxy.config.values import LimitSettings
from proxy.edge.ingress import Edge, Shift
from proxy.flow import Exchange, Gone, Refused, Unreadable
from proxy.server.protocol import BoundedProtocol, Bounds
from proxy.upstream.connection import Connection
from proxy.upstream.seam import Cut
from tests.unit.proxy.edge.loopback import PlainCodec, turn

Result = TypeVar("Result")
TURNS = 6
"""Rounds of the loop after which nothing more happens by itself."""


class Wire:
    """A transport that leads nowhere."""

    def __init__(self, descriptor: int = -1) -> None:
        self.sent = b""
        self.closing = False
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        self.sent += bytes(data)

    def writelines(self, pieces: Sequence[bytes]) -> None:
        self.sent += b"".join(pieces)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = write_eof = close

    def fileno(self) -> int:
        return self._descriptor

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" and self._descriptor >= 0 else None

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_write_buffer_limits(self, high: int) -> None: ...


class Taken(NamedTuple):
    """A request as it is served."""

    method: str
    path: str
    fields: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Served:
    """What became of a connection's bytes."""

    taken: list[Taken] = field(default_factory=list)
    """Requests that were served, body and all."""
    refused: list[int] = field(default_factory=list)
    unreadable: bool = False
    """Whether one was refused because it may be read in two ways."""
    waiting: int = 0
    """Requests whose rest has not come."""
    sent: bytes = b""
    closed: bool = False


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Runs it in the one loop of this process. Raises what a task or a callback of it raised."""
    loop, failures = _loop()
    failures.clear()
    result = loop.run_until_complete(work())
    if failures:
        raise failures[0].get("exception") or AssertionError(failures[0]["message"])
    return result


@cache
def _loop() -> tuple[asyncio.AbstractEventLoop, list[dict[str, Any]]]:
    loop, failures = asyncio.new_event_loop(), []
    loop.set_exception_handler(lambda _, context: failures.append(context))
    return loop, failures


class _Switch:
    """The application of a configuration that is made once; the edge behind it is another each time."""

    edge: Edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.edge(scope, receive, send)


@cache
def _config() -> tuple[UvicornConfig, _Switch]:
    switch = _Switch()
    plain = {"ws": "none", "lifespan": "off", "interface": "asgi3", "log_config": None, "proxy_headers": False}
    config = UvicornConfig(switch, http=BoundedProtocol, **plain)
    config.load()
    return config, switch


async def serve(pieces: Sequence[bytes], bounds: Bounds | None = None) -> Served:
    """One connection of the data port: the pieces come at once, one by one, then its client leaves."""
    served = Served()

    async def service(exchange: Exchange) -> None:
        try:
            if exchange.refusal is not None:
                raise exchange.refusal
            body = await exchange.read()
        except Refused as refused:
            status, told = PlainCodec().render_fault(refused.fault)
            served.refused.append(status)
            served.unreadable = served.unreadable or isinstance(refused, Unreadable)
            return await exchange.out.answer(status, [], told)
        except Gone:
            return None
        fields = tuple(sorted(exchange.headers.items()))
        served.taken.append(Taken(exchange.method, exchange.path, fields, body))
        return await exchange.out.answer(200, [], b"{}")

    edge = Edge(Shift(service, LimitSettings()), clock=SystemClock(), codec_for=lambda _: PlainCodec())
    config, switch = _config()
    switch.edge = edge
    state, wire = ServerState(), Wire()
    state.default_headers = [(b"date", b"today")]
    protocol = BoundedProtocol(config, state, bounds or Bounds())
    protocol.connection_made(wire)
    for piece in pieces:
        protocol.data_received(piece)
    for _ in range(TURNS):
        await turn()
    served.sent, served.closed, served.waiting = wire.sent, wire.closing, edge.in_flight
    protocol.connection_lost(None)
    for _ in range(TURNS):
        await turn()
    assert edge.in_flight == 0, "an exchange is left"
    assert edge.buffered == 0, "memory is left"
    assert not state.connections
    assert len(asyncio.all_tasks()) == 1, "a task is left"
    timers = [protocol._head_timer, protocol._write_timer, protocol.timeout_keep_alive_task]
    assert timers == [None] * 3, "a timer is left"
    return served


class Read(NamedTuple):
    """A provider's answer as the engine reads it; `kept` says that the connection would serve again."""

    status: int
    body: bytes | None
    """None where it was cut."""
    kept: bool


@cache
def _pair() -> tuple[int, int]:
    return os.pipe()


async def answer(pieces: Sequence[bytes]) -> Read:
    """One answer to the native engine: the pieces come one by one, then the connection ends."""
    freed: list[bool] = []
    connection = Connection(lambda _, usable: freed.append(usable), lambda _: None)
    wire = Wire(_pair()[0])
    connection.connection_made(wire)
    answered = connection.ask(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n", b"{}", 1.0)
    for piece in pieces:
        if not connection.lost and not wire.closing:
            connection.data_received(piece)
    kept = freed == [True] and not wire.closing
    connection.eof_received()
    connection.connection_lost(None)
    assert len(freed) == 1, "given back once"
    try:
        await answered.opened()
        return Read(answered.status, await answered.read(1 << 22), kept)
    except Cut:
        return Read(answered.status, None, kept)


def answer_by_h11(data: bytes) -> tuple[int, bytes | None, bytes]:
    """Status, body (None where h11 cannot read it to its end) and what follows it."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, body = 0, b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif not isinstance(event, h11.InformationalResponse):
                return status, None, b""
    except h11.RemoteProtocolError:
        return status, None, b""
    return status, body, connection.trailing_data[0]
