"""Records in an SQLite file: the ledger's own, over a connection of their own.

Several processes write to one file; each waits for the others a while. What is written is in the write-ahead log at
once and survives the process, but an outage of the machine may take what the last seconds brought: records are told
apart from budgets there, whose grants are on the disk before they are used.

A file that somebody moved away, or that cannot be used any more, is opened (and made) anew by the next write. Nothing
but SQLite ever opens it: closing any other descriptor of it would drop the locks of this whole process, the budgets'
too.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from proxy.sqlite import PASSING, code_of, identity_of
from proxy.usage.migration import bring_up, see_as_new
from proxy.usage.record import Record
from proxy.usage.rows import Rows
from proxy.usage.schema import FIND, FORGET, FORGET_SCORES, INDEX, PAGE, keep_score, record_in, scores_in
from proxy.usage.scores import Score
from proxy.usage.sink import PIECE, NotKept, Unread

BUSY_S: Final = 5.0
"""How long it waits for those who write."""
PAGE_ROWS: Final = 500
"""Read at once: a reader that takes its time keeps nobody from writing, nor the log from being written back."""
_WAYS_OUT: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it away, and a new one is made",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database: move it away, or name another file",
    sqlite3.SQLITE_BUSY: "others are writing to it",
    sqlite3.SQLITE_LOCKED: "others are writing to it",
}


class SqliteSink:
    """Keeps records in the file at `path`; see `proxy.usage.sink.Sink`."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._rows = Rows()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    @property
    def place(self) -> str:
        return str(self._path)

    def open(self) -> None:
        with self._told():
            self._connected()

    def write(self, records: Sequence[Record]) -> None:
        with self._told():
            connection = self._connected()
            with _whole(connection):
                self._rows.keep(connection, records)

    def tidy(self, before: float) -> bool:
        with self._told():
            connection = self._connected()
            with _whole(connection):
                gone = connection.execute(FORGET, (before, PIECE)).rowcount
                scores = connection.execute(FORGET_SCORES, (before, PIECE)).rowcount
        return PIECE in (gone, scores)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._opened == identity_of(self._path):
            return self._connection
        self.close()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = not self._path.exists()
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        try:
            if made:  # who asked for what is nobody else's business; what SQLite puts beside it has the file's mode
                self._path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            bring_up(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, identity_of(self._path)
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong, as NotKept; the file is opened anew then."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            where = error.filename if isinstance(error, OSError) and error.filename else self._path
            raise NotKept(f"{where}: {_why(error)}", passing=code_of(error) in PASSING) from error


class SqliteScores(SqliteSink):
    """Keeps scores there; see `proxy.usage.scores.Scores`. They come seldom, and each from another thread."""

    def find(self, request: str, since: float) -> Record | None:
        with self._told(), closing(self):
            connection = self._connected()
            connection.execute(INDEX)
            row = connection.execute(FIND, (request, since)).fetchone()
        return None if row is None else record_in(row)

    def keep(self, score: Score) -> None:
        with self._told(), closing(self):
            connection = self._connected()
            with _whole(connection):
                keep_score(connection, score)


class SqliteSource:
    """Reads records from the file at `path`; see `proxy.usage.sink.Source`."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    @property
    def place(self) -> str:
        return str(self._path)

    def records(self, since: float | None, until: float | None) -> Iterator[Record]:
        last: tuple[float, str] = (float("-inf") if since is None else since, "")
        end = float("inf") if until is None else until
        with self.connection() as connection, self._told():
            while rows := connection.execute(PAGE, (*last, end, PAGE_ROWS)).fetchall():
                for row in rows:
                    yield record_in(row)
                last = rows[-1][1], rows[-1][0]

    def scores(self, since: float | None, until: float | None) -> Iterator[Score]:
        span = float("-inf") if since is None else since, float("inf") if until is None else until
        with self.connection() as connection, self._told():
            yield from scores_in(connection, *span)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """For reading alone, in this thread. Raises Unread."""
        if not self._path.exists():
            raise Unread(f"There is no file {self._path}: nothing has been kept there yet.")
        with self._told():
            connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S)
        with closing(connection):
            with self._told():
                see_as_new(connection)
                connection.execute("PRAGMA query_only = 1")
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if "no such table" in str(error):
                raise Unread(f"The file {self._path} has no records of usage.") from None
            raise Unread(f"The file {self._path} cannot be read: {_why(error)}.") from error


@contextmanager
def _whole(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done inside, or nothing of it. The right to write is asked for first, and waited for."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # a full disk has rolled it back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return _WAYS_OUT.get(code_of(error), str(error))
