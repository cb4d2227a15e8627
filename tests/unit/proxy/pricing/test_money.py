"""Amounts as they are read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pricing.money import dollars


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


@given(st.integers(-(10**20), 10**20))
def test_no_nano_dollar_is_lost(nanos):
    assert Decimal(dollars(nanos)).scaleb(9) == nanos
    assert "e" not in dollars(nanos).lower()
