"""The table of faults, row by row: what a kind does to the breaker, the same target, the next one and the client."""

from dataclasses import dataclass
from typing import Any

import pytest

from proxy.config.values import BreakerSettings
from translators.faults import OUTCOMES, Kind

PATIENT = BreakerSettings(consecutive_failures=1000)
BEFORE = 3
"""Failures in a row that the breaker has seen before each test."""
RATE = (429, {}, {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}})
SPENT = (429, {}, {"error": {"message": "Card 4242 was declined.", "code": "insufficient_quota"}})
LONG = (400, {}, {"error": {"message": "That is too long.", "code": "context_length_exceeded"}})
POLICY = (400, {}, {"error": {"message": "That is not allowed.", "code": "content_policy_violation"}})
BAD = (422, {}, {"error": {"message": "Bad 'seed'.", "type": "odd", "param": "seed", "code": "bad_seed"}})


@dataclass(frozen=True)
class Row:
    kind: Kind
    behaviour: Any
    calls: int
    """Made to a target that stands alone."""
    failures: int
    """In a row, as the breaker counts them after those calls."""
    goes_on: bool
    told: tuple[int, str, str | None]
    """Status, type and code when it is the last word."""
    retry: tuple[str | None, str] = (None, "false")
    """Retry-After and x-should-retry."""


ON, STOP = True, False
OURS = "server_error"
THEIRS = "invalid_request_error"
ROWS = [
    Row(Kind.CONNECT, "refuse", 3, BEFORE + 3, ON, (502, OURS, "all_targets_failed")),
    Row(Kind.TIMEOUT, "stall", 1, BEFORE + 1, ON, (504, OURS, "all_targets_failed")),
    Row(Kind.SERVER, 503, 3, BEFORE + 3, ON, (502, OURS, "all_targets_failed")),
    Row(Kind.OVERLOADED, 529, 2, BEFORE + 2, ON, (503, OURS, "overloaded")),
    Row(Kind.THROTTLED, RATE, 3, BEFORE, ON, (429, "rate_limit_error", "rate_limit_exceeded"), ("1", "true")),
    Row(Kind.QUOTA, SPENT, 1, BEFORE, ON, (503, OURS, "no_target_available")),
    Row(Kind.AUTH, 401, 1, BEFORE, ON, (503, OURS, "upstream_auth_error")),
    Row(Kind.MISSING, 404, 1, BEFORE, ON, (404, THEIRS, "model_not_found")),
    Row(Kind.REFUSED, BAD, 1, 0, STOP, (422, "odd", "bad_seed")),
    Row(Kind.TOO_LONG, LONG, 1, 0, STOP, (400, THEIRS, "context_length_exceeded")),
    Row(Kind.CONTENT, POLICY, 1, 0, STOP, (400, THEIRS, "content_policy_violation")),
    Row(Kind.PROTOCOL, "cut", 3, BEFORE + 3, ON, (502, OURS, "upstream_invalid_response")),
]
CALLED_OFF = {
    Kind.CANCELLED: (499, None),
    Kind.DEADLINE: (504, "false"),
    Kind.SHED: (503, "true"),
}
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind.value)


def begin(lab, row: Row, *names: str):
    """A world whose first provider does as `row` says and has failed a little before."""
    engines = lab.chain(*names, breaker=PATIENT)
    engines[0].script[0] = row.behaviour
    target = lab.router().chat("m").targets[0]
    breaker = lab.registry.target(target, lab.clock.now()).breaker
    for _ in range(BEFORE):
        breaker.settle(breaker.admit(lab.clock.now(), 1), "fail", lab.clock.now())
    return engines


def test_every_kind_has_its_row():
    assert {row.kind for row in ROWS} | CALLED_OFF.keys() == OUTCOMES.keys()


@rows
def test_a_target_that_stands_alone_is_tried_again_only_where_its_row_says(lab, row):
    (alpha,) = begin(lab, row, "alpha")
    answer = lab.ask()
    assert answer.kinds == [row.kind.value] * row.calls
    assert len(alpha.calls) == row.calls


