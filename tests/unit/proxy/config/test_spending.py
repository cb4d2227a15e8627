"""Amounts are told exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.spending import NANOS, dollars, shown_dollars


@pytest.mark.parametrize(
    ("nanos", "told"),
    [
        (0, "0"), (1, "0.000000001"), (NANOS, "1"), (1_500_000_000, "1.5"), (-1_500_000_000, "-1.5"),
        (10, "0.00000001"), (9_007_199_254_740_993 * NANOS + 1, "9007199254740993.000000001"),
    ],
)  # fmt: skip
def test_nano_dollars_are_told_as_exact_decimal_numbers(nanos, told):
    assert dollars(nanos) == told


@pytest.mark.parametrize(
    ("nanos", "told"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (1_500_000_000, "1.5"),
        (10_000_000_000, "10"),
        (123_456_789, "0.123456789"),
        (-2_500_000_000, "-2.5"),
    ],
)
def test_an_amount_is_a_plain_decimal_number(nanos, told):
    assert dollars(nanos) == told


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0.0, "0.000000"),
        (0.001174, "0.001174"),
        (12.5, "12.500000"),
        (0.0000039, "0.00000390"),
        (-0.00000004127, "-0.0000000413"),
        (1e-12, "0.000000"),
    ],
)
def test_people_are_shown_three_digits_of_what_is_next_to_nothing(amount, told):
    assert shown_dollars(amount) == told


@given(st.integers(-(10**20), 10**20))
def test_no_nano_dollar_is_lost(nanos):
    assert Decimal(dollars(nanos)).scaleb(9) == nanos
    assert "e" not in dollars(nanos).lower()
