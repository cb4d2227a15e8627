"""Signs of life for a client that asked for them, before its stream has begun.

Nothing is sent before the first content, so that every target can still answer; but what stands between (a load
balancer, a gateway) may cut a connection that is silent for as long as a model thinks. With
`x-sidestep-keep-alive: SECONDS` a comment is sent after each silence of that length, which every reader of event
streams passes over. It costs the status line: 200 has to be said with the first comment, whatever comes of the request.

So from then on
- anything still fails over, for a comment is no content: to the chain the answer has not begun (`started`);
- who serves is told in comments, in the words of the headers that are too late;
- an error is told as an event in the client's dialect, and its connection is cut, as when a stream breaks off.

A request that is answered, or fails, within the first silence is not touched.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping
from typing import Final

from proxy.answers import minted_id
from proxy.clock import Clock
from proxy.flow import Exchange, Headers
from proxy.telemetry.names import ANTHROPIC_REQUEST_ID, KEEP_ALIVE, REQUEST_ID
from translators.codec import Context
from translators.faults import Malformed
from translators.ir import Dialect

COMMENT: Final = b": keep-alive\n\n"
LONGEST_S: Final = 600
_SECONDS = re.compile(r"[0-9]{1,3}", re.ASCII)


def keep_alive_s(headers: Mapping[str, str]) -> int | None:
    """After how many seconds of silence the client wants a sign; None for never. Raises Malformed."""
    asked = headers.get(KEEP_ALIVE)
    if asked is None:
        return None
    seconds = int(asked) if _SECONDS.fullmatch(asked) else 0
    if not 0 < seconds <= LONGEST_S:
        raise Malformed(
            f"The header {KEEP_ALIVE} is '{asked[:40]}'; it must be whole seconds from 1 to {LONGEST_S}, as in 15.",
            param=KEEP_ALIVE,
            code="invalid_value",
        )
    return seconds


class Early:
    """The client's side of a stream (Output) while `around` runs, and to its end."""

    __slots__ = ("_begun", "_clock", "_committed", "_every_s", "_exchange", "_out", "_signs")

    def __init__(self, exchange: Exchange, every_s: float, clock: Clock) -> None:
        self._exchange = exchange
        self._out = exchange.out
        self._every_s = every_s
        self._clock = clock
        self._begun = False
        """Whether the status line had to be sent before anything was known."""
        self._committed = False
        self._signs: asyncio.Task[None] | None = None

    async def around(self, work: Awaitable[None]) -> None:
        """Does the work, with this in the place of the client's side."""
        self._exchange.out = self
        self._signs = asyncio.create_task(self._send_signs())
        try:
            await work
        finally:
            self._stop()

    @property
    def started(self) -> bool:
        return self._committed

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self._stop()
        self._committed = True
        if not self._begun:
            await self._out.answer(status, headers, body)
            return
        exchange = self._exchange
        exchange.status = 200
        if exchange.fault is not None:
            context = Context(id=minted_id(exchange), created=0, model=exchange.asked)
            await self._out.write(exchange.codec.writer(context).fault(exchange.fault))
        self._out.abort()

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:
        self._stop()
        self._committed = True
        if self._begun:
            await self._out.write(_told(headers) + first)
        else:
            await self._out.start(status, headers, length, first)

    async def write(self, data: bytes) -> None:
        await self._out.write(data)

    def push(self, data: bytes) -> bool:
        return self._out.push(data)

    async def finish(self) -> None:
        await self._out.finish()

    def abort(self) -> None:
        self._out.abort()

    async def _send_signs(self) -> None:
        while True:
            await self._clock.sleep(self._every_s)
            if not self._begun:
                self._begun = True
                await self._out.start(200, self._head())
            await self._out.write(COMMENT)

    def _head(self) -> Headers:
        exchange = self._exchange
        head = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        if exchange.codec.dialect is Dialect.ANTHROPIC_MESSAGES:
            head.append((ANTHROPIC_REQUEST_ID, exchange.id))
        return [*head, (REQUEST_ID, exchange.id)]

    def _stop(self) -> None:
        if self._signs is not None:
            self._signs.cancel()


def _told(headers: Headers) -> bytes:
    """What the head would have said of who serves, as comments."""
    lines = [f": {name}: {value}\n" for name, value in headers if name.startswith("x-sidestep-")]
    return "".join([*lines, "\n"]).encode()
