"""The process' life: both listeners up, signals, and the way down.

On SIGTERM or SIGINT the data port stops accepting and the admin port says so (`/readyz` 503) while open exchanges
finish. What is still open after `drain_s` is cancelled by us, so that every client is told in its own dialect that its
answer is incomplete, and everything below is closed and settled. A second signal ends the process at once. Once all is
settled the process ends within `EXIT_S`, even if some thread (a name's resolution, a log nobody reads) does not.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import uvloop

from proxy import __version__
from proxy.admin.health import BEAT_S, Health
from proxy.admin.pages import admin_app
from proxy.clock import Clock, SystemClock
from proxy.config.values import Config, ServerSettings
from proxy.edge import Edge, Passing, Shift
from proxy.flow import Service
from proxy.server.descriptors import raise_descriptors
from proxy.server.listener import CannotListen, Listener, bind
from proxy.server.protocol import Bounds
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.names import OVERLOADED
from translators.codec import Codec
from translators.faults import Fault, Kind

TELL_S = 5.0
"""For cancelled exchanges to tell their clients and settle."""
FLUSH_S = 2.0
"""For clients to read what is already written."""
EXIT_S = 2.0
"""For threads to end, once everything is closed."""
YOUNG = 10_000
"""New objects that wake the collector. An exchange leaves no cycles, and with the usual 700 every few of them pay for a
look at all that are under way."""
DRAINING = Fault(
    kind=Kind.SHED,
    status=503,
    code=OVERLOADED,
    message="This proxy is shutting down and the answer is not complete; send the request again.",
)


class App(Protocol):
    """What is served: the composed stack."""

    @property
    def service(self) -> Service:
        """The filters around the routes, outermost first."""

    @property
    def metrics(self) -> Metrics: ...

    def codec_for(self, route: str) -> Codec:
        """The client's dialect on a route."""

    def state(self) -> Mapping[str, Any]:
        """What `/state` shows, in JSON's terms and free of secrets."""

    async def open(self) -> None:
        """Makes ready for the first request; bounded in time, and never fails."""

    async def close(self) -> None:
        """Closes upstreams and writes what is left of the log."""


Sockets = tuple[socket.socket, socket.socket]
"""Of the data and of the admin port."""
Build = Callable[[Config, Clock], App]
"""Called inside the running loop, once the sockets are bound."""


class Running:
    """Both listeners and what they serve."""

    def __init__(self, config: Config, app: App, clock: Clock, sockets: Sockets, bounds: Bounds) -> None:
        self.app = app
        self.health = Health(clock.now())
        passing = Passing(config.passthrough.paths) if config.passthrough.provider else None
        self.edge = Edge(Shift(app.service, config.limits, passing), clock=clock, codec_for=app.codec_for)
        self._clock = clock
        self._began = clock.now()
        self._heart: asyncio.Task[None] | None = None
        app.metrics.inflight = lambda: self.edge.in_flight
        pages = admin_app(
            health=self.health,
            clock=clock,
            metrics=app.metrics,
            state=self.state,
            token_sha256=config.admin.token_sha256,
        )
        self._data = Listener(self.edge, sockets[0], bounds, clock)
        self._admin = Listener(pages, sockets[1], bounds, clock)

    @property
    def data_url(self) -> str:
        """Without a trailing slash and without `/v1`."""
        return f"http://{self._data.address}"

    @property
    def admin_url(self) -> str:
        return f"http://{self._admin.address}"

    def state(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "uptime_s": round(self._clock.now() - self._began, 1),
            "draining": self.health.draining,
            "in_flight": self.edge.in_flight,
            "buffered_bytes": self.edge.buffered,
            **self.app.state(),
        }

    async def open(self) -> None:
        await self.app.open()
        await self._admin.open()
        await self._data.open()
        self._heart = asyncio.create_task(self._beat())

    async def drain(self, seconds: float) -> None:
        """Lets open exchanges end for `seconds`, then ends them. The admin port stays."""
        self.health.draining = True
        self._data.stop_accepting()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.edge.drained()
        self.edge.cancel_all(DRAINING)
        with suppress(TimeoutError):
            async with asyncio.timeout(TELL_S):
                await self.edge.drained()
        await self._data.close(FLUSH_S)

    async def close(self) -> None:
        """Ends everything now; what is open is told so."""
        if not self.health.draining:
            await self.drain(0)
        if self._heart is not None:
            self._heart.cancel()
        await self._admin.close(FLUSH_S)
        await self.app.close()

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            self.health.beat(self._clock.now())
            self._data.tick()
            self._admin.tick()


@asynccontextmanager
async def serving(
    config: Config,
    build: Build,
    *,
    clock: Clock | None = None,
    reuse_port: bool = False,
    bounds: Bounds | None = None,
) -> AsyncIterator[Running]:
    """Serves while the context is open. Raises CannotListen before anything is built."""
    clock = clock or SystemClock()
    sockets = _bind_both(config.server, reuse_port=reuse_port)
    try:
        app = build(config, clock)
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    running = Running(config, app, clock, sockets, bounds or Bounds(write_s=config.limits.client_write_s))
    try:
        await running.open()
        yield running
    finally:
        await running.close()


def run(
    config: Config,
    build: Build,
    *,
    reuse_port: bool = False,
    ready: Callable[[Running], None] | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. `ready` is called once both ports accept.

    The process is to end after this: it will, and any further signal ends it at once.
    """
    raise_descriptors()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_signalled(config, build, reuse_port=reuse_port, ready=ready))
    except CannotListen as error:
        sys.stderr.write(f"sidestep: {error}\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):  # the loop that heard them is gone
        signal.signal(number, signal.SIG_DFL)
    return 0


async def _until_signalled(
    config: Config, build: Build, *, reuse_port: bool, ready: Callable[[Running], None] | None
) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _signalled, asked, number)
    async with serving(config, build, reuse_port=reuse_port) as running:
        gc.collect()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again
        gc.set_threshold(YOUNG, 10, 10)
        await asyncio.to_thread(load_the_rest)
        if ready is not None:
            ready(running)
        await asked.wait()
        await running.drain(config.server.drain_s)
    _end_within(EXIT_S)


def load_the_rest() -> None:
    """What few requests need, and none may wait for: half of all there is to load. Loaded while requests are served
    already, and before that is said: later there might be no file left to read it with."""
    import structlog  # noqa: F401, PLC0415 - see above

    from proxy.telemetry import exposition  # noqa: F401, PLC0415 - see above


def _end_within(seconds: float) -> None:
    end = threading.Timer(seconds, os._exit, (0,))
    end.daemon = True
    end.start()


def _signalled(asked: asyncio.Event, number: int) -> None:
    if asked.is_set():
        os._exit(128 + number)
    asked.set()


def _bind_both(settings: ServerSettings, *, reuse_port: bool) -> Sockets:
    data = bind(settings.listen, "--port", reuse_port=reuse_port)
    try:
        return data, bind(settings.admin, "--admin")
    except CannotListen:
        data.close()
        raise
