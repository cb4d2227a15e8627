"""How records are put into the table of SQLite: many by one statement, and what is the same in all of them told once.

To tell a value costs as much as to store it, and of the records of a moment most values are the same: who asks, what
for, how it ended. Columns in which records were seen to differ are told for each from then on, so that there are few
statements, which are kept ready.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from msgspec import json, structs

from proxy.usage.record import Record
from proxy.usage.schema import COLUMNS, FLAGS, NULLABLE, TABLE, TAGS

AT_ONCE: Final = 25
"""Records that one statement keeps: between two of them, a thread asks for the interpreter, which is in demand."""
UNKNOWN: Final = -(2**63)
"""Stands for NULL on its way to the database: the interpreter's own way for what is neither number nor text is long."""
_NULLABLE: Final = frozenset(COLUMNS.index(name) for name in NULLABLE)
_encode = json.Encoder().encode


class Rows:
    """For one thread."""

    def __init__(self) -> None:
        self._own: tuple[int, ...] = ()
        """The places of columns in which records were seen to differ."""

    def keep(self, database: sqlite3.Connection, records: Sequence[Record]) -> None:
        """Keeps them, but for those that are kept already. Raises sqlite3.Error."""
        for start in range(0, len(records), AT_ONCE):
            self._keep(database, records[start : start + AT_ONCE])

    def _keep(self, database: sqlite3.Connection, some: Sequence[Record]) -> None:
        columns = [*zip(*map(structs.astuple, some), strict=True)]
        differ = [place for place, column in enumerate(columns) if column.count(column[0]) < len(column)]
        own = self._own = tuple(sorted({*self._own, *differ}))
        alike = [_plain(place, column[0]) for place, column in enumerate(columns) if place not in own]
        rows = zip(*(_told(place, columns[place]) for place in own), strict=True)
        database.execute(_inserting(len(some), own), [*alike, *chain.from_iterable(rows)])


def _plain(place: int, value: Any) -> Any:
    if place == TAGS:
        return _encode(value).decode() if value else ""
    return int(value) if place in FLAGS else value


def _told(place: int, column: Iterable[Any]) -> Iterable[Any]:
    """A column's values as a statement is given them for each record."""
    if place == TAGS or place in FLAGS:
        return [_plain(place, value) for value in column]
    return [UNKNOWN if value is None else value for value in column] if place in _NULLABLE else column


@lru_cache(maxsize=128)
def _inserting(count: int, own: tuple[int, ...]) -> str:
    """The statement that keeps so many, at most AT_ONCE: first it is given what they have in common, in the order of
    the columns, then what each has of its own."""
    alike = {place: n for n, place in enumerate((p for p in range(len(COLUMNS)) if p not in own), 1)}
    rows = []
    for row in range(count):
        first = len(alike) + row * len(own) + 1
        at = {**alike, **{place: first + n for n, place in enumerate(own)}}
        told = [f"NULLIF(?{at[p]}, {UNKNOWN})" if p in own and p in _NULLABLE else f"?{at[p]}" for p in sorted(at)]
        rows.append(f"({', '.join(told)})")
    # By name: a later version may have added columns to the file.
    return f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES {', '.join(rows)} ON CONFLICT DO NOTHING"  # noqa: S608 - made of the names above alone
