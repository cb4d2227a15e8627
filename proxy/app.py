"""The composition root: the one module that knows everything. A request's way is written here, once, in order.

Outside this stack stands the edge (`proxy.edge`: strict HTTP, bounded reading), which makes the exchange; innermost are
the endpoints (`proxy.service`) and the chain (`proxy.chain`: targets, keys, permits, retries, the upstream call).

All of it that follows from the configuration is one `Generation`, which nothing changes. What is learned from traffic
(breakers, keys, budgets, counters, earlier turns) belongs to none of them.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from proxy.admin import standing
from proxy.admin.trips import Trips
from proxy.alerts.alerts import Alerts
from proxy.alerts.message import Facts, model_body
from proxy.budgets.till import Till
from proxy.chain.passthrough import passthrough_for
from proxy.chain.ready import Tools
from proxy.chain.walk import Chain
from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.profiles import vendor_of, vendors
from proxy.config.values import Config, Provider, ProviderKey, Target
from proxy.edge.routes import DIALECTS, FEEDBACK
from proxy.events import Events
from proxy.filters.admission import Admission
from proxy.filters.auth import Auth
from proxy.filters.deadline import Deadline
from proxy.filters.observe import Observe, own_failure
from proxy.flow import Filter, Service, Turnstile, stack
from proxy.learning.learning import Keeps, Learning
from proxy.opaque import MemoryStore
from proxy.orders.orderer import Orderer
from proxy.pricing.prices import Prices, prices_of
from proxy.pricing.turning import Turning
from proxy.recording.recorders import Recorders, engines
from proxy.resilience.targets import Registry, TargetKey
from proxy.routing.resolve import Router
from proxy.selection.active import Active
from proxy.selection.choosers import chooser_for
from proxy.service import Endpoints, Remembered
from proxy.telemetry.logs import Log, LogWriter, standard_output
from proxy.telemetry.metrics import Metrics, configured_names
from proxy.telemetry.names import PASSTHROUGH
from proxy.tokens.counting import Counter
from proxy.tracing import Sampler
from proxy.upstream.capabilities import Capabilities, World, asked
from proxy.upstream.collectors import Collectors
from proxy.upstream.credentials import Credentials, Rings
from proxy.upstream.engines import EngineFor, engine_for
from proxy.upstream.pools import Pool, pools_for
from proxy.upstream.probes import Probes
from proxy.upstream.probes import World as ProbeWorld
from proxy.upstream.seam import Engine
from proxy.upstream.webhook import Webhook
from proxy.usage.writers import Writers
from translators.catalog import codec
from translators.codec import Codec
from translators.ir import Dialect

if TYPE_CHECKING:
    from proxy.budgets.paying import Paying
    from proxy.recording.recorder import Recorder
    from proxy.upstream.collector import Collector
    from proxy.usage.writer import Writer


class Generation(Struct, frozen=True, eq=False):
    """A configuration and the stack made of it. A request ends in the one that it began in."""

    config: Config
    pools: Mapping[str, Pool]
    """The connections, by provider name."""
    rings: Rings
    """The keys, likewise."""
    collector: "Collector | None"
    """Where its exchanges' spans go; None: none are made."""
    recorder: "Recorder | None"
    """Who writes its exchanges down; None: nobody."""
    writers: "tuple[Writer, ...]"
    """Who keeps its records of usage; empty: nobody."""
    prices: Prices
    router: Router
    service: Service
    turnstile: Turnstile
    paying: "Paying | None" = None
    """What its exchanges may cost, and where that is counted; None where nobody asks."""


