"""The order of a chain as it is explained is the one that requests meet."""

import pytest

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
from proxy.orders.foreseen import foreseen
from proxy.resilience.observed import Told
from proxy.routing.live import Live, LiveBreaker, LiveTarget
from proxy.routing.resolve import Resolution
from translators.ir import Dialect
from translators.profile import Profile

CHAT = Dialect.OPENAI_CHAT


class Job:
    stream = False


def target(name, price=None, per_target=0):
    provider = Provider(name, CHAT, f"https://{name}.test", per_target=per_target)
    return Target(provider, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(), price)


def resolution(ordering, *targets):
    targets = targets or (target("a"), target("b"), target("c"))
    route = ModelRoute("m", tuple(Step(one.provider.name, "m") for one in targets), ordering=ordering)
    return Resolution("m", '[models."m"]', targets, route)


def live(**known):
    return Live("c.toml", [LiveTarget(f"{name}/m", *one[:1], None, LiveBreaker("CLOSED"), observed=one[1])
                           for name, one in known.items()], {})  # fmt: skip


def told(ordering, *targets, body=None, stands=None):
    found, reasons = foreseen(resolution(ordering, *targets), body or {}, Job(), CHAT, stands)
    return [(one.provider.name, reasons[one.name]) for one in found.targets]


def test_the_chains_own_order_needs_no_reasons():
    found = resolution(None)
    assert foreseen(found, {}, Job(), CHAT) == (found, {})


def test_the_order_is_named_beside_where_it_was_found():
    found, _ = foreseen(resolution(Ordering("latency", affinity="user")), {}, Job(), CHAT)
    assert found.reason == '[models."m"], order latency, stays by user'


def test_shares_are_told_the_largest_first():
    assert told(Ordering("weighted", {"b/m": 2})) == [
        ("b", "0.5 of the requests"),
        ("a", "0.25 of the requests"),
        ("c", "0.25 of the requests"),
    ]


def test_times_are_those_of_the_running_proxy():
    stands = live(a=(0, Told(whole_s=2.0)), b=(0, Told(whole_s=0.51234)), c=(0, None))
    assert told(Ordering("latency"), stands=stands) == [
        ("b", "0.512 s to a whole answer of late"),
        ("a", "2 s to a whole answer of late"),
        ("c", "not measured yet"),
    ]


def test_costs_are_of_this_request():
    prices = target("a"), target("b", Price(10**9, 10**9)), target("c", Price(10**8, 10**8))
    assert told(Ordering("cost"), *prices, body={"max_tokens": 99, "messages": [{"content": "x" * 4_000}]}) == [
        ("c", "about 0.0001099 USD"),
        ("b", "about 0.001099 USD"),
        ("a", "no price"),
    ]


def test_the_least_busy_is_first_and_what_it_bears_is_told():
    stands = live(a=(3, None), b=(1, None), c=(2, None))
    assert told(Ordering("least_busy"), target("a"), target("b", per_target=9), target("c"), stands=stands) == [
        ("b", "1 in flight of 9"),
        ("c", "2 in flight"),
        ("a", "3 in flight"),
    ]


def test_what_is_left_of_what_is_free_is_told():
    free = {"b/m": Free(requests_per_minute=2), "c/m": Free(requests_per_day=2)}
    stands = live(b=(0, Told(minute_requests=2)), c=(0, Told(day_requests=1)))
    assert told(Ordering("free_first", free=free), stands=stands) == [
        ("c", "something free is left"),
        ("a", "nothing is free"),
        ("b", "what is free is used up"),
    ]


@pytest.mark.parametrize(
    ("affinity", "body"),
    [("user", {"user": "ann"}), ("session", {"conversation": "ann"}), ("cache_key", {"prompt_cache_key": "ann"})],
)
def test_a_request_that_stays_is_told_why(affinity, body):
    head, *rest = told(Ordering(affinity=affinity), body=body)
    assert head[1] == f"this {affinity.replace('_', ' ')}'s own; as the chain stands"
    assert {reason for _, reason in rest} == {"as the chain stands"}


def test_what_follows_the_chain_is_told_to():
    found = resolution(Ordering("cost"), target("a"), target("z"))
    shorter = Resolution("m", "", found.targets, ModelRoute("m", found.route.chain[:1], ordering=found.route.ordering))
    _, reasons = foreseen(shorter, {}, Job(), CHAT)
    assert reasons == {"a/m": "no price", "z/m": "of the chain that follows"}
