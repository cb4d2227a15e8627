"""Delivers alerts to the webhook that the configuration names: signed, in the background, losing some rather than wait.

Messages wait in a queue of bounded length and leave one by one, in order. A receiver that is busy, faulty or not there
is tried again, with growing pauses; one that refuses is not, and a redirect is a refusal: the only destination is the
configured one. What could not be delivered is lost, counted and told to the operator.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from proxy.alerts.message import signed
from proxy.clock import Clock
from proxy.config.spending import AlertSettings
from proxy.config.values import Provider
from proxy.flow import Headers
from proxy.upstream.hygiene import USER_AGENT
from proxy.upstream.seam import Call, Cut, Engine, Unreachable
from translators.ir import Dialect

QUEUE: Final = 256
TIMEOUT_S: Final = 10.0
"""For one try."""
TRIES: Final = 6
PAUSE_S: Final = 1.0
PAUSE_CAP_S: Final = 30.0
FLUSH_S: Final = 2.0
"""What the end may take."""
RETRYABLE: Final = frozenset({408, 425, 429})
"""Beside 500 and above."""

EngineOf = Callable[[Provider], Engine]
"""Makes the connections to a destination; may read files."""
Lost = Callable[[str, int], None]
"""Is told why a message was lost, and how many so far."""


class Webhook:
    """Delivers where `follow` says, once it has."""

    def __init__(self, engine_of: EngineOf, clock: Clock, lost: Lost) -> None:
        self.dropped = 0
        self._engine_of = engine_of
        self._clock = clock
        self._lost = lost
        self._settings = AlertSettings()
        self._queue: deque[bytes] = deque()
        self._leaving = 0
        self._task: asyncio.Task[None] | None = None

    def follow(self, settings: AlertSettings) -> None:
        """Whatever has not left yet goes where these say; nowhere, where they name nothing."""
        self._settings = settings

    def offer(self, message: bytes) -> None:
        """Waits for nothing."""
        if not self._settings.webhook:
            return
        if len(self._queue) >= QUEUE:
            self._lose("they come faster than they are taken")
            return
        self._queue.append(message)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._deliver())

    async def close(self) -> None:
        """Delivers what waits, for a bounded time."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=FLUSH_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for _ in range(len(self._queue) + self._leaving):
            self._lose("the time to deliver them ended")
        self._queue.clear()

    async def _deliver(self) -> None:
        while self._queue:
            settings, message = self._settings, self._queue.popleft()
            if settings.webhook:
                self._leaving = 1
                await self._deliver_to(settings, message)
                self._leaving = 0

    async def _deliver_to(self, settings: AlertSettings, message: bytes) -> None:
        there = Provider("alerts", Dialect.OPENAI_CHAT, settings.webhook)
        engine = await asyncio.to_thread(self._engine_of, there)
        try:
            for tried in range(1, TRIES + 1):
                why, again = await self._try(engine, settings, message)
                if not why:
                    return
                if not again or tried == TRIES:
                    self._lose(why)
                    return
                await self._clock.sleep(self._pause(tried))
        finally:
            await engine.close()

    async def _try(self, engine: Engine, settings: AlertSettings, message: bytes) -> tuple[str, bool]:
        """Why it was not taken, empty where it was, and whether it may be tried again."""
        headers = self._headers(settings, message)
        call = Call(
            "POST",
            settings.webhook,
            headers,
            message,
            stream=False,
            connect_s=TIMEOUT_S,
            pool_s=TIMEOUT_S,
            write_s=TIMEOUT_S,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                upstream = await engine.send(call)
                with suppress(Cut):
                    await upstream.close()
        except (Unreachable, Cut) as error:
            return f"the webhook could not be told: {error}", True
        except TimeoutError:
            return "the webhook did not answer in time", True
        if 200 <= upstream.status < 300:
            return "", False
        redirected = ", and redirects are not followed" if 300 <= upstream.status < 400 else ""
        why = f"the webhook answered {upstream.status}{redirected}"
        return why, upstream.status in RETRYABLE or upstream.status >= 500

    def _headers(self, settings: AlertSettings, message: bytes) -> Headers:
        headers: Headers = [
            ("content-type", "application/json"),
            ("accept-encoding", "identity"),
            ("user-agent", USER_AGENT),
        ]
        return headers if settings.secret is None else headers + signed(settings.secret, message, self._clock.wall())

    def _pause(self, tried: int) -> float:
        return float(min(PAUSE_CAP_S, PAUSE_S * 2 ** (tried - 1)) * (1 + self._clock.uniform()) / 2)

    def _lose(self, why: str) -> None:
        self.dropped += 1
        self._lost(why, self.dropped)
