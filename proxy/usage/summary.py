"""Records summed up, by who asked, what answered, or when.

The sums are made by SQLite itself, over the file that the records lie in, or a passing one for those that lie
elsewhere: a thread that sums in Python would keep the event loop of the same process waiting.

- A request counts as a success when it ended well. Those whose clients left count neither way.
- Times are those of successes, in milliseconds: exact up to a second, and to three digits above.
- Tokens and costs of None are left out of the sums; how many requests have no known price is told beside them.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby, islice
from typing import Any, Final

from msgspec import Struct

from proxy.usage.record import Record
from proxy.usage.rows import Rows
from proxy.usage.schema import MAKE, keep_score
from proxy.usage.sink import Source, Unread
from proxy.usage.sqlite import SqliteSource

KEYS: Final = {
    "client": "client",
    "team": "team",
    "user": "user",
    "task": "task",
    "model": "CASE model WHEN '' THEN asked ELSE model END",
    "provider": "provider",
    "day": "date(at, 'unixepoch')",
    "hour": "strftime('%Y-%m-%d %H:00', at, 'unixepoch')",
}
"""What requests may be summed by. A model that did not answer is the one that was asked for."""
TIMES: Final = ("day", "hour")
_FIGURES: Final = (
    "COUNT(*), SUM(outcome = 'ok'), SUM(outcome = 'cancelled'), SUM(input), SUM(cached), SUM(cache_write), "
    "SUM(cache_write_1h), SUM(audio_in), SUM(output), SUM(reasoning), SUM(audio_out), SUM(searches), SUM(estimated), "
    "SUM(cost), SUM(cost IS NULL AND provider <> '')"
)
_DIGITS: Final = " ".join(f"WHEN {{0}} < {10**n} THEN {{0}} / {10 ** (n - 3)} * {10 ** (n - 3)}" for n in range(3, 9))
_SHORT: Final = f"CASE {_DIGITS} ELSE {{0}} END"
"""The time to three digits; seldom has a request taken a day."""
_STEPS: Final = 20_000
"""Of SQLite's machine, between two looks whether it should go on: about a millisecond."""
_PIECE: Final = 1000

Stop = Callable[[], bool]
"""Whether to go on no longer."""


class Figures(Struct, frozen=True):
    """What some requests come to. Tokens and `cost` (nano-dollars) are None where not one of them is known."""

    requests: int = 0
    ok: int = 0
    cancelled: int = 0
    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    audio_in: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_out: int | None = None
    searches: int | None = None
    """Of the web, by providers themselves."""
    estimated: int = 0
    """Requests whose tokens are an estimate."""
    cost: int | None = None
    unpriced: int = 0
    """Requests that were answered, and whose price is not known."""
    p50_ms: int | None = None
    p95_ms: int | None = None

    @property
    def success_ratio(self) -> float | None:
        """None where nothing is to be judged by."""
        judged = self.requests - self.cancelled
        return self.ok / judged if judged else None


_NAMES: Final = Figures.__struct_fields__


class Row(Struct, frozen=True):
    names: tuple[str, ...]
    """In the order of what it is summed by."""
    figures: Figures


class Summary(Struct, frozen=True):
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    """In order of time, where it is summed by that, and then the dearest first."""
    more: bool
    """Whether there were more than were asked for."""
    whole: Figures
    """All of them together, those that are not shown too."""


def summed(
    source: Source,
    by: Sequence[str],
    since: float | None,
    until: float | None,
    *,
    most: int,
    stop: Stop | None = None,
) -> Summary:
    """At most `most` rows of what `source` has from `since` on and before `until` (Unix seconds). Raises Unread, and
    that too once `stop` says so."""
    span = (float("-inf") if since is None else since, float("inf") if until is None else until)
    with database_of(source, since, until, stop or _never) as database:
        rows = _rows(database, by, span, most + 1) if by else ()
        [whole] = _rows(database, (), span, 1)
    return Summary(tuple(by), rows[:most], len(rows) > most, whole.figures)


