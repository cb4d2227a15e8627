"""What each model did is told in few words, which SQL reads as Python does."""

import sqlite3

import pytest

from proxy.flow import Attempt
from proxy.usage.schema import MAKE, keep
from proxy.usage.tried import CAP, FIRST_MS, MODEL, MOST, MS, OUTCOME, calls, deeds, kind_in, model_in, model_of, others
from proxy.usage.tried import tried as told

SAVED = "alpha/org/large:8b:server:120,beta/small:ok:300"
NOBODY = {"provider": "", "model": "", "outcome": "server", "signal": ""}


def attempts(*names):
    return [Attempt(target, kind, 0, place) for place, (target, kind) in enumerate(names, 1)]


def test_each_target_is_told_by_its_last_call_and_who_answered_at_the_end():
    assert told(attempts(("a/m", "server"), ("a/m", "timeout"), ("b/n", "ok")), "b/n") == "a/m:timeout:2,b/n:ok:3"
    assert told(attempts(("a/m", "server"), ("a/m", "ok")), "a/m") == "a/m:ok:2"
    assert told(attempts(("b/n", "ok"), ("a/m", "server")), "b/n") == "a/m:server:2,b/n:ok:1"


def test_it_is_bounded_and_its_commas_are_its_own():
    many = attempts(*((f"p{place}/{'x' * 9000},y", "server") for place in range(50)))
    found = calls(told(many, "/"))
    assert [one.target[:4] for one in found] == [f"p{place}/" for place in range(50 - MOST, 50)]
    assert {len(one.target) for one in found} == {CAP}
    assert calls(told(attempts(("a/m,n", "ok")), "a/m,n"))[0].model == "m_n"
    assert calls("") == []


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
    keep(database, [record(**fields)])
    assert database.execute(f"SELECT {MODEL}, {OUTCOME}, {MS} FROM usage_records").fetchall() == [own]
    first = 300 if name == "streamed" else None
    assert database.execute(f"SELECT {FIRST_MS} FROM usage_records").fetchone() == (first,)
    before = database.execute(f"{others('id', 'at > 0')} SELECT {model_in('call')}, {kind_in('call')} FROM others")
    assert before.fetchall() == [(model, kind) for model, kind, _ in rest]
    database.close()
