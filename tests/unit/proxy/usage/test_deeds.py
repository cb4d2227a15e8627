"""What each model did is told of a record, and SQL says the same of a row."""

import sqlite3

import pytest

from proxy.usage.deeds import deeds, model_of
from proxy.usage.rows import Rows
from proxy.usage.schema import MAKE
from proxy.usage.tried import FIRST_MS, MODEL, MS, OUTCOME, kind_in, model_in, others

SAVED = "alpha/org/large:8b:server:120,beta/small:ok:300"
NOBODY = {"provider": "", "model": "", "outcome": "server", "signal": ""}
CASES = {
    "alone": ({}, [("gpt-4o-mini", "ok", 420)]),
    "saved": ({"model": "small", "tried": SAVED}, [("small", "ok", 300), ("org/large:8b", "server", 120)]),
    "streamed": (
        {"model": "small", "tried": SAVED, "first_token_ms": 410, "ms": 2000, "stream": True},
        [("small", "ok", 1890), ("org/large:8b", "server", 120)],
    ),
    "again": ({"tried": "alpha/gpt-4o-mini:ok:30", "attempts": 2}, [("gpt-4o-mini", "ok", 30)]),
    "lost": (
        NOBODY | {"tried": "a/m:server:7,b/n:too_long:8"}, [("n", "too_long", 8), ("m", "server", 7)],
    ),
    "cut": (
        {"model": "small", "tried": "a/m:server:7,b/small:protocol:99", "outcome": "protocol"},
        [("small", "protocol", 99), ("m", "server", 7)],
    ),
    "earlier": (NOBODY, [("gpt-4o", "server", 420)]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_model_has_what_it_did(record, name):
    fields, expected = CASES[name]
    [own, *rest] = found = list(deeds(record(**fields)))
    assert [(one.model, one.outcome, one.ms) for one in found] == expected
    assert model_of(record(**fields)) == own.model
    assert own.cost == record().cost
    assert {(one.cost, one.signal) for one in rest} <= {(None, "")}


@pytest.mark.parametrize("name", CASES)
def test_sql_says_the_same(record, name):
    fields, [own, *rest] = CASES[name]
    database = sqlite3.connect(":memory:")
    for statement in MAKE:
        database.execute(statement)
    Rows().keep(database, [record(**fields)])
    assert database.execute(f"SELECT {MODEL}, {OUTCOME}, {MS} FROM usage_records").fetchall() == [own]
    first = 300 if name == "streamed" else None
    assert database.execute(f"SELECT {FIRST_MS} FROM usage_records").fetchone() == (first,)
    before = database.execute(f"{others('id', 'at > 0')} SELECT {model_in('call')}, {kind_in('call')} FROM others")
    assert before.fetchall() == [(model, kind) for model, kind, _ in rest]
    database.close()
