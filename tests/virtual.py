"""An event loop whose time passes only while there is nothing to do: minutes of timeouts on real sockets in seconds.

Everything that talks is in this process and on loopback, so what was sent has arrived when the kernel is asked. When
no socket is ready and no thread works for the loop, its clock jumps to the next timer. Waiting is exact, work takes no
time at all, and a busy machine changes nothing.
"""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any

from proxy.replay import moments

SETTLE_S = 0.001
"""Real time for what may still be on its way between two sockets."""


class _Talking(moments.Selector):
    def select(self, timeout=None):
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if ready := super().select(SETTLE_S):
            return ready
        if timeout is None or self.loop.working:
            return super().select(moments.THREAD_S)
        self.loop.moment += timeout
        return []


class VirtualLoop(moments.VirtualLoop):
    selector = _Talking

    def __init__(self) -> None:
        super().__init__(1_000.0)

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):  # noqa: A002 - the loop's own name
        """Addresses only, which take no looking up, and so no thread."""
        return socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)


class VirtualClock(moments.VirtualClock):
    """The loop's time. Chance is even, so that a day is the same each time it is played."""

    def __init__(self) -> None:
        super().__init__(1_800_000_000 + asyncio.get_running_loop().time())
        self._chance = 0

    def uniform(self) -> float:
        self._chance = (self._chance + 389) % 1_000
        return self._chance / 1_000


def played(main: Coroutine[Any, Any, Any]) -> Any:
    """What `main` returns, run in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
