"""One timer of the loop for many moments, hardly any of which ever comes.

Every request has a deadline and every attempt a watchdog, and nearly all of them end long before. A timer of the loop's
own for each costs as much as parsing a request; here each is a member of a set, and the loop has one timer, for the
earliest. What leaves early leaves that timer as it is: when it rings for nobody it is set for whoever is next.

Odd case: who is due within `GRAIN_S` of somebody else may be told with a delay of so much, for each ring looks at all.
"""

import asyncio
import math
from typing import Protocol

GRAIN_S = 0.02


class Due(Protocol):
    """What is to be told of a moment; a member of a set, by its identity."""

    when: float
    """Loop time, finite."""

    def ring(self, now: float) -> None:
        """Called once, when the moment has come. Who wants another one says `put` again."""


class Hourglass:
    """The moments of one loop. `put` again replaces the moment of what is in already."""

    __slots__ = ("_due", "_next", "_timer", "loop", "time")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.time = loop.time
        self._due: set[Due] = set()
        self._next = math.inf
        """When the timer rings; never later than the earliest moment, but for the grain."""
        self._timer: asyncio.TimerHandle | None = None

    def put(self, one: Due) -> None:
        """It is told at its moment, unless it is dropped before."""
        self._due.add(one)
        if one.when < self._next:
            self._set(one.when)

    def drop(self, one: Due) -> None:
        """It is told of nothing any more; what is not in may be dropped too."""
        self._due.discard(one)

    def _set(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = when
        self._timer = self.loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer, self._next = None, math.inf
        now = self.time()
        over = [one for one in self._due if one.when <= now]
        self._due.difference_update(over)
        for one in over:
            one.ring(now)
        earliest = min([one.when for one in self._due], default=math.inf)
        if earliest < self._next:
            self._set(max(earliest, now + GRAIN_S) if over else earliest)


_latest: Hourglass | None = None
"""The one asked for last: a process hardly ever has a second loop."""


def hourglass() -> Hourglass:
    """That of the running loop, or a new one for it: of several for one loop each tells what it was given."""
    global _latest  # noqa: PLW0603 - a cache of one
    loop = asyncio.get_running_loop()
    found = _latest
    if found is None or found.loop is not loop:
        found = _latest = Hourglass(loop)
    return found
