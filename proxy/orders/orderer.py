"""Puts a chain in the order that its configuration asks for, with what is known of its targets at this moment.

It only says who is asked before whom: whoever cannot be called (breaker, limit, budget, a shape it cannot give) is
passed over by the walk along the chain as ever, and a live tool loop's own target still goes before all. What follows a
chain as another entry's (a strategy's fallback) keeps its place behind it.

What is remembered, beside what the registry knows of each target, is who leads by latency: for every chain, and for
streams and whole answers apart.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, structs

from proxy.budgets.identity import who
from proxy.clock import Clock
from proxy.config.orders import Free, Ordering
from proxy.config.values import ModelRoute, Target
from proxy.flow import Exchange
from proxy.orders import affinity, cost, free_first, latency, least_busy
from proxy.orders.weighted import by_weight
from proxy.pricing.cost import Lines
from proxy.resilience.observed import Observed
from proxy.resilience.targets import Registry, TargetState
from proxy.routing.resolve import Resolution
from proxy.tokens.rough import roughly

POOLS_MAX: Final = 1024
"""Chains remembered; under `*` clients may ask for any number of names."""


class Pool(Struct):
    """One chain as some requests find it."""

    ordering: Ordering
    own: tuple[int, ...]
    """The places of the targets that are the chain's own."""
    names: tuple[str, ...]
    """Of those."""
    weights: tuple[float, ...]
    free: tuple[Free | None, ...]
    targets: tuple[Target, ...] = ()
    """All of them, as they are configured of late: their settings and prices change."""
    mine: tuple[Target, ...] = ()
    """Those that are its own."""
    lines: Lines | None = None
    """What those cost, once that is asked."""
    whole: latency.Lead | None = None
    streams: latency.Lead | None = None


class Orderer:
    """For the life of the process; a new configuration brings new chains."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._pools: dict[tuple[str, ...], Pool] = {}
        self._latest: dict[str, Pool] = {}
        """The one that was used last, by the route's name: nearly always the one that is used next."""

    def ordered(self, exchange: Exchange, found: Resolution) -> Resolution:
        """`found` with its targets as this request is to meet them. Raises Malformed for a user named wrongly."""
        ordering = found.route.ordering
        if ordering is None or len(found.targets) == 1:
            return found
        key = ""
        if ordering.affinity != "none":
            user = _user(exchange) if ordering.affinity == "user" else ""
            key = affinity.key_of(ordering.affinity, user, exchange.headers, exchange.payload)
        stream = exchange.envelope is not None and exchange.envelope.stream
        return self.arranged(found, ordering, exchange.payload, key, stream=stream)

    def arranged(self, found: Resolution, ordering: Ordering, payload: Any, key: str, *, stream: bool) -> Resolution:
        """The same for a request with this parsed body that stays by `key`, empty for none."""
        targets = found.targets
        pool = self._latest.get(found.route.name)
        if pool is None or pool.targets is not targets or pool.ordering is not ordering:
            pool = self._pool(found.route, ordering, targets)
        mine = pool.mine
        places = self._places(pool, mine, payload, stream=stream)
        if key and len(mine) > 1:
            places = _staying(key, pool, places)
        arranged = [mine[place] for place in places]
        if mine is not targets:
            arranged += [target for place, target in enumerate(targets) if place not in pool.own]
        return structs.replace(found, targets=tuple(arranged))

    def _pool(self, route: ModelRoute, ordering: Ordering, targets: tuple[Target, ...]) -> Pool:
        names = [target.name for target in targets]
        place = (route.name, *names)
        pool = self._pools.get(place)
        if pool is None or pool.ordering is not ordering:
            if len(self._pools) >= POOLS_MAX:
                self._pools.clear()
                self._latest.clear()
            pool = self._pools[place] = pool_of(route, ordering, names)
        if pool.targets is not targets:
            own = pool.own
            pool.targets, pool.lines = targets, None
            pool.mine = targets if len(own) == len(targets) else tuple([targets[place] for place in own])
        self._latest[route.name] = pool
        return pool

    def _places(self, pool: Pool, targets: Sequence[Target], payload: Any, *, stream: bool) -> list[int]:
        order = pool.ordering.order
        if order == "priority" or len(targets) < 2:
            return list(range(len(targets)))
        uniform = self._clock.uniform
        if order == "weighted":
            return by_weight(pool.weights, [uniform() for _ in targets])
        now = self._clock.now()
        states = self._registry.seen(targets, now)
        if order == "least_busy":
            limits = [target.provider.per_target for target in targets]
            load = least_busy.loads([state.in_flight for state in states], limits)
            return least_busy.by_load(load, uniform(), uniform())
        observed = [state.observed or _observed(state) for state in states]
        if order == "latency":
            return self._by_latency(pool, observed, now, stream=stream)
        if order == "cost":
            if pool.lines is None:
                pool.lines = lines_of(targets)
            return cost.by_cost(costs(pool.lines, observed, payload))
        wall = self._clock.wall()
        return free_first.by_allowance([left(free, one, wall) for free, one in zip(pool.free, observed, strict=True)])

    def _by_latency(self, pool: Pool, observed: Sequence[Observed], now: float, *, stream: bool) -> list[int]:
        names = pool.names
        seen = [latency.Seen(one.pace(stream=stream), one.asked_at) for one in observed]
        lead = latency.leading(names, seen, pool.streams if stream else pool.whole, now)
        if stream:
            pool.streams = lead
        else:
            pool.whole = lead
        places = latency.by_latency(seen, names.index(lead.name), now, self._clock.uniform())
        observed[places[0]].asked_at = now  # whoever comes meanwhile need not find out the same
        return places


