"""Records are in the table as they were given, whatever they have in common, and each of them once."""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.usage.record import Record
from proxy.usage.rows import AT_ONCE, Rows, _inserting
from proxy.usage.schema import COLUMNS, MAKE, TABLE, record_in

NAMES = st.sampled_from(("", "app", "größer"))
COUNTS = st.none() | st.integers(0, 3)
RECORDS = st.builds(
    Record,
    id=st.uuids().map(str),
    at=st.floats(0, 2_000_000_000, allow_nan=False),
    client=NAMES,
    user=NAMES,
    tags=st.sampled_from(({}, {"team": "a"}, {"team": "b", "cost": "9"})),
    stream=st.booleans(),
    estimated=st.booleans(),
    input=COUNTS,
    cost=COUNTS,
    complexity=st.none() | st.sampled_from((0.25, 0.5)),
    ms=st.integers(0, 2),
)


@pytest.fixture
def database():
    connection = made()
    yield connection
    connection.close()


def made():
    connection = sqlite3.connect(":memory:")
    for statement in MAKE:
        connection.execute(statement)
    return connection


def count(database):
    return database.execute(f"SELECT COUNT(*) FROM {TABLE}").fetchone()[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(RECORDS, max_size=4), max_size=5))
def test_records_come_back_as_they_were_whatever_those_before_had_in_common(batches):
    database, rows = made(), Rows()
    for records in batches:
        rows.keep(database, records)
    kept = database.execute(f"SELECT {', '.join(COLUMNS)} FROM {TABLE}").fetchall()
    given = [record for records in batches for record in records]
    assert sorted(map(record_in, kept), key=lambda one: one.id) == sorted(given, key=lambda one: one.id)
    database.close()


@pytest.mark.parametrize("number", [0, 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_all_of_them_are_kept_however_many(database, record, number):
    Rows().keep(database, [*map(record, range(number))])
    assert count(database) == number


def test_what_is_given_twice_is_kept_once(database, record):
    rows = Rows()
    rows.keep(database, [record()])
    rows.keep(database, [record(), record(2)])
    assert count(database) == 2


def test_what_is_the_same_in_all_is_told_once_and_few_statements_are_made(database, record):
    told = []
    rows, before = Rows(), _inserting.cache_info().misses
    execute = type(
        "Told", (), {"execute": lambda _, sql, values: told.append(len(values)) or database.execute(sql, values)}
    )
    for batch in range(20):
        rows.keep(execute(), [record(100 * batch + one, ms=one) for one in range(AT_ONCE)])
    assert told[0] == len(COLUMNS) - 3 + 3 * AT_ONCE, "the id, the time and the milliseconds differ"
    assert set(told) == {told[0]} and _inserting.cache_info().misses <= before + 1
