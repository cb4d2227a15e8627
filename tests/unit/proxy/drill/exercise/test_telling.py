"""What a drill prints is what it found."""

import json

from msgspec import structs

from proxy.config.spending import Budget, Rate, Spending
from proxy.config.values import Client
from proxy.drill.exercise import telling
from proxy.drill.exercise.judging import judge
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from proxy.drill.exercise.patience import Patience

ALPHA, BETA = "alpha/large", "beta/claude"
OPENED = [(11.0, "X"), (21.0, "?"), (22.0, "1"), (24.0, ".")]
QUICK = (
    "to be quick: open_s 30 -> 3.33, open_max_s 300 -> 33.3, ramp_s 30 -> 3.33 (--seconds 90 takes them as they are)"
)


def test_what_will_happen_is_said_first(seen):
    exercise = seen()
    lines = list(telling.opening(exercise.choice, exercise.case, exercise.pace, source="environment", offline=True))
    assert lines == [
        f"{ALPHA} is not available (503), for 10 s",
        f"chain gpt: {ALPHA} -> {BETA}, configured by the environment",
        "load: 10 requests a second, unary and stream in turn",
        QUICK,
        "and at most 2 s for progress_s, progress_unary_s, first_token_reasoning_s, idle_s",
        "offline: every provider is scripted; no key is used and nothing costs anything",
    ]


def test_what_of_the_configuration_is_left_aside_is_said(chain):
    config = chain()
    assert list(telling.aside(config)) == []
    spending = Spending(budgets=(Budget("day", "usd", 1, "day"),), rates=(Rate("fast"),))
    told = telling.aside(structs.replace(config, spending=spending))
    assert list(told) == ["left aside: budgets, rates; what they would refuse is served here"]
    told = telling.aside(structs.replace(config, clients={"app": Client("app", ())}))
    assert list(told) == ["left aside: clients; what they would refuse is served here"]


def test_times_that_are_the_configurations_own_are_not_spoken_of(seen):
    pace = seen().pace
    assert len(list(telling.times(pace))) == 2
    assert list(telling.times(structs.replace(pace, changed=(), capped=()))) == []


def test_what_the_clients_do_is_said_where_they_do_not_wait_for_ever(seen):
    exercise = seen()
    choice, case = exercise.choice, CASES["stall"]
    at = pace(choice.target, case, rate=10, seconds=10, offline=True, client_s=20)
    lines = list(telling.opening(choice, case, at, source="environment", offline=True))
    assert lines[3] == "clients: they leave when nothing has come for 20 s, and say so in their requests"
    assert lines[5] == (
        "and, where it is silent, on the same side of the client's as before: the client's 20 -> 2, progress_s 30 -> "
        "3, progress_unary_s 120 -> 3.2, first_token_reasoning_s 300 -> 3.2, idle_s 60 -> 3.2"
    )
    assert len(lines) == 7


def test_what_to_change_follows_on_why_it_did_not_hold(seen, outcome):
    left = structs.replace(outcome(12.0, "error"), left=True)
    pace = structs.replace(seen().pace, patience=Patience(2.0, 20, 2.0))
    exercise = structs.replace(seen([left, outcome(13.0)], marks=OPENED), pace=pace)
    *_, why, change, last = told(exercise)
    assert (why[:5], last) == ("why: ", "the chain did NOT hold")
    assert change.startswith("change: give the client at least 40 s: of 20 s a target has")
    data = json.loads(json.dumps(telling.data(exercise, judge(exercise))))
    assert (data["left"], data["change"]) == (1, change.removeprefix("change: "))
    assert {name: data["pace"][name] for name in ("patience_s", "client_timeout_s", "client_s")} == {
        "patience_s": 2,
        "client_timeout_s": 20,
        "client_s": 2,
    }


def test_what_real_providers_may_cost_is_said_as_a_bound():
    told = telling.cost(100, offline=False)
    assert told == (
        "cost: real providers answer at most 100 requests of some 20 tokens in ('Say hello in one short sentence.') "
        "and at most 64 out: 8400 tokens"
    )


