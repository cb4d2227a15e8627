"""An event loop whose time passes only while there is nothing to do: minutes of timeouts on real sockets in seconds.

Everything that talks is in this process and on loopback. When no socket is ready, nothing is on its way between two of
them and no thread works for the loop, its clock jumps to the next timer. Waiting is exact, work takes no time at all,
and a busy machine changes nothing: what its kernel delivers late is waited for.
"""

import asyncio
import socket
import struct
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from proxy.replay import moments

SETTLE_S = 0.001
"""Real time for what may still be on its way."""
ROUNDS = 100
"""Of it, at most, where the kernel has something on its way; a lost packet is lost."""
TOLD = struct.Struct("B127xQ64xQQ")
"""Of Linux' tcp_info: the connection's state, the bytes it received, those it sent, and of these those sent again."""
ESTABLISHED, SYN_SENT = 1, 2


class _Talking(moments.Selector):
    def select(self, timeout=None):
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        for _ in range(ROUNDS):
            if ready := super().select(SETTLE_S):
                return ready
            if not under_way(self):
                break
        if timeout is None or self.loop.working:
            return super().select(moments.THREAD_S)
        self.loop.moment += timeout
        return []


def under_way(selector: moments.Selector) -> bool:
    """Whether a connection is being made, or one end of one has sent what the other has not received, its end included:
    what was sent is there a moment later, and on a busy machine a long moment. False where the system does not say."""
    if not hasattr(socket, "TCP_INFO"):
        return False
    sent, received = {}, {}
    for number in [
        int(one.name) for one in Path("/proc/self/fd").iterdir()
    ]:  # one whose reader pauses is in no selector
        with suppress(OSError), _lent(number) as end:
            state, got, gave, again = TOLD.unpack(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOLD.size))
            asked = number in selector.get_map()
            if state == SYN_SENT and asked:
                return True
            if state == ESTABLISHED:
                here, there = end.getsockname(), end.getpeername()
                received[there, here] = got
                if asked:
                    sent[here, there] = gave - again
    return any(received.get(way, -1) < count for way, count in sent.items())


@contextmanager
def _lent(number: int) -> Iterator[socket.socket]:
    """The socket of an open file, which stays its owner's. Raises OSError where it is none."""
    end = socket.socket(fileno=number)
    try:
        yield end
    finally:
        end.detach()


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
