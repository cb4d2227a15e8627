"""Records exchanges where the configuration says so; without that it stands in no stack, and no engine is listened to.

Recorded is what was let in and asked of a model: an exchange whose body was read, on one of `ROUTES`. What passes
through is not, for its bodies are files of any size; nor what was refused before it was read.

The path of a request does no more than note: masking, telling and writing are a thread's work. What it cannot take, for
want of room in memory or on the disk, is lost to the recording and counted; why is told once, until it works again.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from proxy.clock import Clock
from proxy.config.values import Provider, RecordSettings
from proxy.filters.observe import code_of
from proxy.flow import Exchange, Service
from proxy.recording.file import Rotating, why_not
from proxy.recording.form import Stopped, Tried
from proxy.recording.tape import TAPE, Facts, Room, Tape
from proxy.recording.taping import TapedOutput, TapingEngine, secrets_in, taped
from proxy.recording.telling import kept, line_of
from proxy.upstream.seam import Engine
from translators.faults import Kind

ROUTES: Final = frozenset({"chat", "completions", "responses", "messages", "count_tokens", "embeddings"})
CLOSE_S: Final = 5.0
TOO_LONG: Final = "an exchange is longer than half of the room that [record] bytes gives"
FULL: Final = "exchanges under way, or waiting to be written, hold all the memory there is for them"

Tell = Callable[[str], None]
"""Is told why exchanges are lost."""
Before = Callable[[], dict[str, Any]]
"""How targets and keys stand, where not as at the start of a process."""


class Recorder:
    """Writes what passes to `settings.file`. `open` and `close` are called in the running loop."""

    def __init__(self, settings: RecordSettings, clock: Clock, before: Before, tell: Tell) -> None:
        self.settings = settings
        self.dropped = 0
        """Exchanges that were lost."""
        self._clock = clock
        self._before = before
        self._tell = tell
        self._room = Room()
        self._file = Rotating(settings.file, settings.bytes)
        self._queue: queue.SimpleQueue[Tape | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._trouble = ""
        """Why the last exchange was lost; empty where it was not."""

    def engine(self, provider: Provider, engine: Engine) -> Engine:
        """`engine`, listened to."""
        return TapingEngine(engine, provider, self._clock)

    def open(self) -> None:
        """The file is opened now rather than by the first exchange, so that what is wrong with it is told."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._write, name="sidestep-record", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Writes what is left, for at most `CLOSE_S` seconds."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join, CLOSE_S)

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        """The filter: outermost, for what is recorded is what all others made of the exchange."""
        if exchange.route not in ROUTES:
            await service(exchange)
            return
        tape = Tape(self._room, exchange.started, self._clock.wall(), self._before())
        tape.secrets |= secrets_in(list(exchange.headers.items()))
        exchange.read = taped(exchange.read, tape)
        exchange.out = TapedOutput(exchange.out, tape)
        token = TAPE.set(tape)
        try:
            await service(exchange)
        finally:
            TAPE.reset(token)
            self._take(exchange, tape)

    def _take(self, exchange: Exchange, tape: Tape) -> None:
        if tape.lost:
            self._lost(FULL)
        elif tape.body is None:
            tape.release()
        else:
            tape.facts = facts_of(exchange, tape, self._clock.now())
            self._queue.put(tape)

    def _write(self) -> None:
        self._attempt(None)
        while (tape := self._queue.get()) is not None:
            self._attempt(tape)
        self._file.close()

    def _attempt(self, tape: Tape | None) -> None:
        """Writes the exchange, or sees to it that the file can be written."""
        why = ""
        try:
            if tape is None:
                self._file.open()
            elif not self._file.append(line_of(tape, texts=self.settings.texts, lost=self.dropped)):
                why = TOO_LONG
        except OSError as error:
            why = why_not(self.settings.file, error)
        except Exception as error:  # noqa: BLE001 - one exchange that cannot be told must not end the recording
            why = f"internal error: {type(error).__name__}; please report it"
        if tape is not None:
            tape.release()
        with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
            self._loop.call_soon_threadsafe(self._written, why, tape is not None)

    def _written(self, why: str, counts: bool) -> None:
        if why and counts:
            self._lost(why)
        elif why:
            self._say(why)
        else:
            self._trouble = ""

    def _lost(self, why: str) -> None:
        self.dropped += 1
        self._say(why)

    def _say(self, why: str) -> None:
        if why != self._trouble:
            self._trouble = why
            self._tell(why)


def facts_of(exchange: Exchange, tape: Tape, now: float) -> Facts:
    """What became of the exchange. The tape's times count from its begin."""
    fault, stop, envelope = exchange.fault, exchange.cancelled, exchange.envelope
    stopped = None
    if stop is not None and stop.kind is not Kind.DEADLINE:
        stopped = Stopped(stop.kind.value, stop.status, stop.code, stop.message, round((now - tape.began) * 1000, 1))
    return Facts(
        id=exchange.id,
        route=exchange.route,
        method=exchange.method,
        path=exchange.path,
        headers=kept(exchange.headers.items()),
        asked=exchange.asked,
        client=exchange.client.name if exchange.client is not None else None,
        provider=exchange.provider,
        model=exchange.model,
        stream=envelope.stream if envelope is not None else False,
        status=exchange.status,
        kind=fault.kind.value if fault is not None else None,
        code=code_of(fault),
        translation=exchange.translation,
        attempts=[
            Tried(target=one.target, kind=one.kind, status=one.status, ms=one.ms, code=one.code)
            for one in exchange.attempts
        ],
        skipped=list(exchange.skipped),
        stopped=stopped,
        ended=now,
    )
