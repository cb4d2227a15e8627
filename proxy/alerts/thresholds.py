"""Which of a budget's thresholds its spending has reached. Pure, and in whole numbers."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Final

from proxy.config.spending import Budget

NEVER: Final = 2**63


def marks(budget: Budget) -> tuple[tuple[float, int], ...]:
    """Each fraction that people want to be told of, with the amount that reaches it; ascending."""
    return tuple((fraction, _amount(budget.amount, fraction)) for fraction in sorted(budget.alerts))


def thresholds(budget: Budget, before: int, after: int) -> tuple[float, ...]:
    """The fractions that spending passed on its way from `before` to `after`, ascending."""
    return tuple(_passed(budget, before, after))


def following(budget: Budget, spent: int) -> int:
    """The amount that reaches the next of them; where none is left, more than anybody can spend."""
    return next((amount for _, amount in marks(budget) if amount > spent), NEVER)


def _passed(budget: Budget, before: int, after: int) -> Iterator[float]:
    for fraction, amount in marks(budget):
        if before < amount <= after:
            yield fraction


def _amount(whole: int, fraction: float) -> int:
    """The least that is so much of the whole; a fraction is what was written, not its nearest binary number."""
    return int((whole * Decimal(str(fraction))).to_integral_value(ROUND_CEILING))
