"""How sure figures are: intervals in which the true value lies with a given confidence. Pure, and all in one place.

- A ratio: Wilson's score interval, which holds for few trials and for ratios near 0 and 1.
- A mean: Student's t, from the number of values, their sum and the sum of their squares. It holds for many values
  whatever their distribution, and for few where they are not far from normal.
- The difference of two ratios: Newcombe's interval out of two of Wilson's.
- The difference of two means: Welch's t, which does not take their spreads for equal.

Values are taken to be independent of each other.
"""

import math
from statistics import NormalDist
from typing import Final

from msgspec import Struct

from proxy.usage.fares import Sample

CONFIDENCE: Final = 0.95
_NORMAL: Final = NormalDist()


class Interval(Struct, frozen=True):
    low: float
    high: float

    @property
    def decides(self) -> bool:
        """Of a difference: whether there is one, as far as can be said."""
        return self.low > 0 or self.high < 0


def ratio(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval | None:
    """None where nothing was tried."""
    if trials <= 0:
        return None
    z = normal(confidence)
    part, spread = successes / trials, z * z / trials
    middle = part + spread / 2
    half = z * math.sqrt(part * (1 - part) / trials + spread / (4 * trials))
    return Interval(max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread)))


def mean(sample: Sample, confidence: float = CONFIDENCE) -> Interval | None:
    """None for fewer than two values, of which no spread is known."""
    if sample.mean is None or sample.count < 2:
        return None
    half = student(confidence, sample.count - 1) * math.sqrt(variance(sample) / sample.count)
    return Interval(sample.mean - half, sample.mean + half)


def ratios_apart(one: tuple[int, int], other: tuple[int, int], confidence: float = CONFIDENCE) -> Interval | None:
    """Of the first ratio less the second; each as successes and trials."""
    first, second = ratio(*one, confidence), ratio(*other, confidence)
    if first is None or second is None:
        return None
    p, q = one[0] / one[1], other[0] / other[1]
    low = math.hypot(p - first.low, second.high - q)
    high = math.hypot(first.high - p, q - second.low)
    return Interval(p - q - low, p - q + high)


def means_apart(one: Sample, other: Sample, confidence: float = CONFIDENCE) -> Interval | None:
    """Of the first mean less the second."""
    if one.mean is None or other.mean is None or one.count < 2 or other.count < 2:
        return None
    a, b = variance(one) / one.count, variance(other) / other.count
    apart = one.mean - other.mean
    if a + b == 0:
        return Interval(apart, apart)
    freedom = (a + b) ** 2 / (a * a / (one.count - 1) + b * b / (other.count - 1))
    half = student(confidence, freedom) * math.sqrt(a + b)
    return Interval(apart - half, apart + half)


def variance(sample: Sample) -> float:
    """Of the values that it is a sample of, for two or more."""
    return max(0.0, (sample.squares - sample.sum * sample.sum / sample.count) / (sample.count - 1))


def normal(confidence: float) -> float:
    """How many standard deviations hold so much of a normal distribution, to both sides of its middle."""
    return _NORMAL.inv_cdf((1 + confidence) / 2)


def student(confidence: float, freedom: float) -> float:
    """The same of Student's distribution with so many degrees of freedom, by bisection of its exact tail."""
    tail = 1 - confidence
    low, high = 0.0, 1.0
    while _tails(high, freedom) > tail:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tails(middle, freedom) > tail else (low, middle)
    return high


def _tails(t: float, freedom: float) -> float:
    """The part of Student's distribution further than `t` from its middle: a regularised incomplete beta function."""
    return _beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def _beta(x: float, a: float, b: float) -> float:
    if x <= 0 or x >= 1:
        return min(1.0, max(0.0, x))
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front / a * _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """The function's continued fraction, by Lentz's method."""
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    found = d
    for step in range(1, 300):
        for term in (
            step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step)),
            -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1)),
        ):
            d = 1 / _apart(1 + term * d)
            c = _apart(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return found


def _apart(value: float) -> float:
    """From zero."""
    return value if abs(value) > 1e-300 else 1e-300
