"""Which fractions of a budget have been reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.alerts.thresholds import NEVER, following, marks, thresholds
from proxy.config.spending import Budget


def budget(amount: int, *alerts: float) -> Budget:
    return Budget("b", "usd", amount, "day", alerts=alerts)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0, 79, ()),
        (0, 80, (0.8,)),
        (79, 80, (0.8,)),
        (80, 99, ()),
        (80, 100, (1.0,)),
        (0, 100, (0.8, 1.0)),
        (99, 500, (1.0,)),
        (100, 500, ()),
        (80, 80, ()),
        (90, 10, ()),
    ],
)
def test_a_threshold_is_reached_once_on_the_way(before, after, told):
    assert thresholds(budget(100, 0.8, 1.0), before, after) == told


def test_a_threshold_may_lie_beyond_the_budget():
    assert thresholds(budget(100, 1.5), 100, 150) == (1.5,)


def test_a_fraction_is_what_was_written():
    """0.07 of a million is 70,000, though the nearest binary number is a little more."""
    assert marks(budget(1_000_000, 0.07, 0.29)) == ((0.07, 70_000), (0.29, 290_000))
    assert marks(budget(3, 0.5)) == ((0.5, 2),)


def test_the_next_threshold_is_the_first_beyond_what_is_spent():
    told = [following(budget(100, 0.8, 1.0, 1.5), spent) for spent in (0, 79, 80, 99, 100, 149, 150, 10**9)]
    assert told == [80, 80, 100, 100, 150, 150, NEVER, NEVER]
    assert following(budget(100), 0) == NEVER


@given(st.integers(1, 10**16), st.lists(st.floats(0.001, 10), max_size=5), st.lists(st.integers(0, 10**17), max_size=8))
def test_however_it_is_spent_each_is_told_once(amount, alerts, steps):
    whole, spent, told = budget(amount, *set(alerts)), 0, []
    for step in steps:
        told += thresholds(whole, spent, spent + step)
        spent += step
    assert told == sorted(told) == [fraction for fraction, mark in marks(whole) if mark <= spent]
