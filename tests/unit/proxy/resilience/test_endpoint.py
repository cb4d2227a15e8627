"""When a provider is looked at without a request, and what a look may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.resilience.breaker import State
from proxy.resilience.endpoint import occasion, tell
from proxy.resilience.targets import TargetState
from translators.ir import Dialect
from translators.profile import Profile

T = 1000.0
EVERY = 10.0


def state(model="m"):
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test")
    target = Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
    return TargetState(target, lambda: 0.0, None)


def called(at):
    one = state()
    one.window.note(at, at, 0.0, None)
    return one


def opened(at=T):
    """Open from `at` for 30 s."""
    one = called(at)
    one.breaker.trip(at)
    return one


def test_a_provider_that_nobody_called_is_idle():
    assert occasion([], T, EVERY) == "idle"
    assert occasion([state()], T, EVERY) == "idle"


def test_it_is_idle_once_no_call_ended_for_an_interval():
    assert occasion([called(T)], T + EVERY - 0.1, EVERY) is None
    assert occasion([called(T)], T + EVERY, EVERY) == "idle"


def test_a_call_under_way_tells_enough():
    busy = called(T)
    busy.enter()
    assert occasion([busy], T + 100, EVERY) is None


def test_one_model_with_traffic_tells_for_all():
    assert occasion([called(T), called(T + 99)], T + 100, EVERY) is None


def test_an_open_breaker_is_looked_at_whatever_the_others_do():
    assert occasion([opened(), called(T)], T, EVERY) == "open"


@pytest.mark.parametrize("after", [30.0, 40.0])
def test_one_that_lets_a_probe_through_is_the_requests_business(after):
    one = opened()
    one.window.note(T + after, T, 0.0, "cancelled")
    assert occasion([one], T + after, EVERY) is None


def test_who_asked_to_be_left_alone_is_left_alone():
    waiting = opened()
    waiting.throttle.block(T, 60.0, lambda: 0.0)
    assert occasion([waiting], T + 20, EVERY) is None
    assert occasion([waiting, opened()], T + 20, EVERY) == "open", "another model of it may be looked after"
    assert occasion([waiting], T + 60, EVERY) == "idle"


def test_a_provider_that_is_down_keeps_its_open_breakers_open_and_opens_none():
    out, well = opened(), called(T)
    tell([out, well], T + 25, T + 46)
    assert out.breaker.snapshot(T + 45).state is State.OPEN
    assert out.breaker.state(T + 46) is State.PROBE
    assert well.breaker.state(T + 25) is State.CLOSED


def test_one_that_is_up_again_ends_the_delay_and_not_the_opening():
    out = opened()
    tell([out], T + 25, T + 46)
    tell([out], T + 27, None)
    assert out.breaker.snapshot(T + 27).reopens_at == T + 30
    tell([out], T + 28, T + 49)
    tell([out], T + 35, None)
    assert out.breaker.state(T + 35) is State.PROBE


@given(
    looks=st.lists(st.tuples(st.floats(0.1, 60.0), st.one_of(st.none(), st.floats(0.0, 1000.0))), max_size=30),
)
def test_no_looks_close_a_breaker_or_end_its_opening_early_or_hold_it_for_ever(looks):
    """Whatever they find, and in whatever order."""
    changes = []
    one = state()
    one.breaker._on_change = lambda before, after, reason, at: changes.append((after, at))
    one.breaker.trip(T)
    now = T
    for gap, down_s in looks:
        now += gap
        tell([one], now, None if down_s is None else now + down_s)
    longest = T + BreakerSettings().open_max_s
    assert one.breaker.state(max(now, longest)) is State.PROBE
    assert [after for after, _ in changes] == [State.OPEN, State.PROBE]
    assert T + 30 <= changes[-1][1] <= longest
