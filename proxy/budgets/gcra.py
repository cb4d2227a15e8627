"""So much a minute, evenly: the generic cell rate algorithm, in whole numbers, so that what it promises holds exactly.

A cell is a bucket that leaks. It holds what a minute allows, and a minute empties it. What is taken fills it; what does
not fit is refused. So no stretch of time ever sees more than a whole bucket and what leaks meanwhile.

The level is counted in parts so small that one nanosecond leaks a whole number of them. Only the moment at which the
bucket will be empty is kept (the algorithm's theoretical arrival time), in those parts.

What was taken by estimate is corrected once the truth is known. Only what is still in the bucket comes back: time that
it leaked while it was too full has gone by, and to give that back would let two bursts through side by side.
"""

from typing import Final

MINUTE: Final = 60_000_000_000
"""Nanoseconds: what a rate is counted by."""


class Cell:
    """`amount` for a minute, at least 1. Moments are nanoseconds, and never go back."""

    __slots__ = ("_empty", "_taken", "amount")

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self._empty = 0
        """When the bucket is empty, times `amount`."""
        self._taken = 0
        """All that was ever taken, in parts."""

    def _level(self, now: int) -> int:
        level = self._empty - now * self.amount
        return max(0, level)

    def wait(self, units: int, now: int) -> int | None:
        """Nanoseconds until so many fit, 0 for now; None: they never do, for they are more than the amount."""
        if units > self.amount:
            return None
        over = self._level(now) + (units - self.amount) * MINUTE
        return -(-over // self.amount) if over > 0 else 0

    def take(self, units: int, now: int) -> int:
        """Takes them, whether they fit or not; what is to be corrected later is called by what this gives."""
        parts, drained = units * MINUTE, now * self.amount
        self._empty = parts + (max(drained, self._empty))
        self._taken += parts
        return self._taken

    def correct(self, taken: int, estimated: int, real: int, now: int) -> None:
        """They were `real`, not `estimated`; `taken` is what `take` gave."""
        level, more = self._level(now), (real - estimated) * MINUTE
        if more < 0:
            since = self._taken - taken
            more = -min(-more, max(0, level - since))
        else:
            self._taken += more
        self._empty = now * self.amount + level + more

    def left(self, now: int) -> tuple[int, int]:
        """How many fit now, and nanoseconds until all of them do again."""
        level = self._level(now)
        fit = self.amount - -(-level // MINUTE)
        return (max(0, fit)), -(-level // self.amount)
