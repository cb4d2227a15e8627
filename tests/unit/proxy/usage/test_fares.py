"""What is summed up of records is told apart as it is asked for; the figures themselves are tried with learning."""

import pytest

from proxy.usage.fares import AGE_S, Aged, Sample, fares
from proxy.usage.schema import keep_score
from proxy.usage.scores import Score
from proxy.usage.sqlite import SqliteSink, SqliteSource
from proxy.usage.summary import database_of

NOON = 1_700_000_000.0
ALL = (0.0, float("inf"))


@pytest.fixture
def summed(tmp_path):
    def summed(records, by=("model",), scores=(), span=ALL, **asked):
        path = str(tmp_path / "ledger.db")
        sink = SqliteSink(path)
        sink.write(records)
        for score in scores:
            keep_score(sink._connected(), score)
        sink.close()
        with database_of(SqliteSource(path), None, None) as database:
            return fares(database, by, span, now=NOON + 3 * AGE_S, **asked)

    return summed


def test_one_experiments_arms_are_told_apart(summed, record):
    one, other = {"experiment": "x", "arm": "a"}, {"experiment": "x", "arm": "b"}
    found = summed(
        [record(1, **one), record(2, **one), record(3, **other), record(4), record(5, experiment="y", arm="a")],
        by=("arm",),
        experiment="x",
    )
    assert [(fare.names, fare.requests) for fare in found] == [(("a",), 2), (("b",), 1)]


def test_what_passes_through_is_no_models(summed, record):
    assert [fare.requests for fare in summed([record(1), record(2, route="passthrough")])] == [1]


def test_those_that_fail_are_counted_and_not_timed(summed, record):
    [fare] = summed(
        [record(1, ms=100), record(2, ms=300), record(3, ms=9000, outcome="timeout"), record(4, outcome="cancelled")]
    )
    assert (fare.requests, fare.ok, fare.failed, fare.judged) == (4, 2, 1, 3)
    assert (fare.ms, fare.ms.mean, fare.p50_ms, fare.p95_ms) == (Sample(2, 400, 100_000), 200, 100, 300)
    assert (fare.first_ms.mean, fare.first_p50_ms, fare.output, fare.output_ms) == (None, None, 20, 400)


@pytest.mark.parametrize("outcome", ["refused", "too_long", "missing", "content", "cancelled", "deadline", "shed"])
def test_what_the_client_did_wrong_or_gave_up_is_no_failure_of_the_model(summed, record, outcome):
    [fare] = summed([record(1), record(2, outcome=outcome)])
    assert (fare.requests, fare.ok, fare.judged) == (2, 1, 1)


def test_what_was_refused_and_nobody_answered_is_nobodys(summed, record):
    """By us or by a provider. A model that failed at it, or would not, is the one that was asked for."""
    nobody = {"provider": "", "model": "", "signal": ""}
    found = summed(
        [
            record(1, model="large"),
            record(2, asked="auto/nope", attempts=0, outcome="refused", **nobody),
            record(3, asked="typo", outcome="missing", **nobody),
            record(4, asked="large", outcome="too_long", **nobody),
            record(5, asked="large", attempts=2, outcome="server", **nobody),
            record(6, asked="large", outcome="content", **nobody | {"signal": "refusal"}),
        ]
    )
    assert [(fare.names, fare.requests, fare.ok, fare.judged) for fare in found] == [(("large",), 3, 1, 2)]


def test_a_model_that_failed_has_failed_whoever_answered_after_it(summed, record):
    """And whoever answered is not charged with its time."""
    saved = {"asked": "duo", "provider": "beta", "model": "small", "ms": 9100, "attempts": 2}
    nobody = {"asked": "auto", "provider": "", "model": "", "signal": ""}
    found = summed(
        [
            record(1, **saved, tried="alpha/large:timeout:9000,beta/small:ok:100"),
            record(2, **saved, tried="alpha/large:server:9000,beta/small:ok:100", task="letters"),
            record(3, **saved, tried="alpha/large:refused:9000,beta/small:ok:100"),
            record(4, **saved | {"provider": "alpha", "model": "large"}, tried="alpha/large:ok:70"),
            record(5, **nobody, outcome="server", tried="alpha/large:server:9,gamma/tiny:server:8"),
            record(6, **nobody, outcome="cancelled", tried="alpha/large:server:9,gamma/tiny:cancelled:8"),
            record(7, **nobody, outcome="refused", tried="gamma/tiny:refused:8"),
        ],
        by=("kind", "model"),
    )
    assert [(fare.names[1], fare.requests, fare.ok, fare.failed, fare.ms.mean, fare.p95_ms) for fare in found] == [
        ("large", 5, 1, 4, 70, 70), ("small", 3, 3, 0, 100, 100), ("tiny", 1, 0, 1, None, None),
    ]  # fmt: skip


def test_a_task_an_experiment_and_a_span_hold_for_those_that_failed_too(summed, record):
    saved = {"provider": "beta", "model": "small", "tried": "alpha/large:server:9,beta/small:ok:1"}
    records = [record(1, task="a", **saved), record(2, task="b", experiment="x", **saved), record(3, **saved)]

    def failed(**asked):
        return {fare.names: fare.failed for fare in summed(records, by=("model", "task"), **asked) if fare.failed}

    assert failed() == {("large", "a"): 1, ("large", "b"): 1, ("large", "sum"): 1}
    assert failed(tasks=("a",)) == {("large", "a"): 1}
    assert failed(experiment="x") == {("large", "b"): 1}
    assert failed(span=(NOON, record(2).at)) == {("large", "a"): 1}


def test_an_arm_has_what_came_of_its_requests(summed, record):
    saved = {"experiment": "x", "arm": "a", "ms": 900, "tried": "alpha/large:server:9,beta/small:ok:1"}
    [fare] = summed([record(1, **saved)], by=("arm",), experiment="x")
    assert (fare.requests, fare.ok, fare.failed, fare.ms.mean) == (1, 1, 0, 900)


def test_of_some_tasks_alone(summed, record):
    tasks = ["", "letters", "made up", "letters"]
    records = [record(number, task=task, signal="whole") for number, task in enumerate(tasks)]
    found = summed(records, by=("task",), tasks=("", "letters"))
    assert [(fare.names, fare.requests, sum(one.quality.count for one in fare.qualities)) for fare in found] == [
        (("letters",), 2, 2), (("",), 1, 1),
    ]  # fmt: skip


def test_qualities_come_by_age_and_a_score_goes_before_a_signal(summed, record):
    records = [
        record(1, signal="whole"),
        record(2, signal="cut"),
        record(3, at=NOON + 2 * AGE_S + 9, signal="short"),
        record(4),
    ]
    [fare] = summed(records, scores=[Score("req_0002", record(2).at, NOON, 0.5)])
    assert fare.qualities == (
        Aged(0, given=False, quality=Sample(1, 0.5, 0.25)),
        Aged(2, given=False, quality=Sample(1, 1.0, 1.0)),
        Aged(2, given=True, quality=Sample(1, 0.5, 0.25)),
    )


def test_a_span_has_its_beginning_and_not_its_end_and_rows_are_bounded(summed, record):
    records = [record(number, model=f"m{number}") for number in range(5)]
    assert len(summed(records, span=(record(1).at, record(3).at))) == 2
    assert len(summed(records, most=3)) == 3


def test_large_costs_are_summed_without_overflowing(summed, record):
    [fare] = summed([record(number, cost=9 * 10**18 // 4) for number in range(3)])
    assert fare.cost.mean == pytest.approx(9 * 10**18 / 4)
