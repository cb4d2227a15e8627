"""The composition root: the one module that knows everything. A request's way is written here, once, in order.

Outside this stack stands the edge (`proxy.edge`: strict HTTP, bounded reading), which makes the exchange; innermost are
the endpoints (`proxy.service`) and the chain (`proxy.chain`: targets, keys, permits, retries, the upstream call).
"""

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

from proxy.chain.engagement import Tools
from proxy.chain.walk import Chain
from proxy.clock import Clock
from proxy.config.profiles import profile_for, vendor_of, vendors
from proxy.config.values import Config, Provider
from proxy.filters.admission import Admission
from proxy.filters.auth import Auth
from proxy.filters.deadline import Deadline
from proxy.filters.observe import Observe
from proxy.flow import stack
from proxy.resilience.breaker import Reason, State
from proxy.resilience.keys import KeySnapshot
from proxy.resilience.targets import Registry, TargetState
from proxy.routing.resolve import Router
from proxy.service import Endpoints
from proxy.telemetry.logs import LogWriter, open_log, standard_output
from proxy.telemetry.metrics import Metrics, configured_names
from proxy.upstream.engines import engine_for
from proxy.upstream.seam import Engine
from translators.catalog import codec
from translators.codec import Codec
from translators.ir import Dialect


class App:
    """The composed stack over one configuration."""

    def __init__(self, config: Config, clock: Clock, log: BinaryIO) -> None:
        self._config = config
        self._clock = clock
        self._engines: dict[str, Engine] = {
            name: engine_for(config.server.engine, provider, provider.timeouts, connections=config.limits.in_flight)
            for name, provider in config.providers.items()
        }
        """One pool a provider, for the life of the process: never closed while it is in use."""
        self._writer = LogWriter(log)
        self._log = open_log(self._writer, clock)
        self.metrics = Metrics(*configured_names(config))
        self.metrics.breakers = self._breakers
        self.metrics.log_lines_dropped = lambda: self._writer.dropped
        self._registry = Registry(clock.uniform, os.urandom(32), self._breaker_changed)
        tools = Tools(self._registry, self._engine, clock, self.metrics.attempt, self._alert)
        vendors()  # read from disk now, never while a request waits
        router = Router(config, profile_for, vendor_of)
        self.service = stack(
            [
                # Outermost, so that every outcome is told, counted and logged, refusals among them.
                Observe(self.metrics, self._log, clock),
                # Before anything that costs: a stranger's request is not even read.
                Auth(config.clients),
                # Outside admission, so that the time spent waiting for a place counts.
                Deadline(config.timeouts, clock),
                # Last before the work: what is let in here is read, translated and sent.
                Admission(config.limits),
            ],
            Endpoints(router, Chain(tools), clock),
        )

    def codec_for(self, route: str) -> Codec:  # noqa: ARG002 - every route speaks the same dialect so far
        """The client's dialect on a route."""
        return codec(Dialect.OPENAI_CHAT)

    def state(self) -> dict[str, Any]:
        """What `/state` shows: targets with their breakers, keys by hash; nothing secret."""
        now = self._clock.now()
        pools = self._registry.pools()
        return {
            "source": self._config.source,
            "demo": self._config.demo,
            "targets": [_target(state, now) for state in self._registry.targets()],
            "providers": {name: [_key(key, now) for key in pool.snapshot(now)] for name, pool in pools.items()},
        }

    async def close(self) -> None:
        """Closes the connections upstream and writes what is left of the log."""
        for engine in self._engines.values():
            await engine.close()
        await self._writer.close()

    def _engine(self, provider: Provider) -> Engine:
        return self._engines[provider.name]

    def _breakers(self) -> Iterator[tuple[str, str, str]]:
        now = self._clock.now()
        worst: dict[tuple[str, str], State] = {}
        for state in self._registry.targets():
            provider, _, model = state.key
            names = self.metrics.provider_label(provider), self.metrics.model_label(model)
            found = state.breaker.state(now)
            worst[names] = max(worst.get(names, found), found, key=_SEVERITY.index)
        for (provider, model), found in worst.items():
            yield provider, model, found.name

    def _breaker_changed(self, target: str, before: State, after: State, reason: Reason | None, _: float) -> None:
        self._log.warning(
            "breaker", target=target, before=before.name, after=after.name, reason=reason.value if reason else None
        )

    def _alert(self, event: str, /, **facts: str | int) -> None:
        self._log.error(event, **facts)


_SEVERITY = (State.CLOSED, State.RAMP, State.PROBE, State.OPEN)
"""Of targets that share a label, the worst is told."""


def build(config: Config, clock: Clock, log: BinaryIO | None = None) -> App:
    """The stack for `config`, its log on standard output unless said otherwise; called inside the running loop."""
    return App(config, clock, log or standard_output())


def _target(state: TargetState, now: float) -> dict[str, Any]:
    breaker = state.breaker.snapshot(now)
    free_at = state.throttle.free_at(now)
    return {
        "target": state.name,
        "in_flight": state.in_flight,
        "throttled_for_s": round(free_at - now, 1) if free_at > now else None,
        "breaker": {
            "state": breaker.state.name,
            "reason": breaker.reason.value if breaker.reason else None,
            "failures": breaker.failures,
            "openings": breaker.openings,
            "opens_for_s": round(breaker.reopens_at - now, 1) if breaker.reopens_at is not None else None,
            "ramp": breaker.ramp,
        },
    }


def _key(key: KeySnapshot, now: float) -> dict[str, Any]:
    return {
        "key": key.fingerprint,
        "source": key.source,
        "in_flight": key.in_flight,
        "off": key.off_kind,
        "off_for_s": round(key.off_until - now) if key.off_until is not None else None,
        "throttled_for_s": round(key.throttled_until - now, 1) if key.throttled_until is not None else None,
    }
