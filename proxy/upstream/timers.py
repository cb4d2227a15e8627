"""One timer for a whole attempt, rearmed for every sign of progress.

`asyncio.timeout` around every chunk costs some four microseconds a chunk, and moving one deadline for every chunk costs
nearly as much, for each move cancels a timer and sets another. Here moving the time later only stores a number: the
timer that is already set finds, when it rings, that it rang too early, and sets itself again for the rest. Only a time
moved earlier sets a timer at once.

Rules
- A watchdog that rang cancels its task once and turns that cancellation, and no other, into `Stalled`.
- A cancellation from outside wins when both happen, as with `asyncio.Timeout`; of nested watchdogs that ring together
  the outermost is the one that raises.
- An infinite time is no time: a watchdog may rest while something else is waited for.
"""

import asyncio
from types import TracebackType
from typing import Self


class Stalled(Exception):
    """The watched body made no progress in time. `capped` says that the absolute limit passed, not the silence."""

    def __init__(self, *, capped: bool) -> None:
        super().__init__("the time allowed as a whole is over" if capped else "no progress in time")
        self.capped = capped


class Watchdog:
    """`with Watchdog(seconds) as dog:` raises Stalled once `seconds` have passed since the last `rearm`.

    Made and used inside one task, and entered once.
    """

    __slots__ = ("_cancelling", "_cap", "_due", "_loop", "_rang", "_seconds", "_task", "_time", "_timer", "_when")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._cap = float("inf")
        self._due = float("inf")
        self._when = float("inf")
        """When the timer rings; never later than `_due` and `_cap`."""
        self._timer: asyncio.TimerHandle | None = None
        self._rang = False
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time

    def __enter__(self) -> Self:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a Watchdog watches a task; there is none")
        self._task = task
        self._cancelling = task.cancelling()
        self.rearm(self._seconds)
        return self

    def rearm(self, seconds: float) -> float:
        """From now on the body may be silent for `seconds`; infinity lets the watchdog rest. Gives the loop time."""
        now = self._time()
        self._due = due = now + seconds
        if due < self._when:
            self._set(due)
        return now

    def limit_at(self, when: float) -> None:
        """Sets the loop time at which the body must end whatever its progress; replaces an earlier limit."""
        self._cap = when
        if when < self._when:
            self._set(when)

    def _set(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._when = when
        self._timer = None if self._rang else self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._when = float("inf")
        due = min(self._due, self._cap)
        if due == float("inf"):
            return
        if due > self._time():
            self._set(due)
            return
        self._rang = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._rang:
            self._rang = True  # a late rearm sets nothing any more
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise Stalled(capped=self._cap <= self._due) from error
