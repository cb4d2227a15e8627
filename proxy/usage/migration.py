"""A file of records as this version has it, made anew or out of an earlier version's.

Columns were only ever added, at the table's end and with values for the records that are there: so an earlier file is
brought up in a moment, however large it is. A reader changes nothing: it looks at an earlier file through passing views
that have what the file lacks.
"""

import sqlite3

from proxy.usage.schema import LATER, MAKE, NULLABLE, PERFORMANCE, TABLE

_NOTHING = "''"


def bring_up(database: sqlite3.Connection) -> None:
    """Makes what is missing. Several processes may do it at once. Raises sqlite3.Error."""
    if _missing(database):
        database.execute("BEGIN IMMEDIATE")
        try:
            for name in _missing(database):  # those that somebody else has not added by now
                database.execute(f"ALTER TABLE {TABLE} ADD COLUMN {LATER[name]}")
            database.execute(f"DROP VIEW IF EXISTS {PERFORMANCE}")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
    for statement in MAKE:
        database.execute(statement)


def see_as_new(database: sqlite3.Connection) -> None:
    """For this connection alone, an earlier version's file looks as this version's. Raises sqlite3.Error."""
    missing = _missing(database)
    if not missing:
        return
    empty = ", ".join(f"{'NULL' if name in NULLABLE else _NOTHING} AS {name}" for name in missing)
    database.execute(f"CREATE TEMP VIEW {TABLE} AS SELECT *, {empty} FROM main.{TABLE}")  # noqa: S608 - names of columns alone
    if database.execute("SELECT 1 FROM main.sqlite_schema WHERE name = 'usage_scores'").fetchone():
        return
    database.execute("CREATE TEMP TABLE usage_scores (ended REAL, request TEXT, at REAL, score REAL, label TEXT)")


def _missing(database: sqlite3.Connection) -> list[str]:
    """None of a file that has no such table."""
    has = {row[1] for row in database.execute(f"PRAGMA main.table_info({TABLE})")}
    return [name for name in LATER if name not in has] if has else []
