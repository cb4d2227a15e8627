"""A loop whose time passes only while there is nothing to do: a day that was recorded is played in seconds.

No sockets are watched: all that is waited for are timers, and threads for a moment. When nothing is ready, the clock
jumps to the next timer; when there is none either, nothing would ever happen again, and that is an error.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

THREAD_S: Final = 0.01
"""Real time for a thread that works for the loop, before it is asked again."""


STUCK_S: Final = 10.0
"""The same for one of the loop's own, that nobody announces."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Stuck(RuntimeError):
    """Everybody waits for something that cannot come."""


class Selector(selectors.DefaultSelector):
    """What a loop asks when it has nothing to do."""

    loop: "VirtualLoop"


class Waiting(Selector):
    """Of a loop that nobody talks to."""

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.working:
            return super().select(THREAD_S)
        if timeout is None:
            if not (ready := super().select(STUCK_S)):
                raise Stuck("nothing is left to wait for")
            return ready
        self.loop.moment += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time begins at `moment`, in seconds, and is moved on by its selector."""

    selector: type[Selector] = Waiting

    def __init__(self, moment: float) -> None:
        self.moment = moment
        self.working = 0
        """Calls under way in threads."""
        selector = self.selector()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-6  # a finer one is lost in the number of seconds after some weeks

    def time(self) -> float:
        return self.moment

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> "asyncio.Future[T]":
        self.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self.working -= 1


class VirtualClock:
    """The running loop's time; at its begin it is `wall` in Unix seconds. Chance always says a half, so that what is
    played twice goes the same way."""

    def __init__(self, wall: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._offset = wall - self._loop.time()

    def now(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return self._offset + self._loop.time()

    def uniform(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        until = self.now() + seconds
        # A timer rings along with one that is due up to the loop's resolution before it.
        while (left := until - self.now()) > 0:  # noqa: ASYNC110 - time is all that is waited for
            await asyncio.sleep(left)  # noqa: TID251 - this is the clock that everybody else is to take
