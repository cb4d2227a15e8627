"""How good a model's answers are, out of the qualities of single ones. Pure.

Each counts the less the older it is: half after `HALF_LIFE_S`, a quarter after twice that. What people said counts ten
times what an answer showed by itself, for that shows only that nothing went visibly wrong. A request that was scored
counts by its score alone.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from proxy.usage.fares import AGE_S, Aged
from proxy.usage.signals import SHOWN_WEIGHT

HALF_LIFE_S: Final = 7 * 86_400


class Quality(Struct, frozen=True):
    value: float | None
    """From 0 to 1; None where nothing is known."""
    scores: int
    """Requests that people scored."""
    shown: int
    """Others whose answers showed something."""


def quality(aged: Iterable[Aged]) -> Quality:
    """The weighted mean."""
    weights = total = 0.0
    scores = shown = 0
    for one in aged:
        weight = weight_of(one.age, given=one.given)
        weights += weight * one.quality.count
        total += weight * one.quality.sum
        if one.given:
            scores += one.quality.count
        else:
            shown += one.quality.count
    return Quality(total / weights if weights else None, scores, shown)


def weight_of(age: int, *, given: bool) -> float:
    """`age` in steps of `AGE_S`."""
    return float(0.5 ** (age * AGE_S / HALF_LIFE_S)) * (1.0 if given else SHOWN_WEIGHT)
