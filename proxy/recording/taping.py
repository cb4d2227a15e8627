"""Between the proxy and both of its sides: notes what passes, and changes nothing of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from proxy.clock import Clock
from proxy.config.values import Provider
from proxy.flow import Headers, Output
from proxy.recording.tape import PIECE_OVERHEAD, TAPE, Noted, Tape
from proxy.upstream.seam import Call, Cut, Engine, Sink, Unreachable, Upstream

KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")


def secrets_in(headers: Iterable[tuple[str, str]]) -> set[str]:
    """The keys that headers carry, with and without the scheme before them."""
    values = [value for name, value in headers if name.lower() in KEY_HEADERS]
    return {part for value in values for part in (value, value.rpartition(" ")[2]) if part}


class TapingEngine:
    """The engine of `provider`, listened to where an exchange is recorded."""

    def __init__(self, engine: Engine, provider: Provider, clock: Clock) -> None:
        self._engine = engine
        self._provider = provider
        self._clock = clock

    async def send(self, call: Call) -> Upstream:
        tape, now = TAPE.get(), self._clock.now
        size = len(call.body) if isinstance(call.body, bytes) else 0
        if tape is None or not tape.keep(size + PIECE_OVERHEAD):
            return await self._engine.send(call)
        noted = Noted(self._provider, call, now())
        tape.calls.append(noted)
        tape.secrets |= secrets_in(call.headers)
        try:
            upstream = await self._engine.send(call)
        except (Unreachable, Cut) as error:
            noted.error = error
            raise
        finally:
            noted.ended = now()
        noted.head, noted.status, noted.headers = noted.ended, upstream.status, upstream.headers
        return _TapedAnswer(upstream, noted, tape, self._clock)

    async def close(self) -> None:
        await self._engine.close()


class _TapedAnswer:
    def __init__(self, upstream: Upstream, noted: Noted, tape: Tape, clock: Clock) -> None:
        self.status = upstream.status
        self.headers = upstream.headers
        self._upstream = upstream
        self._noted = noted
        self._tape = tape
        self._now = clock.now

    async def read(self, limit: int) -> bytes:
        try:
            body = await self._upstream.read(limit)
        except Cut as error:
            self._failed(error)
            raise
        self._piece(body)
        self._whole()
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._upstream.chunks():
                self._piece(chunk)
                yield chunk
        except Cut as error:
            self._failed(error)
            raise
        self._whole()

    async def drive(self, sink: Sink) -> bool:
        def taken(chunk: bytes) -> bool:
            self._piece(chunk)
            return sink(chunk)

        try:
            more = await self._upstream.drive(taken)
        except Cut as error:
            self._failed(error)
            raise
        if not more:
            self._whole()
        return more

    async def close(self) -> None:
        if not self._noted.whole and self._noted.error is None:
            self._noted.ended = self._now()
        await self._upstream.close()

    def _piece(self, data: bytes) -> None:
        if data and self._tape.keep(len(data) + PIECE_OVERHEAD):
            self._noted.pieces.append((self._now(), data))

    def _whole(self) -> None:
        self._noted.whole, self._noted.ended = True, self._now()

    def _failed(self, error: Cut) -> None:
        self._noted.error, self._noted.ended = error, self._now()


class TapedOutput:
    """The client's side of the exchange (Output)."""

    __slots__ = ("_out", "_tape")

    def __init__(self, out: Output, tape: Tape) -> None:
        self._out = out
        self._tape = tape

    @property
    def started(self) -> bool:
        return self._out.started

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self._tape.headers = headers
        self._note(body)
        await self._out.answer(status, headers, body)

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:
        self._tape.headers = headers
        self._note(first)
        await self._out.start(status, headers, length, first)

    async def write(self, data: bytes) -> None:
        self._note(data)
        await self._out.write(data)

    def push(self, data: bytes) -> bool:
        pushed = self._out.push(data)
        if pushed:
            self._note(data)
        return pushed

    async def finish(self) -> None:
        await self._out.finish()

    def abort(self) -> None:
        self._tape.cut = True
        self._out.abort()

    def _note(self, data: bytes) -> None:
        if data and self._tape.keep(len(data) + PIECE_OVERHEAD):
            self._tape.pieces.append(data)


def taped(read: Callable[[], Awaitable[bytes]], tape: Tape) -> Callable[[], Awaitable[bytes]]:
    """The reading of a request's body, which is noted once it is whole."""

    async def reading() -> bytes:
        body = await read()
        if tape.keep(len(body)):
            tape.body = body
        return body

    return reading
