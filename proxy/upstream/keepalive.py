"""Signs of life for a client whose stream is silent, in the dialects that have them.

A model may think for a minute between two words, and a translated stream has no events for that time. Before the commit
nothing is ever sent, so pings begin with the first content; where the upstream sends its own they are seen as writing,
and none is added.
"""

import asyncio

from proxy.clock import Clock
from proxy.flow import Output

PING_S = 15.0
"""Silence after which a ping is sent."""


class Pings:
    """Writes `ping` to a committed stream whenever nothing was written for `PING_S`. Does nothing when it is empty."""

    __slots__ = ("_clock", "_out", "_ping", "_task", "_written_at")

    def __init__(self, out: Output, ping: bytes, clock: Clock) -> None:
        self._out = out
        self._ping = ping
        self._clock = clock
        self._written_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def written(self) -> None:
        """Something was just written; the first call begins."""
        if self._ping:
            self._written_at = self._clock.now()
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """No ping is written from here on."""
        if self._task is not None:
            self._task.cancel()
            self._task = None  # it knows this one, which would outlive the stream with all that it was written from

    async def _run(self) -> None:
        while True:
            left = self._written_at + PING_S - self._clock.now()
            if left > 0:
                await self._clock.sleep(left)
            else:
                self._written_at = self._clock.now()
                await self._out.write(self._ping)
