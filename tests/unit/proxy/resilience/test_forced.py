"""Calls made against keys that are off and long waits: rule by rule, and against a plain record over any order."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.config.hidden import Secret
from proxy.config.values import ProviderKey
from proxy.resilience.forced import Forced
from proxy.resilience.keys import KeyPool
from proxy.resilience.throttle import Throttle

T = 1000.0


def pool_of(names):
    keys = tuple(ProviderKey(f"env:{name}", Secret(name)) for name in names)
    return KeyPool("https://acme.test", keys, lambda: 0.0, b"k")


@pytest.fixture
def scene():
    pool = pool_of("A")
    return Forced(), Throttle(), pool, pool.choose(T)


def waiting(throttle, seconds, now=T):
    throttle.block(now, seconds, lambda: 0.0)


def test_where_nothing_stands_in_the_way_no_call_is_counted(scene):
    forced, throttle, pool, key = scene
    assert forced.take(throttle, key, T)
    pool.disable(key, T, "auth")
    assert forced.at(throttle, key, T) == T


@pytest.mark.parametrize("kind", ["auth", "quota"])
def test_a_key_that_is_off_may_be_tried_at_once_and_then_every_ten_seconds(scene, kind):
    forced, throttle, pool, key = scene
    pool.disable(key, T, kind)
    assert [forced.take(throttle, key, T + later) for later in (0, 1, 9.9, 10, 19)] == [True, False, False, True, False]
    assert forced.at(throttle, key, T + 11) == T + 20


def test_a_key_is_due_when_it_is_back_by_itself_if_that_is_sooner(scene):
    forced, throttle, pool, key = scene
    pool.disable(key, T, "auth")
    assert forced.take(throttle, key, T + 295)
    assert forced.at(throttle, key, T + 296) == T + 300
    assert forced.take(throttle, key, T + 300)


@pytest.mark.parametrize("of_key", [False, True])
def test_a_wait_is_kept_for_a_minute_and_then_tried_once_a_minute(scene, of_key):
    forced, throttle, _, key = scene
    waiting(key.throttle if of_key else throttle, 3000)
    assert forced.at(throttle, key, T + 5) == T + 60
    assert [forced.take(throttle, key, T + later) for later in (0, 59, 60, 61, 119, 120)] == [
        False, False, True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("seconds", [3, 30, 60])
def test_a_short_wait_is_kept_to_its_end(scene, seconds):
    forced, throttle, _, key = scene
    waiting(throttle, seconds)
    assert not forced.take(throttle, key, T + seconds - 0.1)
    assert forced.at(throttle, key, T + 1) == T + seconds


def test_a_wait_that_is_asked_for_anew_is_kept_for_a_minute_from_then(scene):
    forced, throttle, _, key = scene
    waiting(throttle, 50)
    waiting(throttle, 50, T + 49)
    assert forced.at(throttle, key, T + 60) == T + 99


def test_where_a_key_is_off_and_its_target_waits_both_must_be_due(scene):
    forced, throttle, pool, key = scene
    pool.disable(key, T, "auth")
    waiting(throttle, 3000)
    assert forced.at(throttle, key, T) == T + 60
    assert forced.take(throttle, key, T + 60)
    assert forced.at(throttle, key, T + 61) == T + 120


def test_keys_that_are_off_take_turns():
    forced, throttle, pool = Forced(), Throttle(), pool_of("ABC")
    for key in pool.each():
        pool.disable(key, T, "auth")
    tried = []
    for n in range(6):
        key, at = forced.soonest(throttle, pool, T + 10 * n)
        assert at == T + 10 * n and forced.take(throttle, key, at)
        pool.acquire(key)
        pool.release(key)
        tried.append(key.source[-1])
    assert "".join(tried) == "ABCABC"


def test_without_keys_there_is_nothing_to_try():
    pool = KeyPool("https://acme.test", (ProviderKey("entra:x", None),), lambda: 0.0, b"k")
    assert Forced().soonest(Throttle(), pool, T) is None


class ForcedMachine(RuleBasedStateMachine):
    """Over any order of refusals, waits, answers and time, the calls keep to their rates."""

    def __init__(self):
        super().__init__()
        self.forced, self.throttle, self.pool = Forced(), Throttle(), pool_of("AB")
        self.now = T
        self.by_key, self.by_wait = {}, []

    @rule(seconds=st.sampled_from([0.5, 4.0, 10.0, 31.0, 60.0, 400.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(at=st.integers(0, 1), kind=st.sampled_from(["auth", "quota"]))
    def a_key_is_refused(self, at, kind):
        self.pool.disable([*self.pool.each()][at], self.now, kind)

    @rule(place=st.integers(0, 2), seconds=st.sampled_from([5.0, 59.0, 61.0, 3000.0]))
    def a_wait_is_asked_for(self, place, seconds):
        throttles = [self.throttle, *(key.throttle for key in self.pool.each())]
        waiting(throttles[place], seconds, self.now)

    @rule(answered=st.booleans())
    def a_call_is_wanted(self, answered):
        key, at = self.forced.soonest(self.throttle, self.pool, self.now)
        waits = [one for one in (self.throttle, key.throttle) if one.until > self.now]
        off = key.off_until > self.now
        took = self.forced.take(self.throttle, key, self.now)
        assert took == (at <= self.now)
        if not took:
            return
        if off:
            assert self.now - self.by_key.get(key.source, -math.inf) >= 10
            self.by_key[key.source] = self.now
        if waits:
            assert all(self.now - one.since >= 60 for one in waits)
            assert all(self.now - before >= 60 for before in self.by_wait)
            self.by_wait.append(self.now)
        if answered:
            self.pool.free(key, self.now)
            for one in waits:
                one.clear()

    @invariant()
    def a_call_is_never_further_away_than_its_rate_allows(self):
        _, at = self.forced.soonest(self.throttle, self.pool, self.now)
        assert self.now <= at <= self.now + 60


TestForcedMachine = ForcedMachine.TestCase
TestForcedMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
