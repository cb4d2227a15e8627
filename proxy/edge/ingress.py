"""The ASGI application of the data port: each request becomes an Exchange and goes through the one service.

Raw ASGI, because a framework's request object costs as much as all the rest of this proxy. What cannot be served
(unreadable, unknown path, wrong method) takes the same way as everything else, with its refusal attached, so that it
is counted and logged like any other exchange.
"""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import Struct

from proxy.clock import Clock
from proxy.config.values import LimitSettings
from proxy.edge.client import ClientSide, Connection, Heard, Memory, Message, Receive
from proxy.edge.hygiene import Fields, body_refusal, head_refusal
from proxy.edge.passing import Passing
from proxy.edge.routes import OTHER, PASSTHROUGH, route_of, spoken
from proxy.flow import Exchange, Refused, Said, Service, Teller, Turnstile, Unreadable, at_once, cancel
from proxy.tracing import mend
from translators.codec import Codec
from translators.faults import Fault, Kind

CONNECTION = "sidestep.connection"
"""The ASGI extension under which the server passes the Connection."""


class Shift:
    """What exchanges are served with, and those that began so and have not ended."""

    __slots__ = ("idle", "limits", "open", "passing", "service", "turnstile")

    def __init__(
        self,
        service: Service,
        limits: LimitSettings,
        passing: Passing | None = None,
        turnstile: Turnstile | None = None,
    ) -> None:
        """`passing` are the paths that pass through; None: none do."""
        self.service = service
        self.turnstile = turnstile
        self.limits = limits
        self.passing = passing
        self.open: set[ClientSide] = set()
        self.idle = asyncio.Event()

    async def drained(self) -> None:
        """Returns when no exchange of this shift is open."""
        while self.open:
            self.idle.clear()
            await self.idle.wait()


class _Spoken(dict[str, Codec]):
    """What speaks each route, made by `codec_for` when it is first asked for: that may load it."""

    def __init__(self, codec_for: Callable[[str], Codec]) -> None:
        self._codec_for = codec_for

    def __missing__(self, route: str) -> Codec:
        found = self[route] = self._codec_for(route)
        return found


