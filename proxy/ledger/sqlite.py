"""Balances in a file of SQLite, which the processes of one machine share.

Whatever is called while a transaction is under way goes into the next one, all together: one right to write, one
flush. A transaction that grants is on the disk before anyone hears of it (`synchronous = FULL`); one that only tells
need not be, for what an outage of the machine takes away then counts as still in hand, never as still to be had.

All of SQLite happens in one thread. A call that takes longer than `timeout_s` is given up, and not begun any more;
what was begun goes on, and its grants are heard of with the next answer. Time in which this process was stopped is not
taken for the file's.

Every process that writes waits its turn, for half of `timeout_s` at most. After any other error the file is opened anew
by the next call: so a disk that was full, rights that were missing and a file that was moved away or put back heal by
themselves. A file that was replaced is another memory.

Never opened but by SQLite: closing any other descriptor of it would drop the locks that this process holds.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.ledger.grants import apply
from proxy.ledger.store import BEAT_S, FORGET_S, GONE_S, Ask, Away, Count, Standing, Told, Unfit
from proxy.patience import Patience
from proxy.sqlite import PASSING, code_of, identity_of

TIMEOUT_S: Final = 2.0
TURN_S: Final = 0.001
"""Between two tries to get the right to write. SQLite's own waits get longer, so that who waits longest comes last."""
PAUSE_S: Final = 0.1
"""No turn takes longer but where this process was stopped meanwhile, and did not wait."""
EXPIRE_S: Final = 5.0
"""Between two looks for what has expired."""
EXPIRE_MAX: Final = 500
"""So much is deleted at once."""
JOURNAL_MAX: Final = 16 * 1024 * 1024
"""Bytes that the journal keeps of the disk after it was longer."""
VERSION: Final = 1
"""Of the tables."""

_TABLES: Final = (
    """CREATE TABLE counts (
        balance TEXT, owner TEXT, granted INTEGER, returned INTEGER, spent INTEGER, PRIMARY KEY (balance, owner)
    ) WITHOUT ROWID""",
    "CREATE TABLE balances (key TEXT PRIMARY KEY, expires INTEGER) WITHOUT ROWID",
    "CREATE INDEX balances_expire ON balances (expires)",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, expires INTEGER) WITHOUT ROWID",
    "CREATE TABLE memory (id TEXT)",
    "INSERT INTO memory VALUES (lower(hex(randomblob(8))))",
)
_COUNTS: Final = "SELECT owner, granted, returned, spent FROM counts WHERE balance = ?"
_KEEP: Final = (
    "INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET granted = excluded.granted, returned = excluded.returned, spent = excluded.spent"
)
_OWNERS: Final = "CREATE TABLE IF NOT EXISTS owners (name TEXT PRIMARY KEY, seen REAL) WITHOUT ROWID"
"""Beside the others since a version that came later: who knows nothing of it is not hindered by it."""
_BEAT: Final = "INSERT OR REPLACE INTO owners VALUES (?, ?)"
_LIVING: Final = "SELECT name, seen FROM owners"
_FIRST: Final = "INSERT OR IGNORE INTO balances VALUES (?, ?)"
_MARK: Final = (
    "INSERT INTO marks VALUES (?, ?) ON CONFLICT DO UPDATE SET expires = excluded.expires WHERE marks.expires <= ?"
)
_EXPIRED: Final = "SELECT key FROM balances WHERE expires <= ? LIMIT ?"
_MARKS_EXPIRED: Final = "DELETE FROM marks WHERE name IN (SELECT name FROM marks WHERE expires <= ? LIMIT ?)"

_DAMAGED: Final = "is damaged; move it and the files beside it away, and budgets begin anew"
_UNFIT: Final = {
    sqlite3.SQLITE_FULL: "cannot grow, for the disk is full; make room, or name another file",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "is no database of SQLite; move it away, or name another file",
    sqlite3.SQLITE_READONLY: "cannot be written; make it and its folder writable, or name another file",
    sqlite3.SQLITE_PERM: "may not be opened; make it and its folder writable, or name another file",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; make it and its folder writable, or name another file",
}
_AWAY: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked by another process",
    sqlite3.SQLITE_IOERR: "cannot be read or written, for the disk fails",
}

Work = Callable[[sqlite3.Connection], Any]


class _Job(Struct, eq=False):
    """Something to do in a transaction."""

    work: Work
    durable: bool
    """Whether it must be on the disk before its answer is heard."""
    answer: "asyncio.Future[Any]"


