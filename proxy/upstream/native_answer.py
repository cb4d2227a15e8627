"""The native engine's answer: what its connection has parsed, for a reader that comes when it likes.

A reader takes what has arrived (`read`, `chunks`) or leaves a sink that is given each piece where it arrives (`drive`):
a task that is woken for every piece of a stream costs more than the piece. What a reader does not take is kept up to
`BUFFER_LIMIT`; then the upstream is told to wait.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, Self

from proxy.flow import Headers
from proxy.upstream.bodies import collect
from proxy.upstream.seam import Cut, Sink

BUFFER_LIMIT = 64 * 1024
"""Bytes kept for a reader before the upstream is told to wait."""

CALLED_OFF = (asyncio.CancelledError, GeneratorExit)
"""How a reader that waits may end."""


class Source(Protocol):
    """The connection that an answer comes by."""

    loop: asyncio.AbstractEventLoop

    def pause(self) -> None:
        """Reads no more from the network for now."""

    def resume(self) -> None: ...

    def abort(self) -> None:
        """Closes at once."""


class Answer:
    """The seam's Upstream, filled by its connection."""

    __slots__ = (
        "_chunks",
        "_connection",
        "_done",
        "_error",
        "_paused",
        "_raised",
        "_sink",
        "_size",
        "_waiter",
        "headers",
        "status",
    )

    def __init__(self, connection: Source) -> None:
        self.status = 0
        self.headers: Headers = []
        self._connection = connection
        self._chunks: list[bytes] = []
        self._size = 0
        self._done = False
        self._error: Cut | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Sink | None = None
        self._raised: Exception | None = None
        """By the sink."""

    # -- the connection's side
    def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
        self._wake()

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        if self._sink is not None:
            return  # it is given at once
        self._size += len(data)
        if self._size > BUFFER_LIMIT and not self._paused:
            self._paused = True
            self._connection.pause()
        if self._waiter is not None:
            self._wake()

    def pour(self) -> None:
        """Gives what has arrived to the sink, if there is one."""
        sink, chunks = self._sink, self._chunks
        if sink is None or not chunks or self._done:
            return
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        try:
            more = sink(data)
        except Exception as error:  # noqa: BLE001 - raised again where the reader waits
            self._raised, more = error, False
        if not more:
            self._sink = None
            self._wake()

    def finish(self, error: Cut | None) -> None:
        """The end, regular or not; what comes after the first end changes nothing."""
        if not self._done:
            self._done = True
            self._error = error
            if self._paused:  # nothing more comes for this answer, and the next one on the connection must be heard
                self._paused = False
                self._connection.resume()
            if self._waiter is not None:
                self._wake()

    def _failed(self) -> Cut:
        """A new one for each who reads. One that is kept would keep in its turn, by its traceback, everything that
        was waiting for the answer, until the collector came by."""
        return type(self._error)(*self._error.args) if self._error is not None else Cut()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def _more(self) -> "asyncio.Future[None]":
        """Done when anything has changed. Who is cancelled while it waits closes the connection."""
        self._waiter = waiter = self._connection.loop.create_future()
        return waiter

    # -- the reader's side
    async def opened(self) -> Self:
        """Itself, once the head is there. Raises Cut."""
        try:
            while not self.status:
                if self._error is not None:
                    raise self._failed()
                await self._more()
        except CALLED_OFF:
            self._give_up()
            raise
        return self

    async def read(self, limit: int) -> bytes:
        try:
            if self._done and self._error is None and self._size <= limit:
                return self._taken()
            return await collect(self, limit)
        except BaseException:
            self._give_up()
            raise

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            while not self._chunks:
                if self._error is not None:
                    raise self._failed()
                if self._done:
                    raise StopAsyncIteration
                await self._more()
        except CALLED_OFF:
            self._give_up()
            raise
        return self._taken()

    async def drive(self, sink: Sink) -> bool:
        try:
            while True:
                if self._chunks:
                    if not sink(self._taken()):
                        return True
                    continue
                if self._error is not None:
                    raise self._failed()
                if self._done:
                    return False
                self._sink = sink
                await self._more()
                if self._raised is not None:
                    raise self._raised
                if self._sink is None:
                    return True
        except CALLED_OFF:
            self._give_up()
            raise
        finally:
            self._sink = self._raised = None

    def _taken(self) -> bytes:
        """What has arrived and was not read."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._connection.resume()
        return data

    async def close(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        self._waiter = None
        if not self._done:
            self._done = True
            self._error = Cut("the answer was given up")
            self._connection.abort()
