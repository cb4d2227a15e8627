"""Time and chance, passed in so that tests own both. The only module that may ask the system for either."""

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the decisions need of the world."""

    def now(self) -> float:
        """Monotonic seconds, the event loop's scale."""

    def wall(self) -> float:
        """Unix seconds."""

    def uniform(self) -> float:
        """A random number in [0, 1)."""

    async def sleep(self, seconds: float) -> None:
        """Returns once `now` has moved on by at least `seconds`."""


class SystemClock:
    """The real one."""

    def __init__(self) -> None:
        self.now = time.monotonic
        self.wall = time.time
        self.uniform = random.Random().random  # noqa: S311 - jitter, not secrets

    async def sleep(self, seconds: float) -> None:
        until = self.now() + seconds
        # A loop's timer may ring up to a millisecond early, and then what was waited for is not yet there.
        while (left := until - self.now()) > 0:  # noqa: ASYNC110 - time is all that is waited for
            await asyncio.sleep(left)