class Edge:
    """Serves HTTP exchanges with the `shift` that is on; `codec_for` gives the client's dialect by route."""

    def __init__(self, shift: Shift, *, clock: Clock, codec_for: Callable[[str], Codec]) -> None:
        self._shift = shift
        self._former: list[Shift] = []
        """Those relieved and not yet forgotten."""
        self._clock = clock
        self._codecs = _Spoken(codec_for)
        self._memory = Memory(shift.limits.buffered_bytes)
        self._ids = count(1)
        self._prefix = f"req_{int(clock.uniform() * 2**48):012x}"

    async def __call__(self, scope: dict[str, Any], receive: Receive, _send: Any) -> None:
        connection: Connection = scope.pop("extensions")[CONNECTION]  # which keeps the scope, and would keep itself
        try:
            shift = self._shift
            client = ClientSide(receive, connection, shift.limits, self._memory, self._clock)
            client.exchange = exchange = self._exchange(scope, connection, client, shift.passing)
            shift.open.add(client)
            connection.watch(client.left)
            try:
                await shift.service(exchange)
            except asyncio.CancelledError:
                if exchange.cancelled is None:  # not one of ours: the loop is ending
                    raise
            finally:
                shift.open.discard(client)
                if not shift.open:
                    shift.idle.set()
                if client.end():
                    await client.linger()
                if exchange.refusal is not None:  # by its traceback it knows all that it went through, this among it
                    exchange.refusal = None
                del client.exchange  # the two know each other: a body should not have to wait for the collector
        except Exception as error:  # noqa: BLE001 - the last place where it can be told
            connection.failed(error)

    def turn_away(self, scope: dict[str, Any], connection: Connection) -> bool:
        """Answers a request where it stands, all of which has arrived, if nobody is let in now: a task of its own costs
        more than the answer. False: somebody may be, and nothing was done."""
        shift = self._shift
        turnstile = shift.turnstile
        if turnstile is None or not turnstile.places.full:
            return False
        client = Heard(_no_more, connection, shift.limits, self._memory, self._clock)
        client.exchange = exchange = self._exchange(scope, connection, client, shift.passing)
        at_once(turnstile.service(exchange))
        fault = exchange.fault
        if turnstile.alike is not None and fault is not None and fault.kind is Kind.SHED and exchange.method == "POST":
            mark, tell = exchange.id.encode(), turnstile.alike(exchange)
            connection.away = _Away(turnstile, mark, exchange.status, *client.said, tell)
        exchange.refusal = None
        del client.exchange
        return True

    def turn_away_again(self, connection: Connection) -> bool:
        """The same for a request with the head of its connection's last one, which was let in and found no place: it is
        told, counted and logged the same. Its key is not looked at again, for these very bytes were let in under this
        configuration, and all that they get is a refusal. False: nothing was done."""
        away: _Away = connection.away
        if away.turnstile is not self._shift.turnstile:  # another configuration may not let it in
            return False
        began, name = self._clock.now(), self._next_id()
        mark = name.encode()
        connection.repeat(away.status, away.lines.replace(away.mark, mark), away.body.replace(away.mark, mark))
        away.tell(name, began)
        return True

    def relieve(self, shift: Shift) -> Shift:
        """Serves what comes from now on with `shift`. Gives the one before, whose exchanges end as they began; it is
        to be awaited (`ended`)."""
        before, self._shift = self._shift, shift
        self._former.append(before)
        self._memory.limit = shift.limits.buffered_bytes
        return before

    async def ended(self, shift: Shift) -> None:
        """Returns when no exchange of a relieved shift is open, and forgets it."""
        await shift.drained()
        self._former.remove(shift)

    @property
    def in_flight(self) -> int:
        return sum(len(shift.open) for shift in self._shifts())

    @property
    def in_flight_before(self) -> int:
        """Of these, those that began before the last relief."""
        return sum(len(shift.open) for shift in self._former)

    @property
    def buffered(self) -> int:
        """Bytes of request bodies held."""
        return self._memory.held

    def cancel_all(self, fault: Fault) -> None:
        """Ends every open exchange; each tells its client why."""
        for shift in self._shifts():
            for client in list(shift.open):
                cancel(client.exchange, client.task, fault)

    async def drained(self) -> None:
        """Returns when no exchange is open."""
        for shift in self._shifts():
            await shift.drained()

    def _shifts(self) -> list[Shift]:
        return [*self._former, self._shift]

    def _exchange(
        self, scope: dict[str, Any], connection: Connection, client: ClientSide, passing: Passing | None
    ) -> Exchange:
        head: _Head | None = connection.head
        if head is None or head.passing is not passing:
            head = self._head(scope, connection, passing)
            connection.head = head if head.refusal is None else None
        headers = head.headers
        if connection.length is not None:
            headers = {**headers, "content-length": str(connection.length)}
        exchange = Exchange(  # by place, since names cost as much again
            self._next_id(),
            head.route,
            head.method,
            head.path,
            headers,
            client.read,
            head.peer,
            client,
            self._codecs[head.spoken],
            self._clock.now(),
            said=head.said,
        )
        if head.refusal is not None:
            exchange.refusal = head.refusal
        if head.route == PASSTHROUGH:
            exchange.query, exchange.pieces = head.query, client.pieces
        return exchange

    def _next_id(self) -> str:
        return f"{self._prefix}{next(self._ids):012x}"

    def _head(self, scope: dict[str, Any], connection: Connection, passing: Passing | None) -> "_Head":
        fields = scope["headers"]
        headers = _decoded(fields)
        if len(headers) != len(fields):
            mend(fields, headers)
        method, path = scope["method"], scope["path"]
        route, refusal = route_of(method, path)
        query = ""
        if connection.problem is not None:
            route, refusal = OTHER, Unreadable(connection.problem)
        elif route == OTHER and passing is not None and passing.takes(path, scope["raw_path"]):
            route, query = PASSTHROUGH, scope["query_string"].decode("latin-1")
            head = head_refusal(scope["http_version"], fields, headers)
            refusal = head or passing.refusal(method, path, query, headers)
        else:
            head = head_refusal(scope["http_version"], fields, headers)
            refusal = head or refusal or (body_refusal(headers) if method == "POST" else None)
        if refusal is not None and isinstance(refusal, Unreadable):
            connection.last()  # another reader may see this request end elsewhere, and so the next one begin
        peer = scope["client"]
        return _Head(
            passing,
            route,
            method,
            path,
            query,
            headers,
            spoken(route, headers),
            peer[0] if peer else "",
            refusal,
            Said(),
        )


class _Head(Struct, frozen=True, eq=False):
    """All that a request's head comes to: the same for each request of a connection that has the same."""

    passing: Passing | None
    """What passed through when it was read."""
    route: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    spoken: str
    peer: str
    refusal: Refused | None
    said: Said


class _Away(Struct, frozen=True, eq=False):
    """What a request was told when it was turned away: all that the next one with the same head is told but for the id,
    for nothing but the head decides it."""

    turnstile: Turnstile
    mark: bytes
    """Its id, wherever it is told."""
    status: int
    lines: bytes
    body: bytes
    tell: Teller


async def _no_more() -> Message:
    raise RuntimeError("all of the request was here")


def _decoded(fields: Fields) -> dict[str, str]:
    """The last value of each name. Values are UTF-8; one that is not makes all be read as Latin-1."""
    try:
        return {name.decode(): value.decode() for name, value in fields}
    except UnicodeDecodeError:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
