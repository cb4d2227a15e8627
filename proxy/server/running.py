"""What serves: both listeners over one application, how it takes another configuration, and how it drains."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from proxy import __version__
from proxy.admin.front import Front
from proxy.admin.health import BEAT_S, Health
from proxy.clock import Clock
from proxy.config.trying import curl
from proxy.config.values import Config
from proxy.edge import Edge, Passing, Shift
from proxy.filters.observe import Seen, own_failure
from proxy.flow import Service, Turnstile
from proxy.learning.learning import Learning
from proxy.server.listener import Listener, Sockets
from proxy.server.protocol import Bounds
from proxy.telemetry.logs import Log
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.names import OVERLOADED
from translators.codec import Codec
from translators.faults import Fault, Kind

if TYPE_CHECKING:
    from proxy.admin.feed import Feed
    from proxy.admin.overview import Overview

TELL_S = 5.0
"""For cancelled exchanges to tell their clients and settle."""
FLUSH_S = 2.0
"""For clients to read what is already written."""
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
    def turnstile(self) -> Turnstile:
        """How those are answered whom `service` would shed for certain."""

    @property
    def learning(self) -> Learning | None:
        """What is told of models; None where nothing is."""

    @property
    def metrics(self) -> Metrics: ...

    @property
    def log(self) -> Log: ...

    def codec_for(self, route: str) -> Codec:
        """The client's dialect on a route."""

    @property
    def recent(self) -> Sequence[Seen]:
        """The last exchanges that ended, the latest at the end."""

    def state(self, most: int = 0) -> Mapping[str, Any]:
        """What `/state` shows, in JSON's terms and free of secrets; where `most` is given, of so many targets that were
        called last, each with its course."""

    def budgets(self) -> Mapping[str, Any]:
        """How far budgets are, as last heard, likewise."""

    async def budgets_now(self) -> Mapping[str, Any]:
        """What `/budgets` shows, likewise: the store is asked first."""

    def trip(self, target: str, by: str) -> Mapping[str, Any]:
        """Takes a target out, as `by` wants it, and gives how it stands then, as `state` does. Raises LookupError."""

    async def budgets_watched(self) -> None:
        """Asks the store of those that the live page shows whether they were used or not."""

    def unfit(self) -> str:
        """Why requests under a hard budget cannot be served until somebody does something; empty where they can."""

    async def prepare(self, config: Config) -> Any:
        """What `adopt` takes. Raises ConfigErrors; nothing has changed then, nor before `adopt`."""

    def adopt(self, made: Any) -> Any:
        """`service` and the rest follow the configuration from now on. Gives what `retire` takes."""

    def free_keys(self) -> None:
        """Keys that were refused or out of quota are in use again: an operator has asked for a reload."""

    async def retire(self, before: Any) -> None:
        """Closes what only requests from before `adopt` used, once the last of them has ended."""

    async def open(self) -> None:
        """Makes ready for the first request; bounded in time, and never fails."""

    async def close(self) -> None:
        """Closes upstreams and writes what is left of the log."""


class Running:
    """Both listeners and what they serve."""

    def __init__(self, config: Config, app: App, clock: Clock, sockets: Sockets, bounds: Bounds) -> None:
        self.app = app
        self.config = config
        """The one that serves."""
        self.reload: Mapping[str, Any] | None = None
        """What became of the last reload, in JSON's terms."""
        self.health = Health(clock.now())
        self.edge = Edge(self._shift(), clock=clock, codec_for=app.codec_for)
        self._clock = clock
        self._began = clock.now()
        self._heart: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        app.metrics.inflight = lambda: self.edge.in_flight
        app.metrics.tasks = lambda: len(asyncio.all_tasks())
        self._feed: Feed | None = None
        health = {"/livez": lambda: self.health.live(clock.now()), "/readyz": lambda: self.health.ready(app.unfit())}
        self._front = Front(health, self._pages)
        # the places outlive every configuration
        gate = app.turnstile.places, self.edge.turn_away, self.edge.turn_away_again
        self._data = Listener(self.edge, sockets[0], bounds, clock, gate)
        self._admin = Listener(self._front, sockets[1], bounds, clock)

    @property
    def data_url(self) -> str:
        """Without a trailing slash and without `/v1`."""
        return f"http://{self._data.address}"

    @property
    def admin_url(self) -> str:
        return f"http://{self._admin.address}"

    def overview(self) -> "Overview":
        """What the live page shows."""
        from proxy.admin.overview import TARGETS, overview  # noqa: PLC0415 - loaded with the pages

        return overview(
            self.state(TARGETS),
            self.app.budgets(),
            self.app.recent,
            example=curl(self.config, self.data_url),
            now=self._clock.now(),
            wall=self._clock.wall(),
        )

    def state(self, most: int = 0) -> dict[str, Any]:
        return {
            "version": __version__,
            "uptime_s": round(self._clock.now() - self._began, 1),
            "draining": self.health.draining,
            "in_flight": self.edge.in_flight,
            "in_flight_before_reload": self.edge.in_flight_before,
            "buffered_bytes": self.edge.buffered,
            "reload": self.reload,
            **self.app.state(most),
        }

    async def open(self) -> None:
        await self.app.open()
        await self._admin.open()
        await self._data.open()
        self._heart = asyncio.create_task(self._beat())

    async def adopt(self, config: Config) -> None:
        """Serves what comes from now on by `config`; what is open ends as it began. Not to be called twice at a time.

        Raises ConfigErrors for what shows only when it is made, such as a broken certificate; nothing has changed then.
        """
        made = await self.app.prepare(config)
        former = self.app.adopt(made)  # from here on nothing waits: a request meets the one configuration or the other
        self.config = config
        shift = self.edge.relieve(self._shift())
        self._data.bounds = self._admin.bounds = structs.replace(
            self._data.bounds, write_s=config.limits.client_write_s
        )
        task = asyncio.create_task(self._retire(shift, former))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

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
        if self._feed is not None:
            self._feed.close()
        await self._admin.close(FLUSH_S)
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self.app.close()

    def load_the_rest(self) -> None:
        """Makes what whoever waits for this to be ready does not ask for."""
        self._front.whole()

    def _pages(self) -> Any:
        from proxy.admin.feed import Feed  # noqa: PLC0415 - a tenth of a start, and loaded after it
        from proxy.admin.pages import admin_app  # noqa: PLC0415 - likewise

        app, clock = self.app, self._clock
        self._feed = Feed(self.overview, clock, partial(own_failure, app.metrics, app.log), app.budgets_watched)
        return admin_app(
            health=self.health,
            clock=clock,
            metrics=app.metrics,
            state=self.state,
            budgets=app.budgets_now,
            unfit=app.unfit,
            feed=self._feed,
            trip=app.trip,
            ledger=lambda: self.config.spending.ledger,
            token_sha256=lambda: self.config.admin.token_sha256,
            serving=app.learning,
        )

    def _shift(self) -> Shift:
        config = self.config
        passing = Passing(config.passthrough.paths) if config.passthrough.provider else None
        return Shift(self.app.service, config.limits, passing, self.app.turnstile)

    async def _retire(self, shift: Shift, former: Any) -> None:
        await self.edge.ended(shift)
        await self.app.retire(former)

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            self.health.beat(self._clock.now())
            self._data.tick()
            self._admin.tick()
