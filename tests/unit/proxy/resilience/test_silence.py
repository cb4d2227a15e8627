"""Waits that came to nothing, and when they add up to a failure."""

import pytest

from proxy.resilience.silence import Silence

T = 1000.0


def told(*waits: tuple[float, float]) -> list[bool]:
    """What comes of calls that waited from one moment to the other, in the order of their ends."""
    silence = Silence()
    return [silence.add(T + began, T + ended, 30.0) for began, ended in waits]


def in_turn(wait_s: float, count: int) -> list[tuple[float, float]]:
    return [(place * wait_s, (place + 1) * wait_s) for place in range(count)]


@pytest.mark.parametrize(("wait_s", "first"), [(30.0, 1), (15.0, 2), (9.0, 4), (1.0, 30)])
def test_the_first_failure_comes_with_the_whole_of_the_granted_time(wait_s, first):
    assert told(*in_turn(wait_s, first)) == [False] * (first - 1) + [True]


def test_from_then_on_each_third_of_it_is_one():
    found = told(*in_turn(5.0, 12))
    assert [place for place, failed in enumerate(found, 1) if failed] == [6, 8, 10, 12]


def test_calls_side_by_side_prove_no_longer_silence_than_one():
    assert not any(told(*[(0.0, 4.0)] * 100))


def test_once_it_is_proven_calls_side_by_side_count_each():
    assert told(*in_turn(15.0, 2), *[(30.0, 40.0)] * 3)[2:] == [True] * 3


def test_pauses_between_calls_are_no_silence():
    assert not any(told(*[(60.0 * place, 60.0 * place + 1.0) for place in range(20)]))


def test_a_wait_is_measured_by_what_its_own_call_is_granted():
    """29 s say much of a stream, and little of a whole answer."""
    silence = Silence()
    assert not silence.add(T, T + 29, 120.0)
    assert not silence.add(T + 29, T + 38, 30.0)
    assert silence.add(T + 38, T + 58, 30.0)