class SqliteStore:
    """See Store. Folder and file are made where they are missing, for this user alone."""

    def __init__(self, path: Path, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        """`timeout_s`: after this long a call raises Away."""
        self._path = path
        self._clock = clock
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._never = threading.Event()
        self._jobs: list[_Job] = []
        self._running: asyncio.Task[None] | None = None
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._memory = ""
        self._expire_at = self._beat_at = 0.0
        self._seen: dict[str, float] = {}
        """When each owner was noted as living, as last read."""

    async def open(self) -> None:
        await self._do(_nothing)

    async def call(self, owner: str, asks: Sequence[Ask], memory: str) -> Told:
        now = self._clock.wall()

        def work(connection: sqlite3.Connection) -> Told:
            if now >= self._beat_at or owner not in self._seen:
                connection.execute(_BEAT, (owner, now))
                self._seen = dict(connection.execute(_LIVING).fetchall())
                self._beat_at = now + BEAT_S
            fresh = False

            def lives(name: str) -> bool:
                """Of who seems gone it is read anew, once: he may have begun, or spoken, since."""
                nonlocal fresh
                if not fresh and self._seen.get(name, -GONE_S) <= now - GONE_S:
                    self._seen, fresh = dict(connection.execute(_LIVING).fetchall()), True
                return self._seen.get(name, -GONE_S) > now - GONE_S

            remembers = memory in {"", self._memory}
            standings = tuple(_stand(connection, owner, ask, lives, remembers=remembers) for ask in asks)
            return Told(standings, self._memory, now)

        told: Told = await self._do(work, durable=any(ask.least or ask.force for ask in asks))
        return told

    async def mark(self, name: str, expires: int) -> bool:
        now = self._clock.wall()

        def work(connection: sqlite3.Connection) -> bool:
            return connection.execute(_MARK, (name, expires, now)).rowcount > 0

        first: bool = await self._do(work, durable=True)
        return first

    async def close(self) -> None:
        """What was called is done first; for as long as a call may take."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=self._timeout_s)
        shut = asyncio.get_running_loop().run_in_executor(self._thread, self._shut)
        await asyncio.wait([shut], timeout=self._timeout_s)

    async def _do(self, work: Work, *, durable: bool = False) -> Any:
        """What `work` returns, in a transaction with whatever else is asked meanwhile. Raises Away, Unfit."""
        answer = asyncio.get_running_loop().create_future()
        self._jobs.append(_Job(work, durable, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        try:
            async with Patience(self._timeout_s):
                return await answer
        except TimeoutError:
            raise Away(f"the budget file {self._path} did not answer within {self._timeout_s:g} s") from None

    async def _run(self) -> None:
        """Transactions, for as long as there is something to do."""
        loop = asyncio.get_running_loop()
        while self._jobs:
            jobs, self._jobs = [job for job in self._jobs if not job.answer.done()], []
            now = self._clock.wall()
            try:
                answers = await loop.run_in_executor(self._thread, self._transact, jobs, now)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
                for job in jobs:
                    if not job.answer.done():
                        job.answer.set_exception(error)
            else:
                for job, answer in zip(jobs, answers, strict=True):
                    if not job.answer.done():
                        job.answer.set_result(answer)
        self._running = None

    # What follows runs in the thread.

    def _transact(self, jobs: Sequence[_Job], now: float) -> list[Any]:
        try:
            connection = self._begun("FULL" if any(job.durable for job in jobs) else "NORMAL")
            try:
                answers = [job.work(connection) for job in jobs]
                if now >= self._expire_at:
                    self._expire_at = now + (0.0 if _expire(connection, now) else EXPIRE_S)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled it back by itself
                    connection.execute("ROLLBACK")
                raise
        except OSError as error:
            raise Unfit(f"the budget file {self._path} cannot be made: {error.strerror}; name another one") from error
        except sqlite3.Error as error:
            raise self._fault(error) from error
        return answers

    def _begun(self, synchronous: str) -> sqlite3.Connection:
        """With the right to write."""
        left, looked = self._timeout_s / 2, self._clock.now()
        while True:
            try:
                connection = self._connected()
                connection.execute(f"PRAGMA synchronous = {synchronous}")
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                now = self._clock.now()
                left -= min(max(now - looked, TURN_S), PAUSE_S)
                if left <= 0 or code_of(error) not in PASSING:
                    raise
                looked = now
                self._never.wait(TURN_S)
            else:
                return connection

    def _connected(self) -> sqlite3.Connection:
        """The connection to the file that is there now."""
        if self._connection is not None and self._identity == identity_of(self._path):
            return self._connection
        self._shut()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        identity = identity_of(self._path)
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._memory = self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, identity
        self._beat_at = 0.0  # nobody was noted as living in this one
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> str:
        """Makes the tables where they are missing; the file's memory."""
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise Unfit(f"the budget file {self._path} is where processes cannot share it; name one on a local disk")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_MAX}")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise Unfit(f"the budget file {self._path} is of a later version of sidestep; name another one")
        if version == 0:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(_OWNERS)
        (memory,) = connection.execute("SELECT id FROM memory").fetchone()
        connection.execute("COMMIT")
        return str(memory)

    def _shut(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _fault(self, error: sqlite3.Error) -> Away | Unfit:
        """SQLite's error in our words. What does not pass by itself closes the file."""
        code = code_of(error)
        if code not in PASSING:
            self._shut()
        if code in _UNFIT:
            return Unfit(f"the budget file {self._path} {_UNFIT[code]}")
        return Away(f"the budget file {self._path} {_AWAY.get(code, f'cannot be used: {error}')}")


def _stand(
    connection: sqlite3.Connection, owner: str, ask: Ask, lives: Callable[[str], bool], *, remembers: bool
) -> Standing:
    rows = connection.execute(_COUNTS, (ask.key,)).fetchall()
    before = {name: Count(granted, returned, spent) for name, granted, returned, spent in rows}
    counts = dict(before)
    standing = apply(counts, owner, ask, lives, remembers=remembers)
    changed = [(name, count) for name, count in counts.items() if before.get(name) != count]
    if changed:
        if not before:
            connection.execute(_FIRST, (ask.key, ask.expires))
        for name, count in changed:
            connection.execute(_KEEP, (ask.key, name, count.granted, count.returned, count.spent))
    return standing


def _expire(connection: sqlite3.Connection, now: float) -> bool:
    """Deletes some of what has expired; whether more is left."""
    keys = connection.execute(_EXPIRED, (now, EXPIRE_MAX)).fetchall()
    connection.executemany("DELETE FROM counts WHERE balance = ?", keys)
    connection.executemany("DELETE FROM balances WHERE key = ?", keys)
    connection.execute("DELETE FROM owners WHERE seen <= ?", (now - FORGET_S,))
    marks = connection.execute(_MARKS_EXPIRED, (now, EXPIRE_MAX)).rowcount
    return max(len(keys), marks) == EXPIRE_MAX


def _nothing(_: sqlite3.Connection) -> None:
    pass
