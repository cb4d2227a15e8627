"""How many exchanges are served at once, and how many begin at once.

`in_flight` run; up to `queue` more wait their turn for at most `queue_wait_s`; everything beyond is shed at once, for
an overloaded proxy that queues only fails later and slower. The order is first come, first served.

To begin one (reading, checking, translating it) takes the loop without a pause. Where hundreds come at a time, those
that would begin when others have had the loop for `TURN_S` let its turn end first, so that streams go on flowing and
the admin port goes on answering meanwhile. With fewer than `CROWD` of them nobody looks at the clock.
"""

import asyncio
from collections import deque
from collections.abc import Generator
from types import coroutine

from proxy.clock import Clock
from proxy.config.values import LimitSettings
from proxy.filters.deadline import retry_count
from proxy.flow import Exchange, Refused, Service
from proxy.telemetry.names import OVERLOADED, RETRY_COUNT
from translators.faults import Fault, Kind

RETRY_AFTER_S = 1.0
TURN_S = 0.05
CROWD = 32


class Admission:
    """Made inside the running loop."""

    def __init__(self, limits: LimitSettings, clock: Clock) -> None:
        self._pace = Pace(clock)
        self._places = limits.in_flight
        self.free = limits.in_flight
        """Places that nobody has."""
        self._queue = limits.queue
        self._wait_s = limits.queue_wait_s
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        """Raises Refused (503, to be tried again) when there is no place in time."""
        if self.free > 0:
            self.free -= 1
        else:
            await self._turn()
        try:
            if self._places - self.free > CROWD:
                while self._pace.spent() > TURN_S:
                    await _next_turn()
            await service(exchange)
        finally:
            self._leave()

    @property
    def full(self) -> bool:
        """Whether everybody who asks now is shed."""
        return self.free <= 0 and len(self._waiting) >= self._queue

    async def shed(self, exchange: Exchange) -> None:
        """The service of those who ask while it is full. Waits for nothing; raises Refused, as it would otherwise."""
        exchange.retry_count = retry_count(exchange.headers.get(RETRY_COUNT, ""))
        raise _shed(_FULL)

    def resize(self, limits: LimitSettings) -> None:
        """Takes `limits` instead. Where there are fewer places than exchanges, none gets one until enough have ended;
        who waits already keeps the time it was given."""
        self.free += limits.in_flight - self._places
        self._places, self._queue, self._wait_s = limits.in_flight, limits.queue, limits.queue_wait_s
        self._hand_over()

    async def _turn(self) -> None:
        """Waits until a place is handed over."""
        if len(self._waiting) >= self._queue:
            raise _shed(_FULL)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError:
            self._give_up(turn)
            raise _shed(_NONE_ENDED) from None
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: "asyncio.Future[None]") -> None:
        """Leaves the queue; a place that was handed over meanwhile goes to the next."""
        if turn.done() and not turn.cancelled():
            self._leave()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _leave(self) -> None:
        self.free += 1
        if self._waiting:
            self._hand_over()

    def _hand_over(self) -> None:
        """Gives free places to those who wait, the first come first."""
        while self._waiting and self.free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self.free -= 1
                turn.set_result(None)


class Pace:
    """How long the loop's turn has lasted since somebody asked first. Made inside the running loop."""

    def __init__(self, clock: Clock) -> None:
        self._now = clock.now
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def spent(self) -> float:
        """Seconds; 0 for the first who asks in a turn."""
        if self._began is None:
            self._began = self._now()
            self._loop.call_soon(self._over)
            return 0.0
        return self._now() - self._began

    def _over(self) -> None:
        """Called in the next turn, before whoever waited for it."""
        self._began = None


@coroutine
def _next_turn() -> Generator[None, None, None]:
    """Lets the loop turn once."""
    yield


def _too_much(why: str) -> Fault:
    message = f"This proxy is serving as many requests as it can{why}. Try again in a moment."
    return Fault(kind=Kind.SHED, status=503, code=OVERLOADED, message=message)


_FULL, _NONE_ENDED = _too_much(", and its queue is full"), _too_much("; none ended in time")


def _shed(fault: Fault) -> Refused:
    return Refused(fault, retry_after_s=RETRY_AFTER_S, should_retry=True)
