"""Whether something grows, said with what is not known of it.

A series is cut into blocks of equal length in time and each block told by one number, for neighbouring samples of one
process say nearly the same and would pass for evidence that they are not. Of the blocks' numbers the slope is Sen's:
the median of the slopes of all pairs, which a busy moment does not move. Its interval is Kendall's: how the pairs would
be ordered by chance alone says which of the sorted slopes bound it. Nothing is assumed of how the noise is distributed.

A bound is broken where even the interval's lower end is above it, kept where the upper end is not, and open otherwise:
then the run was too short for its noise to tell.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

CONFIDENCE_Z = 1.645
"""Of a normal distribution: one side in twenty, at each end of the interval."""
BLOCKS = 12

Series = Sequence[tuple[float, float]]
"""Pairs of seconds and value, in order."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth a second: the estimate, and the interval in which it lies nine times in ten."""

    per_s: float
    low: float
    high: float

    def over(self, seconds: float, unit: float = 1.0) -> "Slope":
        """The growth in so long a time, in `unit`s."""
        factor = seconds / unit
        return Slope(self.per_s * factor, self.low * factor, self.high * factor)

    def within(self, bound: float) -> bool | None:
        """Whether it is at most `bound` a second; None: cannot be told."""
        if self.low > bound:
            return False
        return True if self.high <= bound else None


def blocks(series: Series, told: Callable[[Sequence[float]], float], count: int = BLOCKS) -> list[tuple[float, float]]:
    """`count` blocks: the middle of each one's time, and what `told` makes of its values. Empty blocks are left out."""
    if not series:
        return []
    began, ended = series[0][0], series[-1][0]
    length = (ended - began) / count or 1.0
    values: list[list[float]] = [[] for _ in range(count)]
    for at, value in series:
        values[min(count - 1, int((at - began) / length))].append(value)
    return [(began + (number + 0.5) * length, told(of)) for number, of in enumerate(values) if of]


def slope(points: Series) -> Slope:
    """Sen's, of at least four points; of fewer nothing is known."""
    slopes = sorted((b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t != s)
    if len(points) < 4:
        return Slope(median(slopes) if slopes else 0.0, -math.inf, math.inf)
    n = len(points)
    spread = CONFIDENCE_Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = math.floor((len(slopes) - spread) / 2)
    high = math.ceil((len(slopes) + spread) / 2)
    return Slope(
        median(slopes),
        slopes[low] if low >= 0 else -math.inf,
        slopes[high] if high < len(slopes) else math.inf,
    )
