"""What orders go by: how quick a target was of late, how long its answers are, and what it was asked since midnight.

A target has this only where an order looks at it (`proxy.orders`); for all others nothing is noted, and that costs one
test a call. Pure; the time is passed in.

Rules
- A figure is a decayed average. Each value counts a twentieth of the whole at least and a seventh at most, by how much
  of `FADE_S` has passed since the one before: so a busy target is judged by its last dozens of calls, a quiet one by
  its last few, and none by a single one. The first ones are averaged as they are; who has answered less than `FEW`
  times is not judged at all.
- Whole answers and the first contents of streams are timed apart: a target that is asked for both is no slower for it.
- A failed call counts as failed. By its time it counts only where it took longer than usual: who fails at once is not
  quick. What says nothing of the target (its client left) is not told here.
- Windows are minutes and days of the calendar in UTC, as vendors' own allowances are told.
"""

from typing import Final

from msgspec import Struct

from translators.usage import Usage

FADE_S: Final = 30.0
LEAST: Final = 0.05
MOST: Final = 0.15
FEW: Final = 3
FAILED_MAX: Final = 0.9
"""Who always fails counts as ten times as slow, not as infinitely slow."""
MINUTE_S: Final = 60
DAY_S: Final = 86_400


class Decayed:
    """An average that forgets."""

    __slots__ = ("at", "count", "mean")

    def __init__(self) -> None:
        self.mean = 0.0
        self.count = 0
        """Values so far; without any the average says nothing."""
        self.at = 0.0

    def note(self, now: float, value: float) -> None:
        self.count += 1
        part = max(1.0 / self.count, min(MOST, max(LEAST, (now - self.at) / FADE_S)))
        self.mean += part * (value - self.mean)
        self.at = now


class Spent:
    """Calls and tokens of the minute and the day, whichever they are now."""

    __slots__ = ("_day", "_minute", "day_requests", "day_tokens", "minute_requests", "minute_tokens")

    def __init__(self) -> None:
        self._minute = self._day = 0
        self.minute_requests = self.minute_tokens = 0
        self.day_requests = self.day_tokens = 0

    def turn(self, wall: float) -> None:
        """A minute or a day may have ended since the last time. A wall clock that was set back ends none."""
        minute = int(wall // MINUTE_S)
        if minute <= self._minute:
            return
        self._minute, self.minute_requests, self.minute_tokens = minute, 0, 0
        day = int(wall // DAY_S)
        if day > self._day:
            self._day, self.day_requests, self.day_tokens = day, 0, 0


class Told(Struct, frozen=True):
    """The figures of one target, in JSON's terms."""

    first_token_s: float | None = None
    """None: not measured yet."""
    whole_s: float | None = None
    failed: float = 0.0
    output_tokens: float | None = None
    cached: float = 0.0
    minute_requests: int = 0
    minute_tokens: int = 0
    day_requests: int = 0
    day_tokens: int = 0


class Observed:
    """One target."""

    __slots__ = ("asked_at", "cached", "failed", "first", "output", "spent", "whole")

    def __init__(self) -> None:
        self.asked_at: float | None = None
        """When it was last called, or put first to be called; None: never."""
        self.first = Decayed()
        """Seconds to a stream's first content."""
        self.whole = Decayed()
        """Seconds to a whole answer."""
        self.failed = Decayed()
        """The part of its calls that failed."""
        self.output = Decayed()
        """Tokens of an answer."""
        self.cached = Decayed()
        """The part of an input that was read from the target's cache."""
        self.spent = Spent()

    def begun(self, now: float, wall: float, calls: int) -> None:
        """It is called, with so many calls at once."""
        self.asked_at = now
        spent = self.spent
        spent.turn(wall)
        spent.minute_requests += calls
        spent.day_requests += calls

    def served(self, now: float, seconds: float, *, stream: bool) -> None:
        """Its answer, or a stream's first content, came after so long."""
        (self.first if stream else self.whole).note(now, seconds)
        self.failed.note(now, 0.0)

    def fell(self, now: float, seconds: float, *, stream: bool) -> None:
        """Its call failed after so long."""
        figure = self.first if stream else self.whole
        if figure.count and seconds > figure.mean:
            figure.note(now, seconds)
        self.failed.note(now, 1.0)

    def used(self, now: float, wall: float, usage: Usage) -> None:
        """Its answer was counted."""
        entire, output = max(0, usage.input), max(0, usage.output)
        self.output.note(now, output)
        if entire:
            self.cached.note(now, min(1.0, max(0, usage.cached or 0) / entire))
        spent = self.spent
        spent.turn(wall)
        billed = max(0, usage.billed)
        spent.minute_tokens += billed
        spent.day_tokens += billed

    def pace(self, *, stream: bool) -> float | None:
        """Seconds that an answer takes for each try that succeeds; None where nobody knows. Who fails a part f of its
        calls must be asked 1 / (1 - f) times."""
        figure = self.first if stream else self.whole
        if figure.count < FEW:
            return None
        return figure.mean / (1.0 - min(self.failed.mean, FAILED_MAX))

    def told(self, wall: float) -> Told:
        """All of it, for people."""
        spent = self.spent
        spent.turn(wall)
        return Told(
            _mean(self.first, FEW, 4),
            _mean(self.whole, FEW, 4),
            round(self.failed.mean, 4),
            _mean(self.output, 1, 1),
            round(self.cached.mean, 4),
            spent.minute_requests,
            spent.minute_tokens,
            spent.day_requests,
            spent.day_tokens,
        )


def _mean(figure: Decayed, few: int, places: int) -> float | None:
    return round(figure.mean, places) if figure.count >= few else None


def restored(told: Told, wall: float) -> Observed:
    """What somebody told of a target, as if it were noted here."""
    made = Observed()
    for figure, mean in (
        (made.first, told.first_token_s),
        (made.whole, told.whole_s),
        (made.failed, told.failed),
        (made.output, told.output_tokens),
        (made.cached, told.cached),
    ):
        if mean is not None:
            figure.mean, figure.count = mean, FEW
    spent = made.spent
    spent.turn(wall)
    spent.minute_requests, spent.minute_tokens = told.minute_requests, told.minute_tokens
    spent.day_requests, spent.day_tokens = told.day_requests, told.day_tokens
    return made