class App:
    """The composed stack: the generation that serves, and what outlives every generation."""

    def __init__(self, config: Config, clock: Clock, log: BinaryIO, engine_for: EngineFor = engine_for) -> None:
        self._engine_for = engine_for
        self._clock = clock
        self._writer = LogWriter(log)
        self.log = Log(self._writer, clock)
        events = self._events = Events(self.log)
        self.metrics = Metrics(*configured_names(config))
        self.metrics.configured = True, clock.wall()
        self.metrics.log_lines_dropped = lambda: self._writer.dropped
        self._registry = Registry(clock.uniform, os.urandom(32), events.breaker, self.metrics.came_late)
        standing.tell(self.metrics, self._registry, clock)
        self.trip = Trips(self._registry, lambda: self._serving.router, clock, events.tripped).trip
        self._remembered = Remembered(MemoryStore(clock.now, os.urandom(32)), orderer=Orderer(self._registry, clock))
        self._observe = Observe(self.metrics, self.log, clock)
        self.recent = self._observe.recent
        self._admission = Admission(config.limits, clock)
        self._credentials = Credentials(config.providers.values(), self._renewed, self._own_engine, clock, events.alert)
        vendors()  # read from disk now, never while a request waits
        self._capabilities = Capabilities(
            asked(config), World(self._engine, self._secret, clock, events.not_listed), self._learned
        )
        self._turning = Turning(clock, self._learned)
        self._counter = Counter(events.not_counted)
        self._probes = Probes(
            ProbeWorld(
                *(self._engine, self._secret, self._registry.at, clock, self.metrics.probe, events.looked_at),
                partial(own_failure, self.metrics, self.log),
            )
        )
        self.metrics.providers_up = self._probes.up
        self._collectors = Collectors(clock, partial(events.lost, "spans_lost"))
        self.metrics.spans_dropped = lambda: self._collectors.dropped
        self._recorders = Recorders(
            clock, self.state, lambda reason: events.lost("not_recorded", reason, self._recorders.dropped)
        )
        self.metrics.records_dropped = lambda: self._recorders.dropped
        self._webhook = Webhook(self._own_engine, clock, events.not_alerted)
        self._alerts = Alerts(self._mark, clock, self._told, self._webhook.offer)
        self._till = Till(clock, self._alerts.look, events.overrun, self._alerts.refused)
        self.budgets, self.budgets_now = self._till.state, self._till.looked_up
        """How far budgets are, as last heard, and as `/budgets` shows it."""
        self.budgets_watched = self._till.watched
        self.metrics.budget_fractions = self._till.fractions
        self.metrics.alerts_lost = lambda: self._alerts.dropped + self._webhook.dropped
        self._writers = Writers(clock, lambda reason: events.lost("usage_dropped", reason, self._writers.dropped))
        self.metrics.usage_dropped = lambda: self._writers.dropped
        self.strategy = Active(config.selection, events.strategy, clock.wall)
        self.learning = Learning(clock, lambda: self._serving.config, self.strategy, self._fares_badly)
        pools, collector = pools_for(config, {}, engine_for), self._collectors.collector_for(config, None)
        self._serving = self._generation(config, pools, self._credentials.rings, collector)
        self._living = [self._serving]
        """The generations that requests are under way in, the one that serves last."""

    def _generation(
        self, config: Config, pools: Mapping[str, Pool], rings: Rings, collector: "Collector | None"
    ) -> Generation:
        recorder = self._recorders.recorder_for(config.record)
        paying = self._till.paying_for(config)
        writers = self._writers.writers_for(config.spending.ledger)
        tools = Tools(
            self._registry,
            engines(pools, recorder),
            self._clock,
            self.metrics.attempt,
            self._events.alert,
            self.metrics.spend,
            partial(self._events.key_back, by="answer"),
        )
        prices = prices_of(config, self._clock.wall)
        router = Router(config, self._capabilities.profile_for, vendor_of, prices.price_for)
        outer: list[Filter] = [
            # Only where the configuration says so, and then around everything, as what records must see it all.
            *([] if recorder is None else [recorder]),
            # Only where spans are asked for, and then around everything: a span tells what came of it all.
            *self._traces(config, collector),
            # Only where it is kept, and outside what says how an exchange ended.
            *self._usage(config, writers),
            # Outermost, so that every outcome is told, counted and logged, refusals among them.
            self._observe,
            # Before anything that costs: a stranger's request is not even read.
            Auth(config.clients),
        ]
        inner: list[Filter] = [
            # Outside admission, so that the time spent waiting for a place counts.
            Deadline(config.timeouts, self._clock),
            # Last before anything is spent: what is let in here is read, translated and sent.
            self._admission,
            # Innermost, so that nothing is reserved for what is refused; its end is the exchange's real end.
            *([paying] if paying is not None and paying.settles else []),
        ]
        passthrough = passthrough_for(config, tools)
        chooser = chooser_for(config.selection, router, self.strategy)
        more = {FEEDBACK: self.learning.service}
        endpoints = Endpoints(
            *(router, Chain(tools), self._clock, self._remembered, passthrough, paying, self._counter, chooser, more)
        )
        service = stack([*outer, *inner], endpoints)
        # Who is certain to be shed meets the same filters up to there, and nothing that takes a task or a timer.
        alike = self._observe.alike if recorder is None and collector is None else None  # of usage they leave no record
        turnstile = Turnstile(self._admission, stack(outer, self._admission.shed), alike)
        return Generation(
            config, pools, rings, collector, recorder, writers, prices, router, service, turnstile, paying
        )

    @property
    def service(self) -> Service:
        """The filters around the routes, outermost first."""
        return self._serving.service

    @property
    def turnstile(self) -> Turnstile:
        """How those are answered whom `service` would shed for certain."""
        return self._serving.turnstile

    def codec_for(self, route: str) -> Codec:
        """The client's dialect on a route."""
        return codec(DIALECTS.get(route, Dialect.OPENAI_CHAT))

    @property
    def registry(self) -> Registry:
        """What is known of every target and key."""
        return self._registry

    def targets(self, models: Iterable[str]) -> Iterator[Target]:
        """All targets that requests for these models may be sent to."""
        router = self._serving.router
        for model in models:
            for found in (router.chat(model), router.embeddings(model)):
                yield from found.targets if found is not None else ()

    def state(self, most: int = 0) -> dict[str, Any]:
        """What `/state` shows: targets (see `standing.targets`) and keys by hash; nothing secret."""
        now, registry = self._clock.now(), self._registry
        return {
            "source": self._serving.config.source,
            "demo": self._serving.config.demo,
            "strategy": self.strategy.name,
            "configured": self._serving.router.steps,
            "targets": standing.targets(registry.targets(), now, self._clock.wall(), most, registry.pool_of),
            "providers": {
                name: [standing.key(one, now) for one in pool.snapshot(now)] for name, pool in registry.pools().items()
            },
            "probes": self._probes.told(now),
        }

    def unfit(self) -> str:
        """Why hard budgets cannot be kept until somebody does something; empty where they can."""
        return self._till.unfit

    async def open(self) -> None:
        """Fetches what the first request needs; returns within some seconds, had or not."""
        await self._credentials.open()
        self._capabilities.open()
        self._turning.follow(self._serving.prices.turns)
        self._counter.follow(self._serving.config.spending.tokens)
        self._probes.follow(self._serving.config.providers.values())
        self._collectors.open(self._serving.collector)
        self._recorders.open(self._serving.recorder)
        self._webhook.follow(self._serving.config.spending.alerts)
        self.learning.follow(self._serving.config)
        self._till.follow(self._serving.paying)
        await self._till.ready()
        self._writers.open_all(self._serving.writers)

    async def prepare(self, config: Config) -> Generation:
        """A generation of `config`, ready to serve: whatever takes time or may fail, while the one before still serves.

        Raises ConfigErrors; then nothing has changed.
        """
        before = self._serving
        pools = await asyncio.to_thread(pools_for, config, before.pools, self._engine_for)
        collector = await asyncio.to_thread(self._collectors.collector_for, config, before.collector)
        rings = await self._credentials.prepare(config.providers.values())
        return self._generation(config, pools, rings, collector)

    def adopt(self, generation: Generation) -> Generation:
        """Serves with it from now on; nothing here waits, so that no request meets a part of it. Gives the one before,
        for `retire`."""
        before, self._serving = self._serving, generation
        config = generation.config
        self._living.append(generation)
        self._collectors.open(generation.collector)
        self._recorders.open(generation.recorder)
        self._writers.open_all(generation.writers)
        self._credentials.adopt(generation.rings)
        self._capabilities.follow(asked(config))
        self._turning.follow(generation.prices.turns)
        self._counter.follow(config.spending.tokens)
        self._probes.follow(config.providers.values())
        self._webhook.follow(config.spending.alerts)
        self.learning.follow(config)
        self._till.follow(generation.paying)
        self.strategy.follow(config.selection)
        self._admission.resize(config.limits)
        self.metrics.name(*configured_names(config))
        self._forget()
        return before

    async def retire(self, generation: Generation) -> None:
        """Its last request has ended: closes the connections that no other generation has, and the collector."""
        self._living.remove(generation)
        if all(one.collector is not generation.collector for one in self._living):
            self._collectors.end(generation.collector)
        self._recorders.keep([one.recorder for one in self._living])
        self._till.keep([one.paying for one in self._living])
        self._writers.keep([writer for one in self._living for writer in one.writers])
        used = [pool for one in self._living for pool in one.pools.values()]
        for pool in generation.pools.values():
            if pool not in used:
                await pool.engine.close()
        self._forget()

    def free_keys(self) -> None:
        """Keys that are off are in use again, and the log tells which: an operator may have paid, or had one let in."""
        for provider, key in self._registry.free_keys(self._clock.now()):
            self._events.key_back(provider, key, "reload")

    def _forget(self) -> None:
        """Targets that the configuration leads to no more, and keys that no request can need."""
        providers = [provider for one in self._living for provider in one.config.providers.values()]
        self._registry.keep(self._leads_to, providers)

    def _leads_to(self, target: TargetKey) -> bool:
        serving = self._serving
        provider = serving.config.providers.get(target[0])
        passes = provider is not None and target == (provider.name, provider.base_url, PASSTHROUGH)
        return (passes and serving.config.passthrough.provider != "") or serving.router.leads_to(target)

    async def close(self) -> None:
        """Closes the connections upstream, sends what is left of the spans and writes what is left of recording,
        usage and log."""
        self.learning.close()
        await self._alerts.close()  # before what it asks
        await self._credentials.close()
        await self._capabilities.close()
        await self._turning.close()
        await self._counter.close()
        await self._probes.close()
        for generation in list(self._living):
            await self.retire(generation)
        await self._collectors.close()
        await self._recorders.close()
        await self._till.close()
        await self._webhook.close()
        await self._writers.close()
        await self._writer.close()

    def _traces(self, config: Config, collector: "Collector | None") -> Iterator[Filter]:
        """The filter that makes spans, where there is somewhere to send them."""
        if collector is None:
            return
        from proxy.filters.traces import Traces  # noqa: PLC0415 - most processes make no spans

        sampler = Sampler(config.telemetry.ratio, config.telemetry.follows)
        yield Traces(collector, sampler, self._clock, os.urandom)

    def _usage(self, config: Config, writers: "tuple[Writer, ...]") -> Iterator[Filter]:
        """The filter that notes records of usage, where they are kept or learned from."""
        keepers: list[Keeps] = [*writers, *self.learning.keepers(config)]
        if keepers:
            from proxy.filters.usage import Noting  # noqa: PLC0415 - most processes keep none

            yield Noting(keepers, self._clock, self._counter, learns=config.selection.track)

    def _told(self, facts: Facts) -> None:
        self._events.budget(facts)
        self.metrics.budget_alerts[str(facts["budget"]), str(facts["threshold"])] += 1

    def _fares_badly(self, facts: Facts) -> None:
        self._events.fares(facts)
        self.metrics.model_alerts[str(facts["sign"]), str(facts["state"])] += 1
        self._webhook.offer(model_body(facts, self._clock.wall()))

    async def _mark(self, name: str, expires: int) -> bool:
        return await self._till.mark(name, expires)

    def _own_engine(self, provider: Provider) -> Engine:
        """For calls that are not a request's, and few."""
        return engine_for(self._serving.config.server.engine, provider, connections=1)

    def _secret(self, provider: Provider) -> Secret | None:
        key = self._registry.keys(provider).choose(self._clock.now())
        return key.secret if key else None

    def _learned(self) -> None:
        self._serving.router.forget()

    def _renewed(self, provider: Provider, keys: tuple[ProviderKey, ...]) -> None:
        self._registry.renew(provider, keys)

    def _engine(self, provider: Provider) -> Engine:
        return self._serving.pools[provider.name].engine


def build(config: Config, clock: Clock, log: BinaryIO | None = None, engine_for: EngineFor = engine_for) -> App:
    """The stack for `config`, its log on standard output unless said otherwise; called inside the running loop.
    `engine_for` makes what requests go through: a drill puts its own in front."""
    return App(config, clock, log or standard_output(), engine_for)
