"""Sums are exact, in order, bounded, and the same wherever the records lie."""

import pytest

from proxy.config.spending import NANOS
from proxy.usage.record import Record
from proxy.usage.sink import Unread
from proxy.usage.sqlite import SqliteSink, SqliteSource
from proxy.usage.summary import Figures, summed


class Elsewhere:
    """A source that is no file."""

    place = "elsewhere"

    def __init__(self, records):
        self._records = records

    def records(self, since, until):
        return (
            one for one in self._records if (since is None or one.at >= since) and (until is None or one.at < until)
        )


@pytest.fixture(params=["file", "elsewhere"])
def sums(request, tmp_path):
    """Sums up given records, over a file or another source."""

    def made(records, by=(), since=None, until=None, most=100, stop=None):
        if request.param == "elsewhere":
            return summed(Elsewhere(records), by, since, until, most=most, stop=stop)
        sink = SqliteSink(str(tmp_path / "ledger.db"))
        sink.open()
        for start in range(0, len(records), 200):
            sink.write(records[start : start + 200])
        sink.close()
        return summed(SqliteSource(str(tmp_path / "ledger.db")), by, since, until, most=most, stop=stop)

    return made


def test_all_of_them_are_summed_to_the_nano_dollar(sums, record):
    found = sums(
        [
            record(1, cost=1, reasoning=4, audio_in=7, audio_out=5, searches=2),
            record(2, cost=9_007_199_254_740_993, cache_write=3, cache_write_1h=1, searches=1),
            record(3, cost=None, estimated=True, output=None),
            record(
                4, cost=None, provider="", model="", outcome="timeout", input=None, cached=None, output=None, ms=9000
            ),
            record(5, cost=2, outcome="cancelled", ms=9000),
        ]
    )
    assert found.whole == Figures(
        requests=5, ok=3, cancelled=1, input=400, cached=80, cache_write=3, cache_write_1h=1, audio_in=7,
        output=30, reasoning=4, audio_out=5, searches=3, estimated=1, cost=9_007_199_254_740_996, unpriced=1,
        p50_ms=420, p95_ms=420,
    )  # fmt: skip
    assert found.whole.success_ratio == 0.75
    assert (found.rows, found.more) == ((), False)


def test_nothing_sums_up_to_nothing(sums):
    found = sums([], ("client",))
    assert (found.rows, found.whole, found.whole.success_ratio) == ((), Figures(), None)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (("client",), ["dear", "busy", "calm"]),
        (("user", "model"), [("ann", "large"), ("ann", "asked"), ("bob", "asked")]),
        (("day",), ["2023-11-14", "2023-11-15"]),
        (("hour",), ["2023-11-14 22:00", "2023-11-15 22:00"]),
        (("client", "day"), [("dear", "2023-11-14"), ("busy", "2023-11-14"), ("calm", "2023-11-15")]),
        (("team", "task", "provider"), [("shop", "sum", "alpha")]),
    ],
)
def test_the_dearest_come_first_but_times_in_their_order(sums, record, by, names):
    found = sums(
        [
            record(1, client="busy", user="ann", model="", asked="asked", cost=1),
            record(2, client="busy", user="bob", model="", asked="asked", cost=1),
            record(3, client="dear", user="ann", model="large", cost=NANOS),
            record(86_400, client="calm", user="ann", model="", asked="asked", cost=1),
        ],
        by,
    )
    assert [row.names for row in found.rows] == [one if isinstance(one, tuple) else (one,) for one in names]
    assert sum(row.figures.cost for row in found.rows) == found.whole.cost == NANOS + 3


def test_only_the_span_that_is_asked_for_counts(sums, record):
    found = sums([record(number, cost=number) for number in range(1, 6)], since=record(2).at, until=record(4).at)
    assert found.whole.cost == 2 + 3


def test_no_more_rows_than_asked_for_and_it_is_told(sums, record):
    found = sums([record(number, user=f"user {number}", cost=number) for number in range(10)], ("user",), most=3)
    assert [row.names for row in found.rows] == [("user 9",), ("user 8",), ("user 7",)]
    assert found.more
    assert found.whole.requests == 10


def test_times_are_those_that_so_many_were_not_above(sums, record):
    slow = [record(number, client="slow", ms=number) for number in range(1, 101)]
    fast = [record(1000 + number, client="fast", ms=123_456) for number in range(1)]
    found = sums([*slow, *fast], ("client",))
    times = {row.names[0]: (row.figures.p50_ms, row.figures.p95_ms) for row in found.rows}
    assert times == {"slow": (50, 95), "fast": (123_000, 123_000)}


def test_what_takes_too_long_is_given_up(sums, record):
    with pytest.raises(Unread, match="it took too long: ask for less"):
        sums([record(number) for number in range(5000)], ("user", "hour"), stop=lambda: True)


def test_where_no_record_ever_was_is_told(tmp_path):
    with pytest.raises(Unread, match="There is no file"):
        summed(SqliteSource(str(tmp_path / "none.db")), (), None, None, most=1)
    (tmp_path / "none.db").touch()
    with pytest.raises(Unread, match=r"none.db has no records of usage"):
        summed(SqliteSource(str(tmp_path / "none.db")), (), None, None, most=1)


def test_a_record_may_say_nothing_at_all(sums):
    assert sums([Record("req_1", 1.0)]).whole == Figures(requests=1, ok=1, p50_ms=0, p95_ms=0)