@rows
def test_the_breaker_is_told_what_the_row_says(lab, row):
    begin(lab, row, "alpha")
    lab.ask()
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == row.failures


@rows
@pytest.mark.parametrize("stream", [False, True])
def test_the_next_target_gets_its_turn_only_where_the_row_says(lab, row, stream):
    begin(lab, row, "alpha", "beta")
    answer = lab.ask(stream=stream)
    assert ("beta" in lab.called) is row.goes_on
    assert answer.status == (200 if row.goes_on else row.told[0])
    assert answer.headers.get("x-sidestep-provider") == ("beta" if row.goes_on else None)


@rows
def test_as_the_last_word_the_client_sees_what_the_row_says(lab, row):
    begin(lab, row, "alpha")
    answer = lab.ask()
    error = answer.error
    assert (answer.status, error["type"], error["code"]) == row.told
    assert (answer.headers.get("retry-after"), answer.headers["x-should-retry"]) == row.retry
    assert error["sidestep"]["attempts"][0]["target"] == "alpha/large"
    assert error["sidestep"]["attempts"][0]["kind"] == row.kind.value
    if row.failures:
        assert "alpha/large" in error["message"], "whose fault it was"


@rows
def test_each_attempt_is_counted_by_its_kind(lab, row):
    begin(lab, row, "alpha")
    lab.ask()
    assert lab.counted == [("alpha", "large", row.kind.value)] * row.calls


def test_a_refusal_is_told_in_the_providers_own_words(lab):
    begin(lab, next(row for row in ROWS if row.kind is Kind.REFUSED), "alpha")
    error = lab.ask().error
    assert (error["message"], error["param"]) == ("Bad 'seed'.", "seed")


def test_a_billing_text_never_reaches_a_client(lab):
    begin(lab, next(row for row in ROWS if row.kind is Kind.QUOTA), "alpha")
    assert b"4242" not in lab.ask().body


def test_a_model_that_is_missing_is_told_to_the_operator(lab):
    begin(lab, next(row for row in ROWS if row.kind is Kind.MISSING), "alpha", "beta")
    lab.ask()
    assert lab.alerts == [("model_missing", {"target": "alpha/large"})]


def test_one_that_stays_missing_is_told_once_until_it_answers(lab):
    row = next(row for row in ROWS if row.kind is Kind.MISSING)
    begin(lab, row, "alpha", "beta")
    for _ in range(10):
        lab.ask()
    assert len(lab.alerts) == 1
    lab.engines["alpha"].script.clear()
    lab.engines["alpha"].script.extend(["ok", row.behaviour])
    lab.ask(), lab.ask(), lab.ask()
    assert [name for name, _ in lab.alerts] == ["model_missing"] * 2


@pytest.mark.parametrize("kind", CALLED_OFF, ids=lambda kind: kind.value)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_called_off_says_nothing_of_its_target_and_ends_the_walk(lab, kind, stream):
    row = Row(kind, [lambda: lab.cancel(kind), "stall"], 1, BEFORE, STOP, (0, "", None))
    alpha, beta = begin(lab, row, "alpha", "beta")
    answer = lab.ask(stream=stream)
    status, should_retry = CALLED_OFF[kind]
    assert answer.exchange.status == status
    assert answer.kinds == [kind.value], "the attempt ended for the exchange's own reason"
    assert answer.headers.get("x-should-retry") == should_retry
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == BEFORE
    assert not beta.calls
    assert alpha.answers[0].closed
    state = next(iter(lab.registry.targets()))
    assert state.in_flight == 0


def test_a_probe_that_is_called_off_gives_its_place_back(lab):
    alpha, _ = lab.chain("alpha", "beta")
    lab.ask()
    lab.breaker("alpha").trip(lab.clock.now())
    lab.wait(31)
    alpha.script[0] = [lambda: lab.cancel(Kind.CANCELLED), "stall"]
    lab.ask()
    alpha.script[0] = "ok"
    assert lab.ask().headers["x-sidestep-provider"] == "alpha"
