"""The order of a chain as `sidestep explain` tells it: the same orderer, over what is known of the targets.

Without a running proxy nothing is known, with one its figures are. Chance is left out: nobody explores, weights draw
evenly, and of two that are drawn the least busy is one; so the likeliest order is shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final

from msgspec import structs

from proxy.budgets.identity import who
from proxy.config.orders import Free, Ordering
from proxy.config.spending import dollars
from proxy.config.values import Target
from proxy.jobs import Job
from proxy.orders import affinity
from proxy.orders.least_busy import loads
from proxy.orders.orderer import Orderer, costs, left, lines_of, pool_of
from proxy.resilience.observed import Observed, restored
from proxy.resilience.targets import Registry
from proxy.routing.live import Live
from proxy.routing.resolve import Resolution
from translators.ir import Dialect

NOW: Final = 1_000_000.0
EVEN: Final = 0.999
"""What everybody draws: too much for exploring."""


class Still:
    """A moment, and a draw that is the same each time."""

    def __init__(self, draw: float) -> None:
        self.draw = draw

    def now(self) -> float:
        return NOW

    def wall(self) -> float:
        return NOW

    def uniform(self) -> float:
        return self.draw

    async def sleep(self, seconds: float) -> None:
        """No time passes."""


def foreseen(
    found: Resolution, body: Mapping[str, Any], job: Job, dialect: Dialect, live: Live | None = None
) -> tuple[Resolution, dict[str, str]]:
    """`found` with its targets as the request with this body would meet them, and by what each has its place."""
    ordering = found.route.ordering
    if ordering is None or len(found.targets) == 1:
        return found, {}
    registry = Registry(lambda: EVEN, b"")
    seen = [_seen(registry, target, live) for target in found.targets]
    user = who(None, {}, body, dialect).user if ordering.affinity == "user" else ""
    key = affinity.key_of(ordering.affinity, user, {}, body)
    draw = _idlest(found.targets, seen) if ordering.order == "least_busy" else EVEN
    arranged = Orderer(registry, Still(draw)).arranged(found, ordering, body, key, stream=job.stream)
    reasons = list(_reasons(found, ordering, body, seen, stream=job.stream))
    if key:
        head = found.targets.index(arranged.targets[0])
        reasons[head] = f"this {ordering.affinity.replace('_', ' ')}'s own; {reasons[head]}"
    stays = f", stays by {ordering.affinity}" if ordering.affinity != "none" else ""
    arranged = structs.replace(arranged, reason=f"{found.reason}, order {ordering.order}{stays}")
    return arranged, dict(zip([target.name for target in found.targets], reasons, strict=True))


Seen = tuple[Observed, int]
"""What is known of a target, and its calls in flight."""


def _seen(registry: Registry, target: Target, live: Live | None) -> Seen:
    state = registry.target(target, NOW)
    entry = next((one for one in live.targets if one.target == target.name), None) if live else None
    if entry is not None:
        state.in_flight = entry.in_flight
    state.observed = restored(entry.observed, NOW) if entry is not None and entry.observed is not None else Observed()
    return state.observed, state.in_flight


def _idlest(targets: Sequence[Target], seen: Sequence[Seen]) -> float:
    """What draws the least busy."""
    load = loads([in_flight for _, in_flight in seen], [target.provider.per_target for target in targets])
    return (load.index(min(load)) + 0.5) / len(load)


def _reasons(
    found: Resolution, ordering: Ordering, body: Mapping[str, Any], seen: Sequence[Seen], *, stream: bool
) -> Iterator[str]:
    """By what each target has its place, one after the other."""
    targets = found.targets
    pool = pool_of(found.route, ordering, [target.name for target in targets])
    observed = [one for one, _ in seen]
    expected = costs(lines_of(targets), observed, body) if ordering.order == "cost" else []
    for place, (target, (one, in_flight)) in enumerate(zip(targets, seen, strict=True)):
        if place not in pool.own:
            yield "of the chain that follows"
        elif ordering.order == "weighted":
            yield f"{pool.weights[pool.own.index(place)] / sum(pool.weights):.3g} of the requests"
        elif ordering.order == "latency":
            yield _paced(one.pace(stream=stream), stream=stream)
        elif ordering.order == "cost":
            amount = expected[place]
            yield "no price" if amount == inf else f"about {dollars(round(amount))} USD"
        elif ordering.order == "least_busy":
            limit = target.provider.per_target
            yield f"{in_flight} in flight{f' of {limit}' if limit else ''}"
        elif ordering.order == "free_first":
            yield _free(pool.free[pool.own.index(place)], one)
        else:
            yield "as the chain stands"


def _paced(seconds: float | None, *, stream: bool) -> str:
    if seconds is None:
        return "not measured yet"
    return f"{seconds:.3g} s to {'the first content' if stream else 'a whole answer'} of late"


def _free(free: Free | None, observed: Observed) -> str:
    if free is None:
        return "nothing is free"
    return "something free is left" if left(free, observed, NOW) else "what is free is used up"
