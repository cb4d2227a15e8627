"""Records in, batches out to one sink, by a thread of its own.

The request's way only appends to a list; a timer hands what has gathered to the thread. At most `WAITING` records wait
there: more are dropped, and counted, rather than kept without bound. What a sink cannot take for the moment is given
again for `PATIENCE_S` seconds and is lost then; what it cannot take at all is lost at once. Why is told once, until the
sink works again.

The thread also has the sink forget what is older than `keep_days`, piece by piece between two batches.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from proxy.clock import Clock
from proxy.config.spending import LedgerSettings
from proxy.usage.record import Record
from proxy.usage.sink import PIECE, NotKept, Sink

BATCH_S: Final = 0.25
"""How long a record waits for others: waking the thread for each would cost more than keeping it."""
BATCH: Final = 1000
WAITING: Final = 32_768
"""Records; some 20 MB of memory."""
PATIENCE_S: Final = 30.0
AGAIN_S: Final = 0.5
"""Between two tries."""
CLOSE_S: Final = 5.0
TIDY_S: Final = 60.0
TIDY_ON_S: Final = 0.05
"""Between two pieces of what is old."""
DAY_S: Final = 86_400
FULL: Final = "more records are waiting than there is room for"

Tell = Callable[[str], None]
"""Is told why records are lost."""


class Writer:
    """Gives records to `sink`. All but the sink is used in the running loop; see `proxy.lasting`."""

    def __init__(self, settings: LedgerSettings, sink: Sink, clock: Clock, tell: Tell) -> None:
        self.settings = settings
        self.dropped = 0
        """Records that were lost."""
        self._sink = sink
        self._clock = clock
        self._tell = tell
        self._gathered: list[Record] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batches: queue.SimpleQueue[list[Record] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        """Records that the thread has or will get."""
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._told = ""
        """Why records were lost; empty once the sink works again."""
        self._fails = False
        """The thread's: whether the sink did not work when it was last used."""
        self._tidy_at = clock.now()

    def open(self) -> None:
        """The sink is opened now rather than by the first record, so that what is wrong with it is told."""
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._write, name="sidestep-usage", daemon=True)
            self._thread.start()

    def note(self, record: Record) -> None:
        """Keeps it, some time. Never waits, never fails."""
        self._gathered.append(record)
        if self._timer is None:
            self._timer = self._loop.call_later(BATCH_S, self._hand_over)
        elif len(self._gathered) >= BATCH:
            self._hand_over()

    async def close(self) -> None:
        """Writes what is left, for at most `CLOSE_S` seconds; what is not written then counts as lost."""
        if self._thread is None:
            return
        self._hand_over()
        self._batches.put(None)
        self._ending.set()
        await asyncio.to_thread(self._thread.join, CLOSE_S)
        with self._lock:
            left, self._waiting = self._waiting, 0
        if left:
            self._lost(left, f"{self._sink.place}: it took longer than {CLOSE_S:g} s to write what was left")

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._gathered = self._gathered, []
        with self._lock:
            fits = self._waiting + len(batch) <= WAITING
            if fits:
                self._waiting += len(batch)
        if not fits:
            self._lost(len(batch), FULL)
        elif batch:
            self._batches.put(batch)
            if self._told == FULL:
                self._told = ""

    def _lost(self, count: int, why: str) -> None:
        self.dropped += count
        if why != self._told:
            self._told = why
            self._tell(why)

    def _works(self) -> None:
        self._told = ""

    # What follows runs in the thread.

    def _write(self) -> None:
        self._begin()
        going = True
        while going:
            batch: list[Record] | None = []
            with suppress(queue.Empty):
                batch = self._batches.get(timeout=max(0.0, self._tidy_at - self._clock.now()))
            going = batch is not None
            for start in range(0, len(batch or ()), PIECE):
                self._keep((batch or [])[start : start + PIECE])
            if going and self._clock.now() >= self._tidy_at:
                self._tidy()
        self._sink.close()

    def _begin(self) -> None:
        try:
            self._sink.open()
        except Exception as error:  # noqa: BLE001 - see `_why`
            if not (isinstance(error, NotKept) and error.passing):
                self._say(0, _why(error))

    def _keep(self, piece: Sequence[Record]) -> None:
        why = self._kept(piece)
        with self._lock:
            self._waiting -= len(piece)
        self._say(len(piece) if why else 0, why)

    def _kept(self, piece: Sequence[Record]) -> str:
        """Why the records are lost; empty where they are kept."""
        until = self._clock.now() + PATIENCE_S
        while True:
            try:
                self._sink.write(piece)
            except NotKept as error:
                if not error.passing or self._clock.now() >= until or self._ending.wait(AGAIN_S):
                    return str(error)
            except Exception as error:  # noqa: BLE001 - see `_why`
                return _why(error)
            else:
                return ""

    def _tidy(self) -> None:
        more = False
        try:
            more = self._sink.tidy(self._clock.wall() - self.settings.keep_days * DAY_S)
        except Exception as error:  # noqa: BLE001 - see `_why`
            self._say(0, _why(error))
        self._tidy_at = self._clock.now() + (TIDY_ON_S if more else TIDY_S)

    def _say(self, lost: int, why: str) -> None:
        if not (why or self._fails):
            return
        self._fails = bool(why)
        with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
            self._loop.call_soon_threadsafe(*((self._lost, lost, why) if why else (self._works,)))


def _why(error: Exception) -> str:
    """A sink's own fault must not end the writing: it is told as one."""
    return str(error) if isinstance(error, NotKept) else f"internal error: {type(error).__name__}; please report it"
