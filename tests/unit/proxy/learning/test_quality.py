"""Old qualities fade, and what people say goes before what answers show."""

import pytest

from proxy.learning.quality import HALF_LIFE_S, quality, weight_of
from proxy.usage.fares import AGE_S, Aged, Sample
from proxy.usage.signals import SHOWN_WEIGHT


def given(hours, *values):
    return aged(hours, values, given=True)


def shown(hours, *values):
    return aged(hours, values, given=False)


def aged(hours, values, *, given):
    return Aged(hours, given, Sample(len(values), sum(values), sum(value * value for value in values)))


def test_a_quality_counts_half_after_the_half_life():
    assert weight_of(HALF_LIFE_S // AGE_S, given=True) == 0.5
    assert weight_of(2 * HALF_LIFE_S // AGE_S, given=False) == 0.25 * SHOWN_WEIGHT
    assert quality([given(0, 1.0), given(HALF_LIFE_S // AGE_S, 0.0)]).value == pytest.approx(2 / 3)


def test_one_score_weighs_as_much_as_ten_signals():
    found = quality([given(0, 0.0), shown(0, *[1.0] * 10)])
    assert (found.value, found.scores, found.shown) == (pytest.approx(0.5), 1, 10)


def test_of_nothing_nothing_is_known():
    assert quality([]).value is None
