"""A connection as the edge knows it (`proxy.edge.client.Connection`): a whole request, an answer, and its end.

Answers do not take ASGI's way out: a head and a body are one write. What is read, and what is too much of it, is the
business of `proxy.server.protocol`.
"""

from collections.abc import Callable
from typing import Any

from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from translators.faults import Fault

BLOCK = 65_536
"""Bytes of a body up to which it is joined to its head."""
_FAILED = b"Internal Server Error"


class Answering(HttpToolsProtocol):
    def __init__(self, config: UvicornConfig, state: ServerState) -> None:
        super().__init__(config, state, {})
        self.problem: Fault | None = None
        self.head: Any = None
        self.away: Any = None
        self.length: int | None = None
        self._lost: Callable[[], None] | None = None

    def arrived(self) -> bool:
        return not self.cycle.more_body

    def whole(self) -> bytes | None:
        cycle = self.cycle
        if cycle.more_body or cycle.disconnected or self.problem is not None:
            return None
        if self.flow.read_paused:
            self.flow.resume_reading()
        return bytes(cycle.body)

    def ready(self) -> bool:
        return self.cycle.message_event.is_set() or self.cycle.disconnected

    def watch(self, lost: Callable[[], None] | None) -> None:
        self._lost = lost
        if lost is not None and self.cycle.disconnected:
            lost()

    def last(self) -> None:
        self.cycle.keep_alive = False

    def begin(self, status: int, lines: bytes, body: bytes, *, close: bool) -> None:
        cycle = self.cycle
        if cycle.disconnected:
            return
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        last = b""
        if close or not cycle.keep_alive:
            cycle.keep_alive = False
            last = b"connection: close\r\n"
        ((_, date),) = cycle.default_headers
        head = b"%s%sdate: %s\r\n%s\r\n" % (STATUS_LINE[status], lines, date, last)
        if cycle.scope["method"] == "HEAD":
            self.transport.write(head)
        elif len(body) > BLOCK:
            self.transport.writelines([head, body])
        else:
            self.transport.write(head + body)

    def repeat(self, status: int, lines: bytes, body: bytes) -> None:
        ((_, date),) = self.server_state.default_headers
        self.transport.write(b"%s%sdate: %s\r\n\r\n%s" % (STATUS_LINE[status], lines, date, body))
        self.on_response_complete()

    async def write(self, data: bytes) -> None:
        if not self.push(data):
            await self.flow.drain()
            if not self.cycle.disconnected:
                self.transport.write(data)

    def push(self, data: bytes) -> bool:
        if self.cycle.disconnected:
            return True
        if self.flow.write_paused:
            return False
        self.transport.write(data)
        return True

    def complete(self) -> None:
        cycle = self.cycle
        if cycle.disconnected:
            return
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def end_writing(self) -> None:
        if not self.transport.is_closing():
            self.transport.write_eof()

    def abort(self) -> None:
        self.cycle.disconnected = True
        self.transport.close()

    def failed(self, error: Exception) -> None:
        self.logger.error("Exception in ASGI application\n", exc_info=error)
        if self.cycle.response_started:
            self.transport.close()
        else:
            lines = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(_FAILED)
            self.begin(500, lines, _FAILED, close=True)
            self.complete()
