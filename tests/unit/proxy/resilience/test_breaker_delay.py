"""What a look at the provider does to a breaker: it may wait longer, and that is all. Opened, it is so for 30 s."""

import pytest

from proxy.resilience.breaker import State
from tests.unit.proxy.resilience.stages import T, fail, to_open, to_probe, to_ramp


def test_open_lasts_longer_while_the_provider_is_down(breaker):
    to_open(breaker)
    breaker.delay(T + 20, T + 41)
    assert breaker.admit(T + 40, 30) is None
    assert breaker.next_admit(T + 40) == breaker.snapshot(T + 40).reopens_at == T + 41
    assert breaker.admit(T + 41, 30).role == "probe"


def test_a_later_look_replaces_an_earlier_one(breaker):
    to_open(breaker)
    breaker.delay(T + 20, T + 60)
    breaker.delay(T + 25, T + 40)
    assert breaker.snapshot(T + 25).reopens_at == T + 40


@pytest.mark.parametrize("until", [T, T + 10, T + 29])
def test_it_is_never_over_before_its_time(breaker, until):
    to_open(breaker)
    breaker.delay(T + 5, until)
    assert breaker.snapshot(T + 5).reopens_at == T + 30


def test_the_wait_that_the_target_asked_for_stays(breaker):
    fail(breaker, T, 4)
    breaker.settle(breaker.admit(T, 30), "fail", T, retry_at=T + 500)
    breaker.delay(T + 100, T + 120)
    assert breaker.snapshot(T + 100).reopens_at == T + 500


def test_no_look_delays_it_past_the_longest_opening(breaker):
    """The list of models may be down alone."""
    to_open(breaker)
    breaker.delay(T + 20, T + 1000)
    assert breaker.snapshot(T + 20).reopens_at == T + 300
    assert breaker.state(T + 300) is State.PROBE


@pytest.mark.parametrize("to", [to_probe, to_ramp])
def test_half_open_is_the_requests_business(breaker, to):
    to(breaker)
    before = breaker.snapshot(T)
    breaker.delay(T, T + 100)
    assert breaker.snapshot(T) == before


def test_a_closed_breaker_stays_closed(breaker):
    breaker.delay(T, T + 100)
    assert breaker.state(T) is State.CLOSED


def test_a_forced_call_that_is_answered_ends_a_delay_too(breaker):
    to_open(breaker)
    breaker.delay(T + 20, T + 60)
    breaker.settle(breaker.force(T + 40), "success", T + 40)
    assert breaker.state(T + 40) is State.PROBE
