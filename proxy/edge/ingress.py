"""The ASGI application of the data port: each request becomes an Exchange and goes through the one service.

Raw ASGI, because a framework's request object costs as much as all the rest of this proxy. What cannot be served
(unreadable, unknown path, wrong method) takes the same way as everything else, with its refusal attached, so that it
is counted and logged like any other exchange.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from proxy.clock import Clock
from proxy.config.values import LimitSettings
from proxy.edge.client import ClientSide, Connection, Memory, Receive
from proxy.edge.hygiene import Fields, body_refusal, head_refusal
from proxy.edge.passing import Passing
from proxy.edge.routes import OTHER, PASSTHROUGH, ROUTES, route_of, spoken
from proxy.flow import Exchange, Service, Unreadable, cancel
from translators.codec import Codec
from translators.faults import Fault

CONNECTION = "sidestep.connection"
"""The ASGI extension under which the server passes the Connection."""


class Edge:
    """Serves HTTP exchanges with `service`; `codec_for` gives the client's dialect by route."""

    def __init__(
        self,
        service: Service,
        *,
        limits: LimitSettings,
        clock: Clock,
        codec_for: Callable[[str], Codec],
        passing: Passing | None = None,
    ) -> None:
        """`passing` are the paths that pass through; None: none do."""
        self._service = service
        self._limits = limits
        self._clock = clock
        self._codecs = {route: codec_for(route) for route in ROUTES}
        self._passing = passing
        self._memory = Memory(limits.buffered_bytes)
        self._open: set[ClientSide] = set()
        self._idle = asyncio.Event()
        self._ids = count(1)
        self._prefix = f"req_{int(clock.uniform() * 2**48):012x}"

    async def __call__(self, scope: dict[str, Any], receive: Receive, _send: Any) -> None:
        connection: Connection = scope["extensions"][CONNECTION]
        client = ClientSide(receive, connection, limits=self._limits, memory=self._memory, clock=self._clock)
        client.exchange = exchange = self._exchange(scope, connection, client)
        self._open.add(client)
        connection.watch(client.left)
        try:
            await self._service(exchange)
        except asyncio.CancelledError:
            if exchange.cancelled is None:  # not one of ours: the loop is ending
                raise
        finally:
            self._open.discard(client)
            if not self._open:
                self._idle.set()
            await client.end()
            del client.exchange  # the two know each other: a body should not have to wait for the collector

    @property
    def in_flight(self) -> int:
        return len(self._open)

    @property
    def buffered(self) -> int:
        """Bytes of request bodies held."""
        return self._memory.held

    def cancel_all(self, fault: Fault) -> None:
        """Ends every open exchange; each tells its client why."""
        for client in list(self._open):
            cancel(client.exchange, client.task, fault)

    async def drained(self) -> None:
        """Returns when no exchange is open."""
        while self._open:
            self._idle.clear()
            await self._idle.wait()

    def _exchange(self, scope: dict[str, Any], connection: Connection, client: ClientSide) -> Exchange:
        fields = scope["headers"]
        headers = _decoded(fields)
        method, path = scope["method"], scope["path"]
        route, refusal = route_of(method, path)
        query = ""
        if connection.problem is not None:
            route, refusal = OTHER, Unreadable(connection.problem)
        elif route == OTHER and self._passing is not None and self._passing.takes(path, scope["raw_path"]):
            route, query = PASSTHROUGH, scope["query_string"].decode("latin-1")
            head = head_refusal(scope["http_version"], fields, headers)
            refusal = head or self._passing.refusal(method, path, query, headers)
        else:
            head = head_refusal(scope["http_version"], fields, headers)
            refusal = head or refusal or (body_refusal(headers) if method == "POST" else None)
        peer = scope["client"]
        exchange = Exchange(
            id=f"{self._prefix}{next(self._ids):012x}",
            route=route,
            method=method,
            path=path,
            headers=headers,
            read=client.read,
            peer=peer[0] if peer else "",
            out=client,
            codec=self._codecs[spoken(route, headers)],
            started=self._clock.now(),
            refusal=refusal,
        )
        if route == PASSTHROUGH:
            exchange.query, exchange.pieces = query, client.pieces
        return exchange


def _decoded(fields: Fields) -> dict[str, str]:
    """The last value of each name. Values are UTF-8; one that is not makes all be read as Latin-1."""
    try:
        return {name.decode(): value.decode() for name, value in fields}
    except UnicodeDecodeError:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
