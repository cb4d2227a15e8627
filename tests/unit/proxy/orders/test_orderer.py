"""A chain in the order that its configuration asks for."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from proxy.config.orders import AFFINITIES, ORDERS, Free, Ordering
from proxy.config.spending import Price
from proxy.config.values import (
    BreakerSettings,
    Client,
    ModelRoute,
    Provider,
    RetrySettings,
    Step,
    Target,
    TimeoutSettings,
)
from proxy.flow import Exchange, Who
from proxy.orders.orderer import POOLS_MAX, Orderer
from proxy.resilience.observed import FEW, Observed
from proxy.resilience.targets import Registry
from proxy.routing.resolve import Resolution
from translators.catalog import codec
from translators.codec import Envelope
from translators.faults import Malformed
from translators.ir import Dialect, Usage
from translators.profile import Profile

NAMES = ("a/large", "b/large", "c/large")


class Clock:
    def __init__(self, chance=()) -> None:
        self.time = 1_000.0
        self.chance = iter(chance)

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    def uniform(self) -> float:
        return next(self.chance, 0.999)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class World:
    def __init__(self, chance=()) -> None:
        self.clock = Clock(chance)
        self.registry = Registry(self.clock.uniform, b"k")
        self.orderer = Orderer(self.registry, self.clock)

    def names(self, found, exchange=None):
        return [target.name for target in self.orderer.ordered(exchange or asking(), found).targets]

    def observed(self, target) -> Observed:
        state = self.registry.target(target, self.clock.now())
        if state.observed is None:
            state.observed = Observed()
        return state.observed

    def took(self, found, *seconds, stream=False):
        for target, took in zip(found.targets, seconds, strict=True):
            one = self.observed(target)
            one.asked_at = self.clock.now()
            for _ in range(FEW * (took is not None)):
                one.served(self.clock.now(), took, stream=stream)


def target(name: str, price=None, per_target=0) -> Target:
    provider, _, model = name.partition("/")
    at = Provider(provider, Dialect.OPENAI_CHAT, f"https://{provider}.test", per_target=per_target)
    return Target(at, model, Profile(provider=provider), BreakerSettings(), RetrySettings(), TimeoutSettings(), price)


def resolution(ordering, *targets, chain=None) -> Resolution:
    targets = tuple(target(one) if isinstance(one, str) else one for one in targets or NAMES)
    steps = tuple(Step(*one.split("/", 1)) for one in chain or [one.name for one in targets])
    return Resolution("m", "", targets, ModelRoute("m", steps, ordering=ordering))


def asking(payload=None, *, stream=False, headers=None, client=None) -> Exchange:
    made = Exchange(
        "id", "chat", "POST", "/v1/chat/completions", headers or {}, None, "peer", None, codec(Dialect.OPENAI_CHAT), 0.0
    )
    made.payload = {"model": "m", "messages": []} if payload is None else payload
    made.envelope = Envelope("m", stream=stream, include_usage=False)
    made.client = client
    return made


PRICES = st.none() | st.integers(0, 10**12).map(lambda nanos: Price(nanos, nanos))
FIGURES = st.tuples(st.none() | st.floats(0, 1e6), st.integers(0, 99), PRICES, st.integers(0, 9))


@settings(max_examples=60, deadline=None)
@given(
    order=st.sampled_from(ORDERS),
    affinity=st.sampled_from(AFFINITIES),
    figures=st.lists(FIGURES, min_size=1, max_size=6),
    weights=st.lists(st.floats(0, 100), max_size=6),
    own=st.integers(0, 6),
    chance=st.lists(st.floats(0, 1, exclude_max=True), max_size=20),
    user=st.text(max_size=5),
)
def test_an_order_loses_no_target_and_adds_none(order, affinity, figures, weights, own, chance, user):
    world, names = World(chance), [f"p{place}/m" for place in range(len(figures))]
    found = resolution(
        Ordering(order, dict(zip(names, weights, strict=False)), {names[0]: Free(requests_per_day=1)}, affinity),
        *(target(name, one[2], one[3]) for name, one in zip(names, figures, strict=True)),
        chain=names[:own] or ["other/m"],
    )
    for one, (_, in_flight, _, _) in zip(found.targets, figures, strict=True):
        world.registry.target(one, 0.0).in_flight = in_flight
    world.took(found, *(one[0] for one in figures))
    exchange = asking({"user": user, "prompt_cache_key": user}, headers={"x-sidestep-session": user})
    for _ in range(2):
        arranged = world.names(found, exchange)
        assert sorted(arranged) == sorted(names)
        mine = min(own, len(names))
        assert set(arranged[:mine]) == set(names[:mine])
        assert arranged[mine:] == names[mine:]


def test_a_chain_of_one_target_is_left_as_it_is():
    found = resolution(Ordering("latency"), "a/large")
    assert World().orderer.ordered(asking(), found) is found


def test_weights_are_drawn_for_each_request():
    world = World(itertools.cycle([0.1, 0.2, 0.9, 0.9, 0.9, 0.2]))
    found = resolution(Ordering("weighted", {"a/large": 1, "b/large": 4, "c/large": 1}))
    assert [world.names(found)[0] for _ in range(2)] == ["b/large", "c/large"]


def test_a_target_asked_by_any_name_has_the_weight_of_its_provider():
    world = World([0.5, 0.5])
    found = resolution(Ordering("weighted", {"b/*": 9}), "a/large", "b/large", chain=["a/large", "b/*"])
    assert world.names(found) == ["b/large", "a/large"]


def test_the_quickest_leads_and_streams_are_judged_apart():
    world, found = World(), resolution(Ordering("latency"))
    world.took(found, 0.5, 0.2, 0.4)
    world.took(found, 1.0, 5.0, 9.0, stream=True)
    assert world.names(found) == ["b/large", "c/large", "a/large"]
    assert world.names(found, asking(stream=True)) == list(NAMES)


def test_who_leads_is_remembered_until_another_is_quicker_by_a_margin():
    world, found = World(), resolution(Ordering("latency"), "a/large", "b/large")
    world.took(found, 1.0, 1.1)
    assert world.names(found)[0] == "a/large"
    world.clock.time += 60
    for _ in range(50):
        world.observed(found.targets[1]).served(world.clock.now(), 0.9, stream=False)
    assert world.names(found)[0] == "a/large"
    for _ in range(100):
        world.observed(found.targets[1]).served(world.clock.now(), 0.3, stream=False)
    assert world.names(found)[0] == "b/large"


def test_of_requests_that_come_together_only_one_explores():
    world, found = World([0.0, 0.0]), resolution(Ordering("latency"), "a/large", "b/large")
    world.took(found, 0.2, 0.2)
    world.clock.time += 60
    assert [world.names(found)[0] for _ in range(2)] == ["b/large", "a/large"]


def test_the_cheapest_for_this_request_leads():
    cheap_in, cheap_out = Price(10**9, 50 * 10**9), Price(9 * 10**9, 10**9)
    found = resolution(Ordering("cost"), target("a/m"), target("b/m", cheap_in), target("c/m", cheap_out))
    world = World()
    assert world.names(found) == ["c/m", "b/m", "a/m"]
    long = asking({"messages": [{"role": "user", "content": "word " * 20_000}], "max_tokens": 10})
    assert world.names(found, long) == ["b/m", "c/m", "a/m"]
    world.observed(found.targets[2]).used(0.0, 0.0, Usage(1, 1))
    assert world.names(found, asking({"messages": [{"content": "word " * 200}]})) == ["b/m", "c/m", "a/m"]


def test_the_less_busy_of_two_leads():
    world, found = World([0.0, 0.5]), resolution(Ordering("least_busy"))
    for one, in_flight in zip(found.targets, (5, 2, 3), strict=True):
        world.registry.target(one, 0.0).in_flight = in_flight
    assert world.names(found) == ["b/large", "c/large", "a/large"]


def test_what_is_free_comes_first_until_it_is_used_and_again_in_the_next_minute():
    world, found = World(), resolution(Ordering("free_first", free={"b/large": Free(requests_per_minute=1)}))
    assert world.names(found) == ["b/large", "a/large", "c/large"]
    world.observed(found.targets[1]).begun(world.clock.now(), world.clock.wall(), 1)
    assert world.names(found) == list(NAMES)
    world.clock.time += 60
    assert world.names(found)[0] == "b/large"


def test_a_user_stays_and_users_are_spread():
    world, found = World(), resolution(Ordering(affinity="user"))
    heads = {user: world.names(found, asking({"user": user}))[0] for user in map(str, range(60))}
    assert {user: world.names(found, asking({"user": user}))[0] for user in heads} == heads
    assert min(Counter(heads.values())[name] for name in NAMES) > 10


def test_behind_the_users_own_target_the_others_stand_as_the_order_says():
    world, found = World(), resolution(Ordering("latency", affinity="user"))
    world.took(found, 0.9, 0.5, 0.1)
    rest = {tuple(world.names(found, asking({"user": user}))) for user in map(str, range(40))}
    assert rest == {
        ("a/large", "c/large", "b/large"),
        ("b/large", "c/large", "a/large"),
        ("c/large", "b/large", "a/large"),
    }


def test_a_request_that_does_not_say_whose_it_is_meets_the_order_alone():
    assert World().names(resolution(Ordering(affinity="user"))) == list(NAMES)


def test_users_of_two_clients_are_two_even_by_the_same_name():
    world, found = World(), resolution(Ordering(affinity="user"))
    clients = [Client(name, (), speaks_for=("user",)) for name in map(str, range(20))]
    assert len({world.names(found, asking({"user": "u"}, client=one))[0] for one in clients}) == 3


def test_a_user_that_was_found_before_is_not_looked_for_again():
    world, found = World(), resolution(Ordering(affinity="user"))
    known = asking({"user": "other"})
    known.who = Who(user="u")
    assert world.names(found, known) == world.names(found, asking({"user": "u"}))


def test_a_user_who_may_not_be_named_is_refused():
    exchange = asking(headers={"x-sidestep-user": "u"}, client=Client("app", ()))
    with pytest.raises(Malformed, match="may not say which user"):
        World().names(resolution(Ordering(affinity="user")), exchange)


def test_what_follows_the_chain_stays_behind_it():
    found = resolution(
        Ordering("cost"), *(target(one, Price(9, 9)) for one in ("a/m", "b/m")), target("z/m", Price(0, 0))
    )
    found = structs.replace(found, route=structs.replace(found.route, chain=(Step("b", "m"), Step("a", "m"))))
    assert World().names(found) == ["a/m", "b/m", "z/m"]


def test_a_new_configuration_counts_at_once():
    world = World(itertools.cycle([0.5]))
    before = resolution(Ordering("weighted", {"a/large": 9}))
    after = resolution(Ordering("weighted", {"c/large": 9}))
    assert [world.names(found)[0] for found in (before, after)] == ["a/large", "c/large"]


def test_a_new_price_counts_at_once():
    world, first = World(), resolution(Ordering("cost"), target("a/m", Price(1, 1)), target("b/m", Price(2, 2)))
    later = structs.replace(first, targets=(target("a/m", Price(3, 3)), target("b/m", Price(2, 2))))
    assert [world.names(found)[0] for found in (first, later, first)] == ["a/m", "b/m", "a/m"]


def test_names_that_clients_make_up_do_not_fill_the_memory():
    world, ordering = World(), Ordering("weighted")
    for number in range(POOLS_MAX + 5):
        world.names(resolution(ordering, f"a/{number}", "b/m", chain=["a/*", "b/m"]))
    assert len(world.orderer._pools) <= POOLS_MAX
