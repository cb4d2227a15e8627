"""An event loop whose time passes only while there is nothing to do: minutes of timeouts on real sockets in seconds.

Everything that talks is in this process and on loopback, so what was sent has arrived when the kernel is asked. When
no socket is ready and no thread works for the loop, its clock jumps to the next timer. Waiting is exact, work takes no
time at all, and a busy machine changes nothing.
"""

import asyncio
import selectors
import socket
from collections.abc import Coroutine
from typing import Any

SETTLE_S = 0.001
"""Real time for what may still be on its way between two sockets."""
THREAD_S = 0.01


class _Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout=None):
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if ready := super().select(SETTLE_S):
            return ready
        if timeout is None or self.loop.working:
            return super().select(THREAD_S)
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 1_000.0
        self.working = 0
        """Calls under way in threads."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(self, executor, func, *args):
        self.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self.working -= 1

    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):  # noqa: A002 - the loop's own name
        """Addresses only, which take no looking up, and so no thread."""
        return socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)


class VirtualClock:
    """The loop's time. Chance is even, so that a day is the same each time it is played."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._chance = 0

    def now(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return 1_800_000_000 + self._loop.time()

    def uniform(self) -> float:
        self._chance = (self._chance + 389) % 1_000
        return self._chance / 1_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the clock that everybody else is to take


def played(main: Coroutine[Any, Any, Any]) -> Any:
    """What `main` returns, run in a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
