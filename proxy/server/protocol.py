"""One connection: uvicorn's HTTP protocol over httptools, with the bounds it lacks.

uvicorn buffers a request's head without limit and waits for it for ever, queues pipelined requests (which hides that
their sender has left) and lets a client that stops reading hold its answer for ever. Here:

- a head has `header_bytes` and `header_fields` at most, and must be complete `header_s` after the connection was made
  or its first byte came;
- whatever is not body (chunk extensions, trailers) is bounded by the same number of bytes; trailers are not kept;
- a second request before the first is answered makes the connection deaf: the first is answered, then it closes;
- an answer that waits in the buffer must move: `BLOCK` bytes in `write_s`, or the connection is aborted.

What cannot be read as a request is still handed to the application, as a request with a `problem`, so that it is
answered, counted and logged like any other. The application reaches this object through its ASGI scope.

Odd cases: an offered `Upgrade` is not taken up (some clients offer h2c with every first request); since the parser
leaves the body of such a request unread, its head is read again without the offer. A half-closed connection counts as
left, as in every asyncio server.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httptools
from msgspec import Struct
from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.server import ServerState

from proxy.edge import CONNECTION
from proxy.edge.hygiene import invalid
from proxy.flow import Places, entry
from proxy.server.answering import BLOCK, Answering
from proxy.server.heads import Cycle, parser_for, scope_of, scope_of_none
from proxy.server.known import Known, known
from proxy.server.offers import without_offer
from translators.faults import Fault

IDLE, HEAD, BODY, ANSWER = range(4)
"""Between requests, reading a head, reading a body, all read."""
Gate = tuple[Places, Callable[[Any, "BoundedProtocol"], bool], Callable[["BoundedProtocol"], bool]]
"""Asked where no place is free: answers the request of a scope, all of which is here, at once, or says False; likewise
one with the head of the last one, which was answered so."""


class Bounds(Struct, frozen=True):
    """Limits of one connection, in seconds and bytes."""

    header_s: float = 10.0
    header_bytes: int = 16_384
    header_fields: int = 64
    write_s: float = 30.0


class _Pipelined(Exception):
    """A second request came before the first was answered."""


class BoundedProtocol(Answering):
    """`proxy.edge.Connection`, and what keeps one connection within `bounds`."""

    def __init__(self, config: UvicornConfig, state: ServerState, bounds: Bounds, gate: Gate | None = None) -> None:
        super().__init__(config, state)
        self._known: Known | None = None
        """What is remembered of the last request."""
        self._bounds = bounds
        self._gate = gate
        self._edge: Any = entry(self.app)
        self._due = False
        """Whether a request has come that nobody was told of."""
        self._phase = IDLE
        self._answering = False
        self._fed = 0
        """Bytes that came since the parser last had something of use to tell."""
        self._deaf = False
        self._offered: bytes | None = None
        """The head of a request that offers an upgrade, without the offer: to be read again."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._write_timer: asyncio.TimerHandle | None = None
        self._unsent = 0

    # -- the connection
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_in_time()
        self._moving()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        if self._lost is not None:
            self._lost()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._phase == IDLE and self._known is not None and self._is_known(self._known, data):
            return
        self._fed += len(data)
        readable = True
        alone = self._phase == IDLE and self._head_timer is None
        try:
            self._feed(data)
        except httptools.HttpParserError:
            readable = False
        if self._due:
            self._due = False
            if alone and self._phase == ANSWER and readable:
                self._remember(data)
            self._begin()
        if not readable:
            if not self._deaf:
                self._unreadable(invalid("The request cannot be read as HTTP/1.1."))
        elif self._fed:
            self._bound_unclaimed()

    def _is_known(self, like: Known, data: bytes) -> bool:
        """Whether it is a request like the last one, and all of it; then it is served."""
        body = like.body(data)
        if body is None or self._answering or self._head_timer is not None:
            return False
        if self.away is not None and self._is_away_again():
            return True
        self.length = len(body)
        scope = like.scope
        scope["extensions"] = {CONNECTION: self}
        self._ask(scope, keep_alive=True)
        self._phase = ANSWER
        cycle = self.cycle
        cycle.body = body  # type: ignore[assignment]  # nothing is added to it
        cycle.more_body = False
        cycle.message_event.set()
        self._begin()
        return True

    def _is_away_again(self) -> bool:
        """Whether a request like the last one, which was turned away, is turned away as well."""
        gate = self._gate
        return gate is not None and gate[0].full and not self.flow.write_paused and gate[2](self)

    def _remember(self, data: bytes) -> None:
        cycle = self.cycle
        if cycle.keep_alive and not cycle.waiting_for_100_continue and self.problem is None:
            self._known = known(data, len(cycle.body), self.scope)  # type: ignore[arg-type]  # a dictionary

    def _begin(self) -> None:
        """Serves the request whose head has been read."""
        if self._gate is None or self._gate[0].free > 0 or not self._turned_away(self._gate):
            self._task = self.loop.create_task(self._run())  # the loop itself does not keep it

    def _run(self) -> Coroutine[Any, Any, None]:
        """The edge tells of its own failures; for another application uvicorn does, at the cost of a frame."""
        cycle = self.cycle
        if self._gate is None:
            cycle.on_response = self.on_response_complete
            return cycle.run_asgi(self.app)
        return self._edge(self.scope, cycle.receive, None)  # type: ignore[no-any-return]  # which sends by the connection

    def _bound_unclaimed(self) -> None:
        """What came and is of no use yet: a part of a head, or of what stands between two parts of a body."""
        if self._phase in {IDLE, HEAD}:
            if self._fed > self._bounds.header_bytes:
                self._unreadable(self._too_large())
            elif self._head_timer is None:
                self._await_head()
        elif self._phase == BODY and self._fed > self._bounds.header_bytes:
            self._unreadable(invalid("The request's body carries too much that is not body."))

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if self._offered is not None:
                head, self._offered = self._offered, None
                self.parser = parser_for(self)
                self._feed(head + data[offer.args[0] :])

    # -- the parser's callbacks
    def on_message_begin(self) -> None:
        if self._answering:
            self._stop_listening()
            raise _Pipelined
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.problem = self.head = self.length = self.away = self._known = None
        self._phase = HEAD

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self.headers
        if self._phase != HEAD or len(headers) > self._bounds.header_fields:
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._head_in_time()
        method = self.parser.get_method()
        if self.parser.should_upgrade() and method != b"CONNECT":
            self._offered = without_offer(method, self.url, self.parser.get_http_version(), self.headers)
            return
        self._phase = BODY
        problem = self._head_problem()
        self._fed = 0
        if problem is not None:
            self.url = b"/"
        try:
            self._serve()
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError):
            problem = invalid("The request's target cannot be read.")
            self.url = b"/"
            self._serve()
        if problem is not None:
            self.problem = problem
            self.cycle.keep_alive = False

    def _serve(self) -> None:
        """As uvicorn does it, but for what nobody asks it for here, and at half the cost. Not begun before what has
        come with the head is read: whoever is turned away must be here as a whole."""
        scope = scope_of(self.parser, self.url, self.headers, {CONNECTION: self}, self.client, self.server)
        self._ask(scope, keep_alive=scope["http_version"] != "1.0" and self.parser.should_keep_alive())
        self._due = True

    def _ask(self, scope: Any, *, keep_alive: bool) -> None:
        self.scope = scope
        self.cycle = Cycle(self, scope, keep_alive=keep_alive)
        self._answering = True

    def _turned_away(self, gate: Gate) -> bool:
        return self._phase == ANSWER and gate[1](self.scope, self)

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._offered is not None:
            return
        self._phase = ANSWER
        self._fed = 0
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        self._answering = False
        if self._phase == ANSWER:
            self._phase = IDLE
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._await_request()

    # -- requests that cannot be read
    def _head_problem(self) -> Fault | None:
        if len(self.headers) > self._bounds.header_fields:
            return self._too_large()
        if self._fed > self._bounds.header_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self._bounds.header_bytes:
                return self._too_large()
        if not self.url.startswith(b"/"):
            return invalid("The request's target must be a path.")
        return None

    def _too_large(self) -> Fault:
        bounds = self._bounds
        message = f"The request's head is larger than {bounds.header_bytes} bytes or {bounds.header_fields} fields."
        return invalid(message, status=431)

    def _unreadable(self, fault: Fault) -> None:
        """Hands the application a request that is nothing but its problem, or tells the one being served."""
        self._stop_listening()
        self._head_in_time()
        if not self._answering:
            self.problem = fault
            self._serve_problem()
        elif self._phase == BODY:
            self.problem = fault
            self.cycle.message_event.set()

    def _serve_problem(self) -> None:
        self.expect_100_continue = False
        self._ask(scope_of_none({CONNECTION: self}, self.client), keep_alive=False)
        self._task = self.loop.create_task(self._run())

    def _stop_listening(self) -> None:
        """What still comes is thrown away, but read, so that the client's leaving is seen."""
        self._deaf = True
        if self._answering:
            self.cycle.keep_alive = False
        self.flow.resume_reading()

    # -- timers
    def _await_request(self) -> None:
        """A timer that is set already stays: when it rings too early it sets itself again for the rest."""
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_for(self.timeout_keep_alive)

    def _keep_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._answering or self._head_timer is not None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._keep_for(left)
        else:
            self.transport.close()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._bounds.header_s, self._head_late)

    def _head_in_time(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self._phase == HEAD:
            self._unreadable(invalid("The request's head did not arrive in time.", status=408))
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        self._moving()
        super().resume_writing()

    def _watch_writing(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self._bounds.write_s, self._stalled)

    def _moving(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _stalled(self) -> None:
        if self._unsent - self.transport.get_write_buffer_size() >= BLOCK:
            self._watch_writing()
        else:
            self.transport.abort()
