"""Amounts are told exactly."""

import pytest

from proxy.config.spending import NANOS, dollars


@pytest.mark.parametrize(
    ("nanos", "told"),
    [
        (0, "0"), (1, "0.000000001"), (NANOS, "1"), (1_500_000_000, "1.5"), (-1_500_000_000, "-1.5"),
        (10, "0.00000001"), (9_007_199_254_740_993 * NANOS + 1, "9007199254740993.000000001"),
    ],
)  # fmt: skip
def test_nano_dollars_are_told_as_exact_decimal_numbers(nanos, told):
    assert dollars(nanos) == told