def test_the_picture_has_a_line_for_each_target_beneath_the_faults_time(seen, outcome):
    during = [outcome(10.6, "told", by=ALPHA, met=True), *(outcome(at) for at in (12.0, 14.0)), outcome(16.0, "error")]
    lines = list(telling.picture(seen(during, fault="cut", marks=OPENED)))
    assert lines == [
        "fault                             !!!!!!!!!!!!!!!!!!!!",
        f"1 {ALPHA} ......................XXXXXXXXXXXXXXXXXXXX??1111............",
        f"2 {BETA} ............................................................",
        "served by       1 1 1              T  2   2   E                 1",
        "              . closed  X open  ? half-open  1-9 ramp, tenths of its share  w asked to wait  k no key",
        "              a sign is 0.5 s  served by: the target's number, E an error, T broken off and told",
    ]


def test_a_short_drill_has_a_short_picture(seen):
    """One sign for so much time that some request was sent in it."""
    quick = structs.replace(seen(), failed_at=1.0, healed_at=2.0, ended=3.0)
    assert [len(line.split()[-1]) for line in list(telling.picture(quick))[1:3]] == [20, 20]


def told(exercise):
    return list(telling.result(exercise, judge(exercise)))


def test_the_last_line_says_whether_the_chain_held(seen, outcome):
    during = [outcome(10.2, met=True, took=0.5), *(outcome(at, took=0.02) for at in (12.0, 13.0, 14.0))]
    assert told(seen(during, marks=OPENED)) == [
        "client errors   0 of 8 requests",
        "broken off      0 after the first content, told as an error; 0 passed off as whole",
        f"served by       {ALPHA} 4, {BETA} 4",
        "the fault met   1 request in 10 calls; its breaker opened after 1.00 s",
        "switched after  0.70 s",
        "added latency   10.0 ms p50, 490.0 ms p99, to the usual 10.0 ms",
        "back            half-open 1.00 s, ramp from 2.00 s, whole at 5.01 s after the fault",
        "the chain held",
    ]


def test_a_chain_that_did_not_hold_says_why_before(seen, outcome):
    lines = told(seen([outcome(12.0, "error"), outcome(13.0, "error")], marks=[(11.0, "X")], alone=True))
    assert lines[0] == "client errors   2 of 6 requests, 2 times: status 503: no"
    assert lines[4:7] == [
        "switched after  never",
        "added latency   unknown: nothing was answered under the fault",
        "back            not whole within this drill",
    ]
    assert lines[-3].startswith(f"why: 2 client errors: {ALPHA} is alone")
    assert lines[-1] == "the chain did NOT hold"


def test_of_a_chain_that_was_not_drilled_no_more_is_told_than_why(seen, outcome):
    early = [outcome(2.0, "error")]
    lines = told(structs.replace(seen(), outcomes=early, calls=0, failed_at=10.0, healed_at=10.0, ended=10.0))
    assert lines == [
        "client errors   1 of 1 request, 1 time: status 503: no",
        "why: 1 request failed before the fault: the chain does not serve when all is well",
        "the chain did NOT hold",
    ]


def test_a_note_is_told_as_one(seen, outcome):
    lines = told(seen([outcome(12.0)], fault="auth", marks=[(10.5, "k")], after=[]))
    assert "the fault met   0 requests in 10 calls; its key was turned off after 0.50 s" in lines
    assert "note: the key stays off for 5 minutes: this drill does not wait for it" in lines


def test_a_target_that_was_never_left_alone_is_told_so(seen, outcome):
    lines = told(seen([outcome(12.0)]))
    assert any(line.endswith("; it was never left alone") for line in lines)
    assert "back            it was never away" in lines
    for fault in ("slow", "503"):
        assert "the fault met   0 requests in 0 calls" in told(seen([outcome(12.0)], fault=fault, calls=0))


def test_as_data_it_is_plain_json_with_the_timeline_since_the_fault(seen, outcome):
    exercise = seen([outcome(12.0)], marks=OPENED)
    data = json.loads(json.dumps(telling.data(exercise, judge(exercise))))
    assert (data["target"], data["chain"], data["asked"], data["fault"]) == (ALPHA, [ALPHA, BETA], "gpt", "503")
    assert data["held"] is True
    assert data["timeline"][ALPHA] == [[-10, "."], [1, "X"], [11, "?"], [12, "1"], [14, "."]]
    assert data["pace"]["fault_s"] == 10
