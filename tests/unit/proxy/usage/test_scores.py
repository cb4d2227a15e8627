"""Scores lie beside the records, wherever those are: the latest of each request, for as long as its record."""

import asyncio
import sqlite3
from contextlib import closing

import pytest
from msgspec import structs

from proxy.config.spending import LedgerSettings
from proxy.usage.redis import RedisScores, RedisSink, RedisSource
from proxy.usage.scores import Score
from proxy.usage.sink import NotKept, Unread
from proxy.usage.sources import scores_for
from proxy.usage.sqlite import SqliteScores, SqliteSink, SqliteSource
from proxy.usage.summary import database_of

NOON = 1_700_000_000.0


def score_of(record, value=0.25, label="kind"):
    return Score(record.id, record.at, NOON + 99, value, label)


@pytest.fixture
def kept(tmp_path, record):
    """A file with three records."""
    path = str(tmp_path / "ledger.db")
    sink = SqliteSink(path)
    sink.write([record(number) for number in (1, 2, 3)])
    sink.close()
    return path


def test_a_request_is_found_by_its_id(kept, record):
    scores = SqliteScores(kept)
    assert scores.find("req_0002", NOON) == record(2)
    assert scores.find("req_0002", record(3).at) is None
    assert scores.find("req_0009", NOON) is None


def test_the_latest_score_of_a_request_stands(kept, record):
    scores = SqliteScores(kept)
    scores.keep(score_of(record(1)))
    scores.keep(score_of(record(2), 1.0))
    scores.keep(score_of(record(1), 0.75, "better"))
    source = SqliteSource(kept)
    assert list(source.scores(None, None)) == [score_of(record(1), 0.75, "better"), score_of(record(2), 1.0)]
    assert list(source.scores(record(2).at, None)) == [score_of(record(2), 1.0)]
    assert list(source.scores(None, record(2).at)) == [score_of(record(1), 0.75, "better")]


def test_reports_tell_the_score_that_was_given_before_what_the_answer_showed(kept, record):
    sink = SqliteSink(kept)
    sink.write([record(4, signal="short"), record(5, signal="whole")])
    sink.close()
    SqliteScores(kept).keep(score_of(record(5), 0.0))
    with closing(sqlite3.connect(kept)) as database:
        told = database.execute("SELECT quality_score FROM model_performance_metrics ORDER BY created_at").fetchall()
    assert told == [(None,), (None,), (None,), (0.5,), (0.0,)]


def test_scores_go_with_their_records(kept, record):
    SqliteScores(kept).keep(score_of(record(1)))
    SqliteScores(kept).keep(score_of(record(3)))
    sink = SqliteSink(kept)
    assert sink.tidy(record(3).at) is False
    sink.close()
    assert [one.request for one in SqliteSource(kept).scores(None, None)] == ["req_0003"]


def test_there_is_more_to_forget_where_more_scores_than_a_piece_are_old(kept, record, monkeypatch):
    monkeypatch.setattr("proxy.usage.sqlite.PIECE", 2)
    sink = SqliteSink(kept)
    sink.tidy(record(9).at)
    sink.tidy(record(9).at)
    for number in (1, 2, 3):
        SqliteScores(kept).keep(score_of(record(number)))
    assert [sink.tidy(record(9).at), sink.tidy(record(9).at)] == [True, False]
    sink.close()
    assert list(SqliteSource(kept).scores(None, None)) == []


def test_a_place_that_cannot_be_used_is_told(tmp_path, record):
    (tmp_path / "state").write_text("no folder")
    scores = SqliteScores(str(tmp_path / "state" / "ledger.db"))
    with pytest.raises(NotKept):
        scores.find("req_1", 0.0)
    with pytest.raises(NotKept):
        scores.keep(score_of(record(1)))


async def test_a_stream_keeps_them_too_and_finds_requests(redis_server, record):
    settings = LedgerSettings(url=redis_server.url)
    sink, scores, source = RedisSink(settings), RedisScores(settings), RedisSource(settings)

    def work():
        sink.write([record(1), record(2)])
        assert scores.find("req_0002", NOON) == record(2)
        assert scores.find("req_0003", NOON) is None
        scores.keep(score_of(record(1), 0.5))
        scores.keep(score_of(record(1), 0.75))
        scores.keep(score_of(record(2), 0.0))
        assert list(source.scores(None, record(2).at)) == [score_of(record(1), 0.5), score_of(record(1), 0.75)]
        with database_of(source, None, None, scores=True) as database:
            found = database.execute("SELECT request, score FROM usage_scores ORDER BY request").fetchall()
        assert found == [("req_0001", 0.75), ("req_0002", 0.0)]
        sink.tidy(record(1).at)
        sink.close()

    await asyncio.to_thread(work)


def test_a_stream_that_is_away_is_told(record):
    settings = LedgerSettings(url="redis://127.0.0.1:1/0")
    with pytest.raises(NotKept):
        RedisScores(settings).keep(score_of(record(1)))
    with pytest.raises(Unread):
        RedisScores(settings).find("req_1", 0.0)


def test_scores_are_where_the_records_are():
    both = LedgerSettings(url="redis://cache:6379/0", file="/x/here.db")
    assert [type(one) for one in scores_for(both)] == [SqliteScores, RedisScores]
    assert [type(one) for one in scores_for(LedgerSettings(url="sqlite:////x/l.db"))] == [SqliteScores]
    assert scores_for(structs.replace(both, usage=False)) == scores_for(LedgerSettings(url="memory:")) == ()