def costs(lines: Lines, observed: Sequence[Observed], payload: Any) -> list[float]:
    """Nano-dollars that a request with this body is expected to cost at each; infinite where there is no price."""
    body = payload if isinstance(payload, dict) else {}
    asked = cost.shape(body, roughly(body), [one.output.mean for one in observed if one.output.count])
    return lines.about(asked.input, asked.output, [one.cached.mean for one in observed], asked.tier)


def lines_of(targets: Sequence[Target]) -> Lines:
    return Lines([target.price for target in targets])


def left(free: Free | None, observed: Observed, wall: float) -> bool:
    """Whether the target has something free left now."""
    observed.spent.turn(wall)
    return free_first.has_left(free, observed.spent)


def pool_of(route: ModelRoute, ordering: Ordering, names: Sequence[str]) -> Pool:
    """What a configuration says of these targets; `provider/*` speaks of all that are asked of that provider."""
    entries = {f"{step.provider}/{step.model}" for step in route.chain}
    written = [name if name in entries else f"{name.partition('/')[0]}/*" for name in names]
    own = tuple(place for place, entry in enumerate(written) if entry in entries)
    return Pool(
        ordering,
        own,
        tuple(names[place] for place in own),
        tuple(ordering.weights.get(written[place], 1.0) for place in own),
        tuple(ordering.free.get(written[place]) for place in own),
    )


def _staying(key: str, pool: Pool, places: list[int]) -> list[int]:
    """The key's own target first; by weight all of them are by the key, so that a share stays a share."""
    drawn = affinity.draws(key, pool.names)
    if pool.ordering.order == "weighted":
        return by_weight(pool.weights, drawn)
    head = drawn.index(min(drawn))
    return [head, *(place for place in places if place != head)]


def _observed(state: TargetState) -> Observed:
    """Of a target that an order looks at for the first time."""
    state.observed = Observed()
    return state.observed


def _user(exchange: Exchange) -> str:
    """Whose request it is, by the client that says so."""
    said = exchange.who.user or who(exchange.client, exchange.headers, exchange.payload, exchange.codec.dialect).user
    return f"{exchange.client.name}/{said}" if said and exchange.client is not None else said
