"""One deadline for the whole exchange, whatever the layers below do with their own times.

When it passes, the exchange's task is cancelled with a DEADLINE fault as the reason. Before the answer has started,
`observe` tells it (504); after that, whoever writes the stream does, while the cancellation goes by. All of them share
one timer (`proxy.hourglass`), where a cancel scope for each would cost several microseconds.
"""

import asyncio

from msgspec import Struct

from proxy.clock import Clock
from proxy.config.values import TimeoutSettings
from proxy.flow import Exchange, Service, expire
from proxy.hourglass import hourglass
from proxy.telemetry.names import RETRY_COUNT
from proxy.upstream.timings import client_times, client_waits

_MOST_RETRIES = 99


class Deadline:
    def __init__(self, timeouts: TimeoutSettings, clock: Clock) -> None:
        self._timeouts = timeouts
        self._clock = clock

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        """Sets `deadline`, `commit_by`, `client_wait_s` and `retry_count`. Raises Malformed."""
        now = self._clock.now()
        said = exchange.said
        if said.waits is None:
            headers = exchange.headers
            said.waits = *client_waits(headers), retry_count(headers.get(RETRY_COUNT, ""))
        total, wait, retries = said.waits
        if wait is not None:
            exchange.client_wait_s = wait
        if retries:
            exchange.retry_count = retries
        exchange.deadline, exchange.commit_by = client_times(total, wait, self._timeouts, now)
        glass = hourglass()
        expiry = _Expiry(glass.time() + exchange.deadline - now, exchange, asyncio.current_task(glass.loop))
        glass.put(expiry)
        try:
            await service(exchange)
        finally:
            glass.drop(expiry)


class _Expiry(Struct, eq=False):
    """The moment of one exchange's deadline."""

    when: float
    exchange: Exchange
    task: "asyncio.Task[None] | None"

    def ring(self, _now: float) -> None:
        expire(self.exchange, self.task)


def retry_count(text: str) -> int:
    """The client SDK's count of its own retries; anything but a small number is 0."""
    return min(int(text), _MOST_RETRIES) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
