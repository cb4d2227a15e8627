"""How long something may take, in time that this process had to hear of it.

A process that was stopped, starved of processor time or busy with one long thing finds two things at once when it goes
on: that the time is over, and the answer, which came long ago. Whoever looks at the clock alone calls that other one
slow. So time is counted in `PARTS`, each of which counts once however late the loop looks: a pause takes one of them,
and the others follow it. Where the last of them was looked at late, there is one more.

On a loop that is on time nothing is different: the time is over when it is over. On one that never is, it is over after
`PARTS` + 1 looks.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

PARTS: Final = 10


class Patience:
    """`async with Patience(seconds):` raises TimeoutError where its body takes longer, as `asyncio.timeout` does.
    Entered once."""

    __slots__ = ("_due", "_left", "_loop", "_part", "_timeout", "_timer")

    def __init__(self, seconds: float) -> None:
        self._part = seconds / PARTS
        self._left = PARTS
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + self._part
        self._timer = self._loop.call_at(self._due, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _look(self) -> None:
        now, self._left = self._loop.time(), self._left - 1
        late = now - self._due > self._part
        if self._left < 0 or (self._left == 0 and not late):
            self._timeout.reschedule(now)
            return
        self._due = (now if late else self._due) + self._part
        self._timer = self._loop.call_at(self._due, self._look)