def _never() -> bool:
    return False


def _rows(database: sqlite3.Connection, by: Sequence[str], span: tuple[float, float], most: int) -> tuple[Row, ...]:
    keys = [KEYS[name] for name in by]
    grouped = f"GROUP BY {', '.join(keys)}" if keys else ""
    order = ", ".join([*(KEYS[name] for name in TIMES if name in by), "SUM(cost) DESC", "COUNT(*) DESC", *keys])
    figures = database.execute(
        f"SELECT {', '.join([*keys, _FIGURES])} FROM usage_records WHERE at >= ? AND at < ? {grouped} "  # noqa: S608 - made of the names above alone
        f"ORDER BY {order} LIMIT ?",
        (*span, most),
    ).fetchall()
    found = {tuple(row[: len(keys)]): row[len(keys) :] for row in figures}
    took = dict(times(database, keys, "at >= ? AND at < ?", span))
    return tuple(Row(names, _figures(values, took.get(names, (None, None)))) for names, values in found.items())


def _figures(values: Sequence[Any], times: tuple[int | None, int | None]) -> Figures:
    named = dict(zip(_NAMES, (*values, *times), strict=True))
    return Figures(**{name: value for name, value in named.items() if value is not None})


def times(
    database: sqlite3.Connection, keys: Sequence[str], which: str, span: Sequence[float | str], column: str = "ms"
) -> Iterator[tuple[tuple[str, ...], tuple[int, int]]]:
    """The median and the 95th percentile of a time of successes; `keys`, `which` and `column` are SQL of our own."""
    grouped = ", ".join([*keys, _SHORT.format(column)])
    counted = database.execute(
        f"SELECT {grouped}, COUNT(*) FROM usage_records WHERE {which} AND outcome = 'ok' AND {column} IS NOT NULL "  # noqa: S608 - likewise
        f"GROUP BY {grouped} ORDER BY {grouped}",
        span,
    )
    for names, rows in groupby(counted, key=lambda row: tuple(row[:-2])):
        counts = [(row[-2], row[-1]) for row in rows]
        yield names, (_quantile(counts, 50), _quantile(counts, 95))


def _quantile(counts: Sequence[tuple[int, int]], percent: int) -> int:
    """The smallest value that so many of a hundred are not above; `counts` ascend, and there is one."""
    wanted = -(-sum(count for _, count in counts) * percent // 100)
    so_far = 0
    for value, count in counts:
        so_far += count
        if so_far >= wanted:
            return value
    return counts[-1][0]


@contextmanager
def database_of(
    source: Source, since: float | None, until: float | None, stop: Stop = _never, *, scores: bool = False
) -> Iterator[sqlite3.Connection]:
    """What `source` has, to be asked with SQL until `stop` says so; with its scores only where they are asked for.
    Raises Unread."""
    opened = source.connection() if isinstance(source, SqliteSource) else _passing()
    with opened as database:
        database.set_progress_handler(stop, _STEPS)
        try:
            if not isinstance(source, SqliteSource):
                _copy(source.records(since, until), database)
                for score in source.scores(since, until) if scores else ():
                    keep_score(database, score)
            yield database
        except sqlite3.Error as error:
            if "no such table" in str(error):
                raise Unread(f"{source.place} has no records of usage.") from None
            what = "it took too long: ask for less" if stop() else str(error)
            raise Unread(f"The records of {source.place} could not be summed up: {what}.") from error


@contextmanager
def _passing() -> Iterator[sqlite3.Connection]:
    """An empty database of its own, on the disk where it grows large; it goes with its connection."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        for statement in MAKE:
            database.execute(statement)
        yield database


def _copy(records: Iterator[Record], database: sqlite3.Connection) -> None:
    rows = Rows()
    database.execute("BEGIN")
    while piece := list(islice(records, _PIECE)):
        rows.keep(database, piece)
    database.execute("COMMIT")
