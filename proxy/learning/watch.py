"""Whether a model, or what a strategy chooses, fares badly of late. Pure; the time is passed in.

A `Subject` keeps the requests of its window, the latest `SAMPLES` at most, and what the day has cost. `look` says what
has turned since it looked last: a mark was passed, or is passed no longer. So that nothing flaps, a mark that was
passed counts as passed until the figure is better than it by a fifth of the mark (of quality: a fifth of what is
missing to 1), or nobody asked for a whole window. Nothing is said of fewer samples than the minimum. A day's cost
passes its mark once.

A request has one quality: what its answer showed, or the latest score that somebody gave it, which weighs as in
`proxy.learning.quality`. Samples of unlike weight count as many as would tell as much with equal ones (the square of
their weights' sum, by the sum of the squares): so it takes more than a few scores to say anything.

Failures are those of providers: what they refuse, and what ends for want of time, room or money, is not theirs.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from proxy.config.spending import Marks
from proxy.usage.record import FAILED, OK, Record
from proxy.usage.signals import SHOWN_WEIGHT, SIGNALS

SAMPLES: Final = 256
DAY_S: Final = 86_400
BETTER: Final = 0.2
"""By which part of its mark a figure must be better before it counts as good again."""
P95, FAILURES, QUALITY, COST = "p95_s", "failure_ratio", "quality", "daily_usd"
SIGNS: Final = (P95, FAILURES, QUALITY, COST)
"""What is looked at, by the names of the marks."""


class Turn(Struct, frozen=True):
    """Something turned bad, or good again."""

    sign: str
    """One of `SIGNS`."""
    bad: bool
    value: float | None
    """Of seconds, a ratio, or nano-dollars; None: nobody asked any more."""
    mark: float
    samples: int


class _Sample(Struct, frozen=True):
    at: float
    ms: int | None
    """Of a success."""
    failed: bool


class _Rated(Struct, frozen=True):
    at: float
    """When the request ended, in loop time."""
    quality: float
    weight: float


class Subject:
    """One model or strategy."""

    __slots__ = ("_bad", "_costs", "_day", "_nanos", "_rated", "_samples")

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=SAMPLES)
        self._rated: OrderedDict[str, _Rated] = OrderedDict()
        self._bad: set[str] = set()
        self._day = 0
        self._nanos = 0
        self._costs = 0

    def note(self, record: Record, now: float) -> None:
        """A request ended."""
        outcome = record.outcome
        failed = False if outcome == OK else (True if outcome in FAILED else None)
        quality = SIGNALS.get(record.signal)
        if failed is not None:
            self._samples.append(_Sample(now, record.ms if outcome == OK else None, failed))
        if quality is not None:
            self._rate(record.id, _Rated(now, quality, SHOWN_WEIGHT))
        if record.cost:
            day = int(record.at // DAY_S)
            if day != self._day:
                self._day, self._nanos, self._costs = day, 0, 0
            self._nanos += record.cost
            self._costs += 1

    def score(self, request: str, quality: float, ended: float) -> None:
        """Somebody scored the answer of a request that ended at that time."""
        self._rate(request, _Rated(ended, quality, 1.0))

    def _rate(self, request: str, rated: _Rated) -> None:
        """A later one takes the place of an earlier."""
        self._rated[request] = rated
        if len(self._rated) > SAMPLES:
            self._rated.popitem(last=False)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look at."""
        return not self._samples and not self._rated and not self._bad - {COST}

    def look(self, marks: Marks, now: float, wall: float) -> Iterator[Turn]:
        """What has turned; `wall` in Unix seconds."""
        samples = self._samples
        while samples and samples[0].at <= now - marks.window_s:
            samples.popleft()
        took = sorted(one.ms for one in samples if one.ms is not None)
        judged = [one.failed for one in samples]
        p95 = took[math.ceil(0.95 * len(took)) - 1] / 1000 if took else None
        yield from self._turn(P95, p95, marks.p95_s, len(took), marks.minimum)
        ratio = sum(judged) / len(judged) if judged else None
        yield from self._turn(FAILURES, ratio, marks.failure_ratio, len(judged), marks.minimum)
        quality, worth = self._quality(now - marks.window_s)
        yield from self._turn(QUALITY, quality, marks.quality, worth, marks.minimum, below=True)
        yield from self._spent(marks, wall)

    def _quality(self, after: float) -> tuple[float | None, int]:
        """The weighted mean of the requests that ended after that, and how many samples of equal weight it is worth."""
        for request in [request for request, one in self._rated.items() if one.at <= after]:
            del self._rated[request]
        rated = self._rated.values()
        if not rated:
            return None, 0
        weight = sum(one.weight for one in rated)
        quality = sum(one.quality * one.weight for one in rated) / weight
        return quality, round(weight * weight / sum(one.weight * one.weight for one in rated))

    def _turn(
        self, sign: str, value: float | None, mark: float, samples: int, minimum: int, *, below: bool = False
    ) -> Iterator[Turn]:
        was = sign in self._bad
        if value is None or not mark:
            bad = False
        elif samples < minimum:
            bad = was
        elif below:
            bad = value < (mark + BETTER * (1 - mark) if was else mark)
        else:
            bad = value > (mark * (1 - BETTER) if was else mark)
        if bad != was:
            self._bad ^= {sign}
            yield Turn(sign, bad, value, mark, samples)

    def _spent(self, marks: Marks, wall: float) -> Iterator[Turn]:
        """A new day begins without a word."""
        if int(wall // DAY_S) != self._day:
            self._bad.discard(COST)
            return
        if marks.daily is None or not marks.cost_fraction:
            return
        mark = marks.daily * marks.cost_fraction
        if self._nanos >= mark and COST not in self._bad:
            self._bad.add(COST)
            yield Turn(COST, bad=True, value=self._nanos, mark=mark, samples=self._costs)
