"""One watchdog for a whole attempt, rearmed for every sign of progress.

`asyncio.timeout` around every chunk costs some four microseconds a chunk, and moving one deadline for every chunk costs
nearly as much, for each move cancels a timer and sets another. Here moving the time later only stores a number: a
watchdog that is told to look finds that it looks too early, and asks to be told again after the rest. Only a time moved
earlier counts at once. All watchdogs of a loop share one timer (`proxy.hourglass`).

Rules
- A watchdog that rang cancels its task once and turns that cancellation, and no other, into `Stalled`.
- A cancellation from outside wins when both happen, as with `asyncio.Timeout`; of nested watchdogs that ring together
  the outermost is the one that raises.
- An infinite time is no time: a watchdog may rest while something else is waited for.
"""

import asyncio
import math
from types import TracebackType
from typing import Self

from proxy.hourglass import hourglass


class Stalled(Exception):
    """The watched body made no progress in time. `capped` says that the absolute limit passed, not the silence."""

    def __init__(self, *, capped: bool) -> None:
        super().__init__("the time allowed as a whole is over" if capped else "no progress in time")
        self.capped = capped


class Watchdog:
    """`with Watchdog(seconds) as dog:` raises Stalled once `seconds` have passed since the last `rearm`, or the loop
    time is `limit` (as `limit_at` sets it).

    Made and used inside one task, and entered once.
    """

    __slots__ = ("_cancelling", "_cap", "_due", "_glass", "_rang", "_seconds", "_task", "_time", "when")

    def __init__(self, seconds: float, limit: float = math.inf) -> None:
        self._seconds = seconds
        self._cap = limit
        self._due = math.inf
        self.when = math.inf
        """When it is told to look; never later than `_due` and `_cap`."""
        self._rang = False
        self._glass = hourglass()
        self._time = self._glass.time

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._glass.loop)
        if task is None:
            raise RuntimeError("a Watchdog watches a task; there is none")
        self._task = task
        self._cancelling = task.cancelling()
        due, cap = self._time() + self._seconds, self._cap
        self._due = due
        self.when = when = due if due < cap else cap  # noqa: FURB136 - a call costs more
        if when < math.inf:
            self._glass.put(self)
        return self

    def rearm(self, seconds: float) -> float:
        """From now on the body may be silent for `seconds`; infinity lets the watchdog rest. Gives the loop time."""
        now = self._time()
        self._due = due = now + seconds
        if due < self.when:
            self._look_at(due)
        return now

    @property
    def resting(self) -> bool:
        """Whether no silence is minded now."""
        return self._due == math.inf

    def limit_at(self, when: float) -> None:
        """Sets the loop time at which the body must end whatever its progress; replaces an earlier limit."""
        self._cap = when
        if when < self.when:
            self._look_at(when)

    def _look_at(self, when: float) -> None:
        self.when = when
        if not self._rang:
            self._glass.put(self)

    def ring(self, now: float) -> None:
        """Looks whether it has been too long."""
        self.when = math.inf
        due = min(self._due, self._cap)
        if due == math.inf:
            return
        if due > now:
            self._look_at(due)
            return
        self._rang = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._rang:
            self._rang = True  # a late rearm sets nothing any more
            self._glass.drop(self)
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise Stalled(capped=self._cap <= self._due) from error
