"""Makes spans of exchanges, where the configuration says where to send them; without that it stands in no stack.

Outermost, for a span tells what all others made of the exchange. On the way in it decides whether the exchange is
recorded and which trace it is part of; the spans are made when it is over, of what was noted on the way.
"""

from collections.abc import Callable
from typing import Protocol

from proxy.answers import minted_id
from proxy.clock import Clock
from proxy.flow import Exchange, Service
from proxy.telemetry.spans import spans_of
from proxy.tracing import Sampler, Trace, begin

GENERATES = frozenset({"chat", "messages", "responses", "completions"})
"""Routes whose answers bear an id."""


class Collects(Protocol):
    """Who takes the spans."""

    def room(self, spans: int) -> bool:
        """Whether so many would be taken now; counts them as lost where not."""

    def take(self, spans: list[bytes]) -> None: ...


class Traces:
    """`new_id` gives random bytes, so many."""

    def __init__(self, collector: Collects, sampler: Sampler, clock: Clock, new_id: Callable[[int], bytes]) -> None:
        self._collector = collector
        self._sampler = sampler
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        exchange.trace = trace = begin(self._sampler, exchange.headers, self._new_id)
        try:
            await service(exchange)
        finally:
            if trace.context.sampled and self._collector.room(len(trace.attempts) + 1):
                self._tell(exchange, trace)

    def _tell(self, exchange: Exchange, trace: Trace) -> None:
        trace.over = self._clock.now()
        self._collector.take(spans_of(exchange, trace, _answer_id(exchange), self._clock.wall() - trace.over))


def _answer_id(exchange: Exchange) -> str:
    """The id that the client's answer bears."""
    if not exchange.provider or exchange.route not in GENERATES:
        return ""
    return exchange.answer_id or minted_id(exchange)
