"""The structured log: one JSON object a line, written in batches by a thread of its own.

A reader that stalls (a full pipe, a stopped collector) must never stop the event loop, so the loop only appends to a
list; a timer hands what has gathered to the writing thread. At most `PENDING_BYTES` wait there: more is dropped, and
counted, rather than kept without bound. Callers pass allowlisted fields only; nothing here knows how to redact.

The stream is unbuffered and the log's own: a thread that is stuck writing to a buffered one holds its lock, and then
whoever flushes it, the interpreter at its end too, waits for that reader as well.
"""

import asyncio
import io
import logging
import os
import queue
import select
import sys
import threading
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson
from msgspec import Struct, json

from proxy.clock import Clock
from proxy.memo import Memo

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger

BATCH_BYTES = 1024 * 1024
"""Waking the writing thread costs some hundred microseconds, so batches are large; time usually ends them."""
BATCH_S = 0.2
PENDING_BYTES = 8 * 1024 * 1024
CLOSE_S = 2.0


class LogWriter:
    """Lines in, batches out to `stream`. Used from the event loop's thread alone; `close` writes what is left."""

    def __init__(self, stream: BinaryIO) -> None:
        """`stream` is unbuffered; it may write a part of what it is given."""
        self.dropped = 0
        """Lines that were lost."""
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._pending = 0
        self._lock = threading.Lock()
        self._batches: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="sidestep-log", daemon=True)
        self._thread.start()

    def msg(self, line: bytes) -> None:
        """Takes one line, without its newline."""
        self._lines.append(line)
        self._size += len(line) + 1
        if self._size >= BATCH_BYTES:
            self.flush()
        elif self._timer is None:
            self._schedule()

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Hands what has gathered to the writing thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._lines:
            return
        with self._lock:
            if fits := self._pending + self._size <= PENDING_BYTES:
                self._pending += self._size
        if fits:
            self._batches.put(self._lines)
        else:
            self.dropped += len(self._lines)
        self._lines, self._size = [], 0

    def close(self) -> "asyncio.Future[None]":
        """Writes what is left; done when it is written, or a slow reader has had `CLOSE_S` seconds."""
        self.flush()
        self._batches.put(None)
        return asyncio.get_running_loop().run_in_executor(None, self._thread.join, CLOSE_S)

    def _schedule(self) -> None:
        try:
            self._timer = asyncio.get_running_loop().call_later(BATCH_S, self.flush)
        except RuntimeError:  # before and after the loop's life there is nothing to wait for
            self.flush()

    def _write(self) -> None:
        while (lines := self._batches.get()) is not None:
            batch = b"\n".join((*lines, b""))
            try:
                self._put(batch)
            except (OSError, ValueError):  # nobody reads any more: serving matters more than telling
                self.dropped += len(lines)
            with self._lock:
                self._pending -= len(batch)

    def _put(self, batch: bytes) -> None:
        rest = memoryview(batch)
        while rest:
            written = self._stream.write(rest)
            if written is None:  # whoever shares the stream made it non-blocking
                writable = select.poll()
                writable.register(self._stream, select.POLLOUT)
                writable.poll()
            else:
                rest = rest[written:]
        self._stream.flush()


class _Descriptor(io.FileIO):
    """Closed once neither its opener nor the thread that writes to it is left; nobody knows which of them is last."""

    def __del__(self) -> None:
        self.close()


def standard_output() -> BinaryIO:
    """Standard output as a log's stream: a descriptor of its own, unbuffered."""
    return _Descriptor(os.dup(sys.stdout.fileno()), "wb")


class Line(Struct):
    """What every line begins with; the fields that a line of its own form adds follow."""

    time: str
    level: str
    event: str


def moment(clock: Clock) -> str:
    """Now, as lines tell it: RFC 3339, UTC, in microseconds."""
    seconds, rest = divmod(int(clock.wall() * 1e6 + 0.5), 1_000_000)
    return f"{_SECONDS[seconds]}.{str(1_000_000 + rest)[1:]}Z"


def _second(seconds: int) -> str:
    """A second's lines share all but their end."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_SECONDS: Memo[int, str] = Memo(_second, 2)


_encode = json.Encoder().encode


class Log:
    """One JSON object a call: `time`, `level`, `event`, and the fields given."""

    def __init__(self, writer: LogWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    def tell(self, line: "Line") -> None:
        """A line whose form is known: rendered at once, at a third of what `events` costs."""
        self._writer.msg(_encode(line))

    @cached_property
    def events(self) -> "FilteringBoundLogger":
        """The logger of everything else. Importing what it is made of takes longer than a request may wait."""
        import structlog  # noqa: PLC0415 - a tenth of the start, and needed when something has gone wrong

        def render(_: Any, level: str, fields: "EventDict") -> bytes:
            line = {"time": moment(self._clock), "level": level, "event": fields.pop("event"), **fields}
            return orjson.dumps(line, option=orjson.OPT_UTC_Z)

        logger: FilteringBoundLogger = structlog.wrap_logger(
            self._writer,
            processors=[render],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            cache_logger_on_first_use=True,
        ).bind()
        return logger
