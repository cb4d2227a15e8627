"""A chain holds or does not, and says why, whatever the fault."""

import pytest
from msgspec import structs

from proxy.drill.exercise.judging import judge

ALPHA, BETA = "alpha/large", "beta/claude"
OPENED = [(11.0, "X"), (21.0, "?"), (22.0, "1"), (24.0, ".")]


def test_a_chain_whose_second_target_takes_over_and_whose_breaker_opens_holds(seen, outcome):
    during = [outcome(10.2, met=True, took=0.5), *(outcome(at, took=0.02) for at in (12.0, 13.0, 14.0))]
    found = judge(seen(during, marks=OPENED))
    assert (found.held, found.why) == (True, ())
    assert (found.requests, found.errors, found.told, found.short, found.met, found.calls) == (8, {}, 0, 0, 1, 10)
    assert found.served == {ALPHA: 4, BETA: 4}
    assert found.switched_s == pytest.approx(0.7)
    assert found.out_s == 1.0
    assert (found.half_open_s, found.ramp_s) == (1.0, 2.0)
    assert found.back_s == pytest.approx(5.01)
    assert (found.usual_ms, found.added_p50_ms, found.added_p99_ms) == pytest.approx((10, 10, 490))


def test_one_client_error_is_one_too_many_while_another_target_is_well(seen, outcome):
    found = judge(seen([outcome(12.0, "error"), outcome(13.0)], marks=OPENED))
    assert found.why == ("1 client error though another target is in the chain: status 503: no",)
    assert found.errors == {"status 503: no": 1}
    assert not found.held


def test_errors_of_a_target_that_is_alone_are_told_as_what_they_are(seen, outcome):
    found = judge(seen([outcome(12.0, "error"), outcome(13.0, "error")], marks=OPENED, alone=True))
    [why] = found.why
    assert why == f"2 client errors: {ALPHA} is alone in its chain, so nobody takes over; add a target"


def test_a_chain_that_fails_when_all_is_well_says_that_alone(seen, outcome):
    found = judge(seen([outcome(2.0, "error"), outcome(12.0, "error")], marks=OPENED))
    [why] = found.why
    assert why == "1 request failed before the fault: the chain does not serve when all is well"


@pytest.mark.parametrize("fault", ["stall", "cut", "truncate"])
def test_a_stream_that_breaks_and_says_so_is_counted_apart_where_the_fault_breaks_streams(seen, outcome, fault):
    during = [outcome(10.5, "told", by=ALPHA, kind="stream"), outcome(12.0)]
    found = judge(seen(during, fault=fault, marks=OPENED))
    assert (found.held, found.told, found.met) == (True, 1, 1)
    assert any("cannot be taken back" in note for note in found.notes)


@pytest.mark.parametrize(("fault", "sent"), [("503", 12.0), ("cut", 26.0)])
def test_a_stream_that_breaks_without_a_cause_does_not_hold(seen, outcome, fault, sent):
    during = [outcome(12.5), outcome(sent, "told", kind="stream", error="error event: gone")]
    found = judge(seen(during, fault=fault, marks=OPENED))
    assert found.why == ("1 stream broke off without a cause: error event: gone",)


def test_a_chain_that_breaks_every_stream_does_not_hold_however_truthfully(seen, outcome):
    during = [outcome(at, "told", by=ALPHA, kind="stream") for at in (11.0, 12.0)]
    found = judge(seen(during, fault="stall", marks=OPENED, alone=True))
    assert found.why == ("no request under the fault got a whole answer",)


def test_half_an_answer_that_looks_whole_never_holds(seen, outcome):
    found = judge(seen([outcome(12.0, "short", by=ALPHA), outcome(13.0)], fault="truncate", marks=OPENED))
    assert found.short == 1
    assert found.why == ("1 part of an answer passed off as the whole",)


def test_an_answer_of_a_target_that_gave_no_whole_ones_is_no_whole_one(seen, outcome):
    """However well it is dressed up: under the fault there was nothing to serve."""
    during = [outcome(12.0, by=ALPHA), outcome(13.0)]
    assert judge(seen(during, fault="cut", marks=OPENED)).short == 1
    assert judge(seen(during, fault="slow", calls=10)).short == 0


def test_an_answer_that_came_after_the_fault_may_be_whole(seen, outcome):
    assert judge(seen([outcome(19.9, by=ALPHA, took=0.5)], marks=OPENED)).short == 0


def test_a_target_that_fails_for_ever_and_is_asked_for_ever_does_not_hold(seen, outcome):
    """No client saw an error, and each of them waited for a dead target first."""
    found = judge(seen([outcome(at, met=True) for at in (11.0, 12.0)]))
    assert found.why == (f"{ALPHA} was asked 10 times while it failed and was never left alone",)


@pytest.mark.parametrize(("fault", "sign"), [("503", "X"), ("429", "w"), ("429", "X"), ("auth", "k"), ("quota", "k")])
def test_each_fault_has_its_own_way_to_be_left_alone(seen, outcome, fault, sign):
    after = [] if fault in ("auth", "quota") else None
    marks = [(11.0, sign)] + ([(24.0, ".")] if after is None else [])
    found = judge(seen([outcome(12.0)], fault=fault, marks=marks, after=after))
    assert (found.held, found.out_s) == (True, 1.0)


def test_a_wait_that_is_no_opening_does_not_answer_for_a_breaker(seen, outcome):
    assert not judge(seen([outcome(12.0)], fault="500", marks=[(11.0, "w"), (21.0, ".")])).held


def test_too_few_failures_for_a_breaker_are_no_failure_of_the_chain(seen, outcome):
    found = judge(seen([outcome(12.0, met=True)], calls=10, failures=1000))
    assert found.held
    assert found.notes == ("its breaker opens at 1000 failures in a row, and there were not so many",)


@pytest.mark.parametrize("marks", [[(11.0, "X")], [(11.0, "X"), (24.0, "5")]])
def test_a_target_that_is_not_back_does_not_hold(seen, outcome, marks):
    found = judge(seen([outcome(12.0)], marks=marks))
    assert [why.split(" s after")[0].rsplit(" ", 1)[0] for why in found.why] == [f"{ALPHA} was not back"]
    assert found.back_s is None


def test_a_target_whose_breaker_closed_and_that_never_served_again_is_not_back(seen, outcome):
    assert judge(seen([outcome(12.0)], marks=OPENED, after=[outcome(25.0)])).back_s is None


def test_a_key_that_is_off_for_minutes_is_not_waited_for(seen, outcome):
    found = judge(seen([outcome(12.0)], fault="quota", marks=[(10.5, "k")], after=[]))
    assert (found.held, found.back_s) == (True, None)
    assert found.notes == ("the key stays off for 30 minutes: this drill does not wait for it",)


def test_a_target_that_nobody_asks_holds_and_is_told(seen, outcome):
    """It stands second, and the first one served."""
    exercise = seen([outcome(12.0)], calls=0, after=[outcome(25.0)])
    second = structs.replace(exercise.choice, target=exercise.choice.targets[1])
    late = [one for one in exercise.outcomes if one.sent > 10]
    found = judge(structs.replace(exercise, choice=second, outcomes=late, timeline=exercise.timeline))
    assert found.notes == (f"nobody asked {BETA} under the fault: {ALPHA} stands before it",)


def test_nothing_answered_under_the_fault_is_no_latency(seen, outcome):
    found = judge(seen([outcome(12.0, "error")], marks=OPENED, alone=True))
    assert (found.added_p50_ms, found.added_p99_ms, found.switched_s) == (None, None, None)
