"""A file of an earlier version goes on: nothing in it is lost, and reading alone changes nothing."""

import sqlite3
from contextlib import closing

import pytest

from proxy.usage.migration import bring_up
from proxy.usage.schema import COLUMNS, LATER, TABLE
from proxy.usage.sink import Unread
from proxy.usage.sqlite import SqliteSink, SqliteSource
from proxy.usage.summary import summed

EARLIER = (
    """CREATE TABLE usage_records (
    id TEXT NOT NULL, at REAL NOT NULL,
    client TEXT NOT NULL, team TEXT NOT NULL, user TEXT NOT NULL, task TEXT NOT NULL, tags TEXT NOT NULL,
    asked TEXT NOT NULL, route TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, stream INTEGER NOT NULL,
    input INTEGER, cached INTEGER, cache_write INTEGER, output INTEGER, reasoning INTEGER, estimated INTEGER NOT NULL,
    cost INTEGER, attempts INTEGER NOT NULL, ms INTEGER NOT NULL, first_token_ms INTEGER,
    outcome TEXT NOT NULL, status INTEGER NOT NULL, code TEXT NOT NULL,
    PRIMARY KEY (at, id)
) WITHOUT ROWID""",
    """CREATE VIEW model_performance_metrics AS SELECT
    CASE model WHEN '' THEN asked ELSE model END AS model_name, CAST(NULL AS REAL) AS quality_score
FROM usage_records""",
    """INSERT INTO usage_records VALUES ('req_0001', 1700000001.0, 'web', 'shop', 'ann', 'sum', '{"env":"live"}',
    'gpt-4o', 'chat', 'alpha', 'gpt-4o-mini', 0, 100, 20, NULL, 10, NULL, 0, 1234567891, 1, 420, NULL, 'ok',
    200, '')""",
)
"""As the version before learning left it, with one record."""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "ledger.db"
    with closing(sqlite3.connect(made)) as database:
        for statement in EARLIER:
            database.execute(statement)
        database.commit()
    return made


def columns(path, table=TABLE):
    with closing(sqlite3.connect(path)) as database:
        return tuple(row[1] for row in database.execute(f"PRAGMA table_info({table})"))


def test_what_an_earlier_version_kept_is_read_as_it_was_and_left_so(path, record):
    before = columns(path)
    source = SqliteSource(str(path))
    assert list(source.records(None, None)) == [record(1)]
    assert summed(source, ("model",), None, None, most=9).whole.requests == 1
    assert columns(path) == before != COLUMNS


def test_who_writes_brings_it_up(path, record):
    sink = SqliteSink(str(path))
    sink.write([record(2, strategy="balanced", complexity=0.5, signal="short")])
    sink.close()
    assert list(SqliteSource(str(path)).records(None, None)) == [
        record(1),
        record(2, strategy="balanced", complexity=0.5, signal="short"),
    ]
    assert columns(path) == COLUMNS
    with closing(sqlite3.connect(path)) as database:
        told = database.execute("SELECT quality_score FROM model_performance_metrics ORDER BY created_at").fetchall()
    assert told == [(None,), (0.5,)]


NEW = {"tried": "alpha/large:server:9", "audio_in": 7, "audio_out": 3, "tier": "flex"}


@pytest.mark.parametrize("first", ["tried", "audio_in", "tier"])
def test_a_file_of_any_version_between_is_read_and_brought_up(path, record, first):
    """Each knew the columns up to some `first` one."""
    names = list(LATER)
    with closing(sqlite3.connect(path)) as database:
        for name in names[: names.index(first)]:
            database.execute(f"ALTER TABLE usage_records ADD COLUMN {LATER[name]}")
    source = SqliteSource(str(path))
    assert list(source.records(None, None)) == [record(1)]
    assert summed(source, (), None, None, most=9).whole.audio_in is None
    assert columns(path) != COLUMNS
    sink = SqliteSink(str(path))
    sink.write([record(2, **NEW)])
    sink.close()
    assert list(source.records(None, None)) == [record(1), record(2, **NEW)]
    assert summed(source, (), None, None, most=9).whole.audio_in == 7
    assert columns(path) == COLUMNS


def test_it_is_brought_up_once_whoever_comes(path):
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path)) as other:
        bring_up(one)
        bring_up(other)
        bring_up(one)
    assert columns(path) == COLUMNS


def test_half_of_it_done_is_not_in_the_way(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE usage_records ADD COLUMN strategy TEXT NOT NULL DEFAULT ''")
        bring_up(database)
    assert set(columns(path)) == set(COLUMNS)


def test_a_failure_leaves_it_as_it_was(path):
    before = columns(path)
    with closing(sqlite3.connect(path, timeout=0)) as database, closing(sqlite3.connect(path, timeout=0)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            bring_up(database)
        other.execute("ROLLBACK")
        assert columns(path) == before
        bring_up(database)


def test_a_file_without_records_stays_one_without_records(tmp_path):
    (tmp_path / "empty.db").touch()
    with pytest.raises(Unread, match="has no records of usage"):
        list(SqliteSource(str(tmp_path / "empty.db")).records(None, None))


def test_scores_that_an_earlier_version_kept_are_read(path, record):
    """It had them before it had all columns that records have now."""
    with closing(sqlite3.connect(path)) as database:
        for name in ("strategy", "experiment", "arm", "signal"):
            database.execute(f"ALTER TABLE usage_records ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
        database.execute("ALTER TABLE usage_records ADD COLUMN complexity REAL")
        database.execute("CREATE TABLE usage_scores (ended REAL, request TEXT, at REAL, score REAL, label TEXT)")
        database.execute("INSERT INTO usage_scores VALUES (1700000001.0, 'req_0001', 1700000002.0, 0.5, 'fine')")
        database.commit()
    source = SqliteSource(str(path))
    assert [(one.request, one.score) for one in source.scores(None, None)] == [("req_0001", 0.5)]
    assert list(source.records(None, None)) == [record(1)]
