"""What stands in a provider's place and in a client's: recorded answers at their recorded times, an answer's bytes.

A call is answered by the next one recorded of its exchange for the same provider and model. Where there is none, nobody
knows what would have come: the exchange ends there, and says so. What was not seen to its end because the proxy had had
enough goes on in silence: who waits for it finds out by its own time-out.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextvars import ContextVar

import orjson
from msgspec import Struct, field

from proxy.clock import Clock
from proxy.config.values import Provider
from proxy.flow import Headers
from proxy.recording.form import Call as Recorded
from proxy.recording.form import Line
from proxy.recording.telling import model_of
from proxy.upstream import seam
from proxy.upstream.seam import Call, Cut, Sink, TooLarge, Unreachable, Upstream

_ERRORS: dict[str, type[Exception]] = {
    one.__name__: one
    for one in (seam.Unreachable, seam.ConnectTimeout, seam.Exhausted, seam.Cut, seam.TooLarge, seam.NotTaken)
}


class NotRecorded(Exception):
    """The exchange called somebody of whom nothing is recorded, or not so much."""


class Made(Struct, frozen=True):
    """A call that the replay made."""

    provider: str
    model: str
    call: Call

    @property
    def target(self) -> str:
        return f"{self.provider}/{self.model}"


class Stage(Struct, eq=False):
    """One exchange's: what is left to answer with, and what was called."""

    line: Line
    clock: Clock
    used: set[str] = field(default_factory=set)
    made: list[Made] = field(default_factory=list)
    unknown: str = ""
    """The target that was called and of which nothing (more) is recorded."""

    def answer(self, provider: Provider, call: Call) -> Recorded:
        """What is recorded for the call. Raises NotRecorded."""
        body = orjson.loads(call.body) if isinstance(call.body, bytes) else None
        made = Made(provider.name, model_of(body, call.url), call)
        self.made.append(made)
        for one in self.line.calls:
            if one.id not in self.used and (one.provider, one.model) == (made.provider, made.model):
                self.used.add(one.id)
                return one
        self.unknown = made.target
        raise NotRecorded(made.target)


STAGE: ContextVar[Stage] = ContextVar("stage")
"""Of the exchange that the running task serves."""


class Player:
    """An engine that answers for `provider` out of the recording."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def send(self, call: Call) -> Upstream:
        stage = STAGE.get()
        recorded = stage.answer(self._provider, call)
        clock = stage.clock
        sent = clock.now()
        if recorded.head_ms is None:
            await _until(clock, sent + recorded.ended_ms / 1000)
            raise await _end_of(recorded)
        await _until(clock, sent + recorded.head_ms / 1000)
        return _Answer(recorded, clock, sent)

    async def close(self) -> None:
        """There is nothing to close."""


async def _until(clock: Clock, moment: float) -> None:
    if moment > clock.now():
        await clock.sleep(moment - clock.now())


async def _end_of(recorded: Recorded) -> Exception:
    """How it failed; never returns where it was not seen to its end."""
    if recorded.end == "closed":
        await asyncio.Event().wait()
    return _ERRORS.get(recorded.error, Cut if recorded.head_ms is not None else Unreachable)(recorded.why)


class _Answer:
    """Upstream."""

    def __init__(self, recorded: Recorded, clock: Clock, sent: float) -> None:
        self.status = recorded.status
        self.headers: Headers = list(recorded.response_headers.items())
        self._recorded = recorded
        self._clock = clock
        self._sent = sent
        self._left = _pieces(recorded)

    async def read(self, limit: int) -> bytes:
        body = b""
        while (piece := await self._next()) is not None:
            body += piece
            if len(body) > limit:
                raise TooLarge(f"its answer is longer than {limit} bytes")
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        while (piece := await self._next()) is not None:
            yield piece

    async def drive(self, sink: Sink) -> bool:
        while (piece := await self._next()) is not None:
            if not sink(piece):
                return True
        return False

    async def close(self) -> None:
        """There is nothing to close."""

    async def _next(self) -> bytes | None:
        """The next piece when its time has come; None at the regular end. Raises Cut."""
        if self._left:
            at, piece = self._left.pop(0)
            await _until(self._clock, self._sent + at)
            return piece
        await _until(self._clock, self._sent + self._recorded.ended_ms / 1000)
        if self._recorded.end != "whole":
            raise await _end_of(self._recorded)
        return None


def _pieces(recorded: Recorded) -> list[tuple[float, bytes]]:
    """The body as it came: seconds since it was asked for, and bytes."""
    body, start, pieces = body_of(recorded), 0, []
    for size, at in zip(recorded.chunk_lens, recorded.chunk_ms, strict=True):
        pieces.append((at / 1000, body[start : start + size]))
        start += size
    return pieces


def body_of(recorded: Recorded | Line) -> bytes:
    """The answer's bytes."""
    if recorded.response_base64 is not None:
        return base64.b64decode(recorded.response_base64)
    return (recorded.response_body or "").encode()


class Answered:
    """A client that takes everything at once, and keeps it (Output)."""

    def __init__(self) -> None:
        self.started = False
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.cut = False

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self.started, self.status, self.headers, self.body = True, status, headers, body

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:  # noqa: ARG002 - Output's
        self.started, self.status, self.headers = True, status, headers
        self.body += first

    async def write(self, data: bytes) -> None:
        self.body += data

    def push(self, data: bytes) -> bool:
        self.body += data
        return True

    async def finish(self) -> None:
        """Nothing more comes."""

    def abort(self) -> None:
        self.cut = True
