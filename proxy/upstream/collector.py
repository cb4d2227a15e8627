"""Sends spans to their collector: OTLP over HTTP, in the background, in batches, losing spans rather than memory.

Spans wait in a queue of bounded length; what finds no room is lost, and counted, and no request ever waits. One export
is under way at a time. What the protocol calls retryable (429, 502, 503, 504, no answer) is tried again with growing
pauses, or after the wait that the collector asks for, up to `PAUSE_CAP_S`; meanwhile the queue fills. Anything else
loses the batch. The operator is told of losses at most once a minute.

At the end what waits is sent within `FLUSH_S`, and pauses are short.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from proxy.clock import Clock
from proxy.config.values import TelemetrySettings
from proxy.flow import Headers
from proxy.telemetry.otlp import Envelope, rejected
from proxy.upstream.hints import wait_hint
from proxy.upstream.hygiene import USER_AGENT
from proxy.upstream.seam import Call, Cut, Engine, Unreachable, Upstream

QUEUE: Final = 4096
"""Spans that may wait: some 3 MB."""
BATCH: Final = 512
INTERVAL_S: Final = 5.0
"""The longest that a span waits for others."""
TIMEOUT_S: Final = 10.0
"""For one export."""
TRIES: Final = 5
PAUSE_S: Final = 1.0
PAUSE_CAP_S: Final = 30.0
LAST_PAUSE_S: Final = 0.2
FLUSH_S: Final = 2.0
QUIET_S: Final = 60.0
ANSWER_LIMIT: Final = 64 * 1024
RETRYABLE: Final = frozenset({429, 502, 503, 504})

Warn = Callable[[str, int], None]
"""Why spans were lost, and how many so far."""


class Collector:
    """`settings.otlp` is set. `engine` is its own; `close` closes it."""

    def __init__(self, settings: TelemetrySettings, engine: Engine, clock: Clock, warn: Warn) -> None:
        self.settings = settings
        self.dropped = 0
        """Spans that were lost."""
        self._url = settings.otlp
        self._headers: Headers = [
            ("content-type", "application/x-protobuf"),
            ("accept", "application/x-protobuf"),
            ("accept-encoding", "identity"),
            ("user-agent", USER_AGENT),
            *((name, secret.reveal()) for name, secret in settings.headers.items()),
        ]
        self._envelope = Envelope(settings.resource, "sidestep", settings.resource.get("service.version", ""))
        self._engine = engine
        self._clock = clock
        self._warn = warn
        self._quiet_until = 0.0
        self._queue: deque[bytes] = deque()
        self._leaving = 0
        """Spans of the export under way."""
        self._enough = asyncio.Event()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def room(self, spans: int) -> bool:
        """Whether so many would be taken now; counts them as lost where not."""
        if len(self._queue) + spans <= QUEUE:
            return True
        self._lost(spans, "they come faster than their collector takes them")
        return False

    def take(self, spans: list[bytes]) -> None:
        """Spans of one exchange, for which there is room."""
        self._queue.extend(spans)
        if len(self._queue) >= BATCH:
            self._enough.set()

    def open(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Sends what waits, for a bounded time."""
        self._ending.set()
        self._enough.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=FLUSH_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        left = len(self._queue) + self._leaving
        if left:
            self._lost(left, "the time to send them ended before their collector had taken them")
        await self._engine.close()

    async def _run(self) -> None:
        while not self._ending.is_set():
            await _within(INTERVAL_S, self._enough)
            self._enough.clear()
            while self._queue:
                await self._export()
                if len(self._queue) < BATCH:
                    break
        while self._queue:
            await self._export()

    async def _export(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._leaving = len(batch)
        try:
            why = await self._sent(self._envelope.around(batch))
        except Exception as error:  # noqa: BLE001 - those that follow are sent all the same
            why = f"internal error: {type(error).__name__}; please report it"
        if why:
            self._lost(len(batch), why)
        self._leaving = 0

    async def _sent(self, body: bytes) -> str:
        """Empty once the collector has taken it, else why it is lost."""
        tried = 0
        while True:
            tried += 1
            why, pause = await self._try(body, tried)
            if pause is None or tried == TRIES:
                return why
            await _within(pause, self._ending)
            if self._ending.is_set():
                await self._clock.sleep(min(pause, LAST_PAUSE_S))

    async def _try(self, body: bytes, tried: int) -> tuple[str, float | None]:
        """Why it was not taken, and seconds until it may be tried again; None where it may not, or was taken."""
        call = Call("POST", self._url, self._headers, body, False, TIMEOUT_S, TIMEOUT_S, TIMEOUT_S)  # noqa: FBT003 - no stream
        try:
            async with asyncio.timeout(TIMEOUT_S):
                upstream = await self._engine.send(call)
        except (Unreachable, Cut) as error:
            return f"their collector could not be told: {error}", self._pause(tried)
        except TimeoutError:
            return "their collector did not answer in time", self._pause(tried)
        said = await _read_off(upstream)
        if 200 <= upstream.status < 300:
            if lost := rejected(said):
                self._lost(lost, "their collector rejected some of those it took")
            return "", None
        why = f"their collector answered {upstream.status}"
        if upstream.status not in RETRYABLE:
            return why, None
        asked = wait_hint(upstream.headers, upstream.status, "", self._clock.wall())
        return why, self._pause(tried) if asked is None else min(PAUSE_CAP_S, asked)

    def _pause(self, tried: int) -> float:
        return float(min(PAUSE_CAP_S, PAUSE_S * 2 ** (tried - 1)) * (1 + self._clock.uniform()) / 2)

    def _lost(self, spans: int, why: str) -> None:
        self.dropped += spans
        now = self._clock.now()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_S
            self._warn(why, self.dropped)


async def _read_off(upstream: Upstream) -> bytes:
    """The body, empty where it cannot be had: the status has said what matters."""
    try:
        with suppress(Cut, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                return await upstream.read(ANSWER_LIMIT)
    finally:
        await upstream.close()
    return b""


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Returns when the event is set, or after so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
