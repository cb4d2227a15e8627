"""Intervals are those of the tables and of published examples."""

import pytest

from proxy.learning.statistics import Interval, mean, means_apart, normal, ratio, ratios_apart, student, variance
from proxy.usage.fares import Sample


def sample(*values):
    return Sample(len(values), sum(values), sum(value * value for value in values))


@pytest.mark.parametrize(("confidence", "z"), [(0.9, 1.644854), (0.95, 1.959964), (0.99, 2.575829)])
def test_the_normal_distribution_is_the_tables(confidence, z):
    assert normal(confidence) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize(
    ("confidence", "freedom", "t"),
    [
        (0.95, 1, 12.7062), (0.95, 2, 4.3027), (0.95, 5, 2.5706), (0.95, 10, 2.2281), (0.95, 30, 2.0423),
        (0.95, 120, 1.9799), (0.99, 4, 4.6041), (0.9, 9, 1.8331), (0.95, 1e6, 1.95997), (0.999, 3, 12.9240),
    ],
)  # fmt: skip
def test_students_distribution_is_the_tables(confidence, freedom, t):
    assert student(confidence, freedom) == pytest.approx(t, abs=6e-5)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)  # fmt: skip
def test_a_ratios_interval_is_wilsons(successes, trials, low, high):
    """The first four are Newcombe's examples (Statistics in Medicine 17, 1998, method 3)."""
    found = ratio(successes, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_two_ratios_differ_as_newcombe_says(one, other, low, high):
    """His method 10, its own examples."""
    found = ratios_apart(one, other)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_a_means_interval_is_students():
    """2, 4, 4, 4, 5, 5, 7, 9: mean 5, variance 32/7, t(7) = 2.3646."""
    values = sample(2, 4, 4, 4, 5, 5, 7, 9)
    assert variance(values) == pytest.approx(32 / 7)
    half = 2.36462 * (32 / 7 / 8) ** 0.5
    assert mean(values).low == pytest.approx(5 - half, abs=1e-4)
    assert mean(values).high == pytest.approx(5 + half, abs=1e-4)


def test_two_means_differ_as_welch_says():
    """A textbook's samples of unequal spreads: 2.773 apart, 27.8 degrees of freedom, for which t is 2.0491."""
    one = sample(27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4)
    other = sample(27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.2, 23.8)
    found = means_apart(one, other)
    assert (found.low, found.high) == (pytest.approx(-4.7856, abs=1e-3), pytest.approx(-0.7611, abs=1e-3))
    assert found.decides


def test_of_nothing_nothing_is_said():
    assert ratio(0, 0) is ratios_apart((0, 0), (1, 2)) is mean(Sample()) is mean(sample(1)) is None
    assert means_apart(sample(1, 2), sample(1)) is None


def test_values_that_are_all_alike_leave_no_doubt():
    assert mean(sample(3, 3, 3)) == Interval(3, 3)
    assert means_apart(sample(3, 3), sample(1, 1)) == Interval(2, 2)
    assert not Interval(-0.1, 0.1).decides
