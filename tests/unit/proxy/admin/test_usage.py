"""`/usage` sums up what is kept: bounded, one at a time, and says why where it cannot."""

import asyncio
import threading

import pytest

from proxy.admin import usage as module
from proxy.admin.usage import Usage
from proxy.config.spending import LedgerSettings
from proxy.usage.record import Record
from proxy.usage.sqlite import SqliteSink


class Clock:
    time = 0.0

    def now(self):
        return self.time

    def wall(self):
        return 1.7e9


@pytest.fixture
def ledger(tmp_path):
    sink = SqliteSink(str(tmp_path / "ledger.db"))
    names = ("ann", "bob", "bob")
    sink.write(
        [
            Record(f"req_{place}", 1.7e9 - 100 + place, user=name, client="web", input=5, cost=place, ms=20)
            for place, name in enumerate(names, 1)
        ]
    )
    sink.close()
    return LedgerSettings(f"sqlite:///{tmp_path}/ledger.db")


@pytest.fixture
def usage(ledger):
    return Usage(lambda: ledger, Clock())


async def test_it_tells_what_was_used_by_whom(usage, tmp_path):
    status, found = await usage.answer({"by": "user", "since": "1h"})
    assert status == 200
    assert [(row["user"], row["requests"], row["cost_usd"]) for row in found["rows"]] == [
        ("bob", 2, "0.000000005"),
        ("ann", 1, "0.000000001"),
    ]
    assert found["all"] == {
        "requests": 3, "ok": 3, "cancelled": 0, "success_ratio": 1.0, "estimated": 0, "cost_usd": "0.000000006",
        "searches": None,
        "tokens": {"input": 15, "cached": None, "cache_write": None, "cache_write_1h": None, "audio_in": None,
                   "output": None, "reasoning": None, "audio_out": None},
        "unpriced": 0, "latency_ms": {"p50": 20, "p95": 20},
    }  # fmt: skip
    assert (found["place"], found["by"], found["more"]) == (f"{tmp_path}/ledger.db", ["user"], False)
    assert (found["since"], found["until"]) == ("2023-11-14T21:13:20.000Z", None)


async def test_without_a_key_all_of_it_is_one_sum(usage):
    status, found = await usage.answer({"until": "98s"})
    assert (status, found["rows"], found["all"]["requests"]) == (200, [], 1)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"by": "key"}, "by: at most 3 of client, team, user, task, model, provider, day, hour."),
        ({"by": "client,team,user,task"}, "by: at most 3 of"),
        ({"since": "soon"}, "since must be a day"),
        ({"until": ""}, "until must be a day"),
    ],
)
async def test_what_cannot_be_asked_is_told(usage, query, told):
    status, why = await usage.answer(query)
    assert status == 400
    assert why.startswith(told)


async def test_where_nothing_is_kept_there_is_no_such_page():
    status, why = await Usage(LedgerSettings, Clock()).answer({})
    assert (status, why[:31]) == (404, "No records of usage are kept: a")


async def test_what_cannot_be_read_now_is_told(tmp_path):
    gone = LedgerSettings(f"sqlite:///{tmp_path}/none.db")
    status, why = await Usage(lambda: gone, Clock()).answer({})
    assert (status, why.startswith("There is no file")) == (503, True)


async def test_no_more_rows_are_given_than_there_is_room_for(usage, monkeypatch):
    monkeypatch.setattr(module, "MOST", 1)
    _, found = await usage.answer({"by": "user"})
    assert (len(found["rows"]), found["more"], found["all"]["requests"]) == (1, True, 3)


async def test_it_is_summed_for_one_who_asks_at_a_time(ledger, monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    def settings():
        asked.set()
        assert go_on.wait(5)
        return ledger

    usage = Usage(settings, Clock())
    first = asyncio.create_task(usage.answer({}))
    await asyncio.to_thread(asked.wait, 5)
    assert (await usage.answer({}))[0] == 503
    go_on.set()
    assert (await first)[0] == 200
    assert (await usage.answer({}))[0] == 200


async def test_what_takes_too_long_is_given_up(usage, monkeypatch):
    monkeypatch.setattr("proxy.usage.summary._STEPS", 1)
    monkeypatch.setattr(module, "LONGEST_S", 0.0)
    status, why = await usage.answer({"by": "user"})
    assert (status, why.endswith("it took too long: ask for less.")) == (503, True)
