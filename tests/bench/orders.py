"""What putting a chain of ten targets in order takes of the processor, for a request of some 3.5 KB.

In this process and by processor time, the least of some turns: what neighbours take is not in it. The figures are the
same whoever is asked afterwards.
"""

import time
from typing import TYPE_CHECKING

from proxy.clock import SystemClock
from proxy.config.orders import Free, Ordering
from proxy.config.spending import Price
from proxy.config.values import (
    BreakerSettings,
    ModelRoute,
    Provider,
    RetrySettings,
    Step,
    Target,
    TimeoutSettings,
)
from proxy.flow import Exchange
from proxy.orders.orderer import Orderer
from proxy.resilience.observed import FEW, Observed
from proxy.resilience.targets import Registry
from proxy.routing.resolve import Resolution
from tests.bench.report import Bar, Row
from translators.catalog import codec
from translators.codec import Envelope
from translators.ir import Dialect, Usage
from translators.profile import Profile

if TYPE_CHECKING:
    from tests.bench.figures import Bench

TARGETS = 10
BAR_US = 20.0
TURNS, CALLS = 15, 1_000
ORDERINGS = {
    "latency": Ordering("latency"),
    "cost": Ordering("cost"),
    "weighted": Ordering("weighted"),
    "least_busy": Ordering("least_busy"),
    "free_first": Ordering("free_first", free={"provider0/large": Free(requests_per_day=1)}),
    "priority, by user": Ordering(affinity="user"),
}
BARRED = ("latency", "cost")
BODY = {
    "model": "m",
    "messages": [{"role": "system", "content": "You are terse. " * 30}, {"role": "user", "content": "word " * 600}],
    "max_tokens": 400,
    "user": "ann",
}


def targets() -> tuple[Target, ...]:
    settings = BreakerSettings(), RetrySettings(), TimeoutSettings()
    providers = [Provider(f"provider{n}", Dialect.OPENAI_CHAT, f"https://{n}.test") for n in range(TARGETS)]
    prices = [Price(10**9 + n * 10**6, 10**10, cached=10**8) for n in range(TARGETS)]
    pairs = zip(providers, prices, strict=True)
    return tuple(Target(provider, "large", Profile(), *settings, price) for provider, price in pairs)


def microseconds(ordering: Ordering, turns: int = TURNS, calls: int = CALLS) -> float:
    """Of the processor, for one request, once every target is measured."""
    clock = SystemClock()
    registry, chain = Registry(clock.uniform, b""), targets()
    for place, target in enumerate(chain):
        one = registry.target(target, clock.now()).observed = Observed()
        for _ in range(FEW):
            one.begun(clock.now(), clock.wall(), 1)
            one.served(clock.now(), 0.5 + place / 10, stream=True)
            one.used(clock.now(), clock.wall(), Usage(1_000, 300, cached=500))
    route = ModelRoute("m", tuple(Step(one.provider.name, one.model) for one in chain), ordering=ordering)
    found, orderer = Resolution("m", "", chain, route), Orderer(registry, clock)
    exchange = Exchange("id", "chat", "POST", "/", {}, None, "", None, codec(Dialect.OPENAI_CHAT), 0.0)  # type: ignore[arg-type]
    exchange.payload, exchange.envelope = BODY, Envelope("m", stream=True, include_usage=False)
    least = float("inf")
    for _ in range(turns):
        before = time.process_time()
        for _ in range(calls):
            orderer.ordered(exchange, found)
        least = min(least, (time.process_time() - before) / calls * 1e6)
    return least


def orders(_: "Bench") -> list[Row]:
    rows = []
    for name, ordering in ORDERINGS.items():
        taken = microseconds(ordering)
        bar = Bar("time", BAR_US, taken, "&le; {:.0f} us") if name in BARRED else ""
        rows.append(Row(f"order {name}, {TARGETS} targets, processor time of a request", f"{taken:.1f} us", bar))
    return rows
