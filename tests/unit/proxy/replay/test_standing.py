"""A replay begins where breakers, waits and keys stood."""

import pytest

from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for
from proxy.config.values import BreakerSettings, Provider, ProviderKey, RetrySettings, Target, TimeoutSettings
from proxy.replay.standing import resume
from proxy.resilience.breaker import State
from proxy.resilience.targets import Registry
from translators.ir import Dialect

KEYS = (ProviderKey("env:A", Secret("a")), ProviderKey("env:B", Secret("b")))
ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1", keys=KEYS)
TARGET = Target(ALPHA, "m", profile_for(ALPHA, "m"), BreakerSettings(), RetrySettings(), TimeoutSettings())


@pytest.fixture
def registry():
    return Registry(lambda: 0.5, b"k" * 32)


def told(state, **breaker):
    at_rest = {"reason": None, "failures": 0, "openings": 0, "opens_for_s": None, "ramp": None}
    return {"target": "alpha/m", "throttled_for_s": None, "breaker": at_rest | {"state": state} | breaker}


def resumed(registry, **before):
    resume(registry, [TARGET], before, 100.0)
    return registry.target(TARGET, 100.0)


def test_an_open_breaker_is_open_for_what_was_left(registry):
    state = resumed(registry, targets=[told("OPEN", reason="consecutive", openings=2, opens_for_s=7.0)])
    snapshot = state.breaker.snapshot(106.9)
    assert (snapshot.state, snapshot.openings, snapshot.reopens_at) == (State.OPEN, 2, 107.0)
    assert state.breaker.state(107.0) is State.PROBE


def test_failures_a_probe_and_a_ramp_go_on(registry):
    assert resumed(registry, targets=[told("CLOSED", failures=3)]).breaker.snapshot(100.0).failures == 3
    assert resumed(registry, targets=[told("PROBE")]).breaker.state(100.0) is State.PROBE
    breaker = resumed(registry, targets=[told("RAMP", ramp=0.5)]).breaker
    assert breaker.snapshot(100.0).ramp == pytest.approx(0.5)
    assert breaker.state(115.0) is State.CLOSED


def test_a_wait_goes_on(registry):
    state = resumed(registry, targets=[told("CLOSED") | {"throttled_for_s": 4.0}])
    assert state.throttle.free_at(100.0) == 104.0


def test_keys_are_off_and_wait_as_they_were(registry):
    resumed(registry, keys={"alpha": [{"off": "auth", "off_for_s": 60}, {"throttled_for_s": 5.0}], "other": [{}]})
    pool = registry.keys(ALPHA)
    assert [key.off_kind for key in pool.snapshot(100.0)] == ["auth", None]
    assert pool.choose(104.9) is None
    assert pool.choose(105.0).source == "env:B"


def test_what_the_configuration_does_not_have_is_left_out(registry):
    state = resumed(registry, targets=[told("OPEN", opens_for_s=9.0) | {"target": "gone/m"}])
    assert state.breaker.state(100.0) is State.CLOSED
