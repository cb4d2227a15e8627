"""When a price becomes another one, on a day or at an hour, whoever keeps prices is told."""

import asyncio
import math
from collections.abc import Callable

from proxy.clock import Clock

LONGEST_S = 86_400.0
"""Between two looks: the wall clock may be set."""


class Turning:
    """Calls `turned` each time, from `follow` on until `close`. `turns` gives the unix seconds of the next time."""

    def __init__(self, clock: Clock, turned: Callable[[], None]) -> None:
        self._clock = clock
        self._turned = turned
        self._task: asyncio.Task[None] | None = None

    def follow(self, turns: Callable[[], float]) -> None:
        """Looks at these times from now on; at none where nothing is announced."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if math.isfinite(turns()):
            self._task = asyncio.create_task(self._keep(turns))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self, turns: Callable[[], float]) -> None:
        while math.isfinite(next_turn := turns()):
            left = next_turn - self._clock.wall()
            await self._clock.sleep(min(max(left, 0.0), LONGEST_S))
            if left <= LONGEST_S:
                self._turned()
