"""Rows tell what records do, and the views have the columns that people's reports ask for."""

import sqlite3

import pytest

from proxy.usage.rows import Rows
from proxy.usage.schema import COLUMNS, MAKE, TABLE, record_in


@pytest.fixture
def database():
    connection = sqlite3.connect(":memory:")
    for statement in MAKE:
        connection.execute(statement)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def kept(database, *records):
    Rows().keep(database, records)
    return database


def test_a_record_comes_back_as_it_was(database, record):
    full = record(
        cache_write=5,
        cache_write_1h=4,
        searches=2,
        audio_in=7,
        audio_out=3,
        tier="priority",
        tried="beta/small:server:9,alpha/gpt-4o-mini:ok:400",
        reasoning=3,
        estimated=True,
        stream=True,
        first_token_ms=90,
        code="stream_cut",
    )
    bare = record(2, tags={}, cost=None, input=None, cached=None, output=None, outcome="server")
    rows = kept(database, full, bare).execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY at").fetchall()
    assert [record_in(tuple(row)) for row in rows] == [full, bare]


def test_the_table_has_the_records_fields_in_their_order(database):
    assert tuple(row["name"] for row in database.execute(f"PRAGMA table_info({TABLE})")) == COLUMNS


def test_reports_on_performance_find_their_columns(database, record):
    rows = (
        kept(
            database,
            record(),
            record(2, model="", provider="", outcome="timeout", cost=None, input=None, output=None, task=""),
        )
        .execute("SELECT * FROM model_performance_metrics ORDER BY created_at")
        .fetchall()
    )
    assert [dict(row) for row in rows] == [
        {
            "model_name": "gpt-4o-mini",
            "task_type": "sum",
            "processing_time_ms": 420,
            "tokens_used": 110,
            "cost_usd": 1.234567891,
            "quality_score": None,
            "success": 1,
            "created_at": "2023-11-14 22:13:21",
        },
        {
            "model_name": "gpt-4o",
            "task_type": None,
            "processing_time_ms": 420,
            "tokens_used": 0,
            "cost_usd": None,
            "quality_score": None,
            "success": 0,
            "created_at": "2023-11-14 22:13:22",
        },
    ]


def test_reports_on_cost_find_their_columns(database, record):
    day = 86_400
    rows = kept(
        database,
        record(cost=1_000_000_000),
        record(2, cost=500_000_000),
        record(3, cost=2_000_000_000, model="large"),
        record(4, user="", cost=7),
        record(day, cost=3),
        record(5, provider="", model="", cost=None, outcome="shed"),
    ).execute("SELECT * FROM model_cost_tracking ORDER BY date, user_id, model_name")
    assert [tuple(row) for row in rows] == [
        (None, "2023-11-14", "gpt-4o-mini", 7e-9, 1, 7e-9),
        ("ann", "2023-11-14", "gpt-4o-mini", 1.5, 2, 0.75),
        ("ann", "2023-11-14", "large", 2.0, 1, 2.0),
        ("ann", "2023-11-15", "gpt-4o-mini", 3e-9, 1, 3e-9),
    ]
    names = [column[0] for column in database.execute("SELECT * FROM model_cost_tracking").description]
    assert names == ["user_id", "date", "model_name", "total_cost_usd", "generation_count", "avg_cost_per_generation"]


def test_what_was_billed_counts_although_nobody_answered(database, record):
    found = kept(database, record(provider="", model="", cost=9, outcome="timeout"))
    [row] = found.execute("SELECT model_name, total_cost_usd FROM model_cost_tracking")
    assert tuple(row) == ("gpt-4o", 9e-9)
