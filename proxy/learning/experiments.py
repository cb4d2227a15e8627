"""What an experiment's records say: each arm's figures with their intervals, and whether they decide anything. Pure.

Of each measure the arm that is ahead is held against every other one. It is decided where it is ahead of all of them
with the stated confidence together; for that each comparison is made with more (Bonferroni). Else it is said that the
data do not decide, and by how much the arms may differ. Below `MINIMUM` samples in an arm nothing is decided.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from proxy.config.spending import NANOS, shown_dollars
from proxy.learning.quality import weight_of
from proxy.learning.statistics import CONFIDENCE, Interval, mean, means_apart, ratio, ratios_apart
from proxy.usage.fares import Fare, Sample

MINIMUM: Final = 30
"""Samples of each arm."""


class Measured(Struct, frozen=True):
    """One figure of an arm."""

    value: float | None
    samples: int
    interval: Interval | None


class Arm(Struct, frozen=True):
    name: str
    requests: int
    success: Measured
    """A ratio."""
    latency: Measured
    """Mean milliseconds of successes."""
    cost: Measured
    """Mean dollars of the requests whose price is known."""
    quality: Measured
    """Mean of what is known, from 0 to 1."""
    p50_ms: int | None
    p95_ms: int | None


class Finding(Struct, frozen=True):
    measure: str
    best: str
    """The arm that is ahead; empty where there are not two to compare."""
    decided: bool
    told: str
    """A sentence."""


class Report(Struct, frozen=True):
    experiment: str
    arms: tuple[Arm, ...]
    findings: tuple[Finding, ...]
    confidence: float = CONFIDENCE


class _Measure(Struct, frozen=True):
    name: str
    verb: str
    largest: bool
    """Whether more is better."""
    unit: Callable[[float], str]


_MEASURES: Final = (
    _Measure("success", "succeeds most often", True, lambda value: f"{value:.1%}"),  # noqa: FBT003 - a table
    _Measure("latency", "is fastest", False, lambda value: f"{value:.0f} ms"),  # noqa: FBT003 - likewise
    _Measure("cost", "costs least", False, lambda value: f"{shown_dollars(value)} dollars"),  # noqa: FBT003 - likewise
    _Measure("quality", "is best", True, lambda value: f"{value:.3f}"),  # noqa: FBT003 - likewise
)


def report(experiment: str, fares: Sequence[Fare]) -> Report:
    """`fares` by arm."""
    ordered = sorted(fares, key=lambda fare: fare.names)
    arms = tuple(_arm(fare) for fare in ordered)
    return Report(experiment, arms, tuple(_finding(measure, ordered, arms) for measure in _MEASURES))


def _arm(fare: Fare) -> Arm:
    success = Measured(fare.ok / fare.judged if fare.judged else None, fare.judged, ratio(fare.ok, fare.judged))
    cost, rated = _dollars(fare.cost), _rated(fare)
    return Arm(
        fare.names[0],
        fare.requests,
        success,
        _measured(fare.ms),
        _measured(cost),
        _measured(rated, 1.0),
        fare.p50_ms,
        fare.p95_ms,
    )


def _measured(sample: Sample, most: float = math.inf) -> Measured:
    """Values are from 0 to `most`, and so is their mean, whatever the interval of so few of them says."""
    found = mean(sample)
    within = None if found is None else Interval(max(0.0, found.low), min(most, found.high))
    return Measured(sample.mean, sample.count, within)


def _dollars(cost: Sample) -> Sample:
    return Sample(cost.count, cost.sum / NANOS, cost.squares / NANOS / NANOS)


def _rated(fare: Fare) -> Sample:
    """Whatever its age, what people gave weighs more than what answers showed. Told as a sample of equal weights whose
    mean is the weighted one and no surer than that: its count is the square of the weights' sum by the sum of their
    squares, and each value is as far from the mean as its weight lets it move that."""
    told = [(weight_of(0, given=aged.given), aged.quality) for aged in fare.qualities]
    weight = sum(weight * one.count for weight, one in told)
    if not weight:
        return Sample()
    middle = sum(weight * one.sum for weight, one in told) / weight
    count = round(weight * weight / sum(weight * weight * one.count for weight, one in told))
    moved = sum(weight**2 * (one.squares - 2 * middle * one.sum + middle**2 * one.count) for weight, one in told)
    return Sample(count, count * middle, max(0.0, moved) * (count / weight) ** 2 + count * middle**2)


def _finding(measure: _Measure, fares: Sequence[Fare], arms: Sequence[Arm]) -> Finding:
    known = [(fare, arm) for fare, arm in zip(fares, arms, strict=True) if _of(arm, measure).value is not None]
    if len(known) < 2:
        why = "no arm has" if not known else f"only {known[0][1].name} has"
        return Finding(measure.name, "", decided=False, told=f"{measure.name}: the data do not decide: {why} samples.")
    known.sort(key=lambda one: _of(one[1], measure).value or 0.0, reverse=measure.largest)
    best = known[0][1]
    few = [arm.name for _, arm in known if _of(arm, measure).samples < MINIMUM]
    if few:
        told = f"{measure.name}: the data do not decide: there are fewer than {MINIMUM} samples of {', '.join(few)}."
        return Finding(measure.name, best.name, decided=False, told=told)
    confidence = 1 - (1 - CONFIDENCE) / (len(known) - 1)
    for fare, arm in known[1:]:
        apart = _apart(measure, known[0][0], fare, confidence)
        if apart is None or not apart.decides:
            told = f"{measure.name}: the data do not decide between {best.name} and {arm.name}{_range(measure, apart)}."
            return Finding(measure.name, best.name, decided=False, told=told)
    ahead, after = (_of(arm, measure).value or 0.0 for _, arm in known[:2])
    told = f"{measure.name}: {best.name} {measure.verb}, {measure.unit(ahead)} against {measure.unit(after)}."
    return Finding(measure.name, best.name, decided=True, told=told)


def _of(arm: Arm, measure: _Measure) -> Measured:
    found: Measured = getattr(arm, measure.name)
    return found


def _apart(measure: _Measure, one: Fare, other: Fare, confidence: float) -> Interval | None:
    if measure.name == "success":
        return ratios_apart((one.ok, one.judged), (other.ok, other.judged), confidence)
    of: Callable[[Fare], Sample] = {
        "latency": lambda fare: fare.ms,
        "cost": lambda fare: _dollars(fare.cost),
        "quality": _rated,
    }[measure.name]
    return means_apart(of(one), of(other), confidence)


def _range(measure: _Measure, apart: Interval | None) -> str:
    return "" if apart is None else f": they differ by {measure.unit(apart.low)} to {measure.unit(apart.high)}"


def plain(found: Report) -> dict[str, Any]:
    """In JSON's terms."""
    return {
        "experiment": found.experiment,
        "confidence": found.confidence,
        "minimum_samples": MINIMUM,
        "arms": [
            {
                "arm": arm.name,
                "requests": arm.requests,
                **{measure.name: _plain(_of(arm, measure)) for measure in _MEASURES},
                "p50_ms": arm.p50_ms,
                "p95_ms": arm.p95_ms,
            }
            for arm in found.arms
        ],
        "findings": [
            {"measure": one.measure, "best": one.best or None, "decided": one.decided, "told": one.told}
            for one in found.findings
        ],
    }


def _plain(measured: Measured) -> dict[str, Any]:
    interval = measured.interval
    return {
        "value": measured.value,
        "samples": measured.samples,
        "interval": None if interval is None else [interval.low, interval.high],
    }
