"""Breakers in the way: targets passed over, probes, the ramp, and never worse than no proxy."""

import pytest

from proxy.config.values import BreakerSettings
from tests.unit.proxy.chain.held import full, throttled, tripped


def served(lab) -> str:
    return lab.ask().headers.get("x-sidestep-provider", "")


def opened(lab, *names: str, only: int = 9, **more):
    """A chain whose breakers (the first `only` of them) have just been opened, one second after another."""
    engines = lab.chain(*names, **more)
    for target in lab.router().chat("m").targets[:only]:
        tripped(lab, target)
        lab.wait(1)
    return engines


def test_five_failures_in_a_row_open_the_breaker_and_the_target_is_not_called_any_more(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = 503
    for _ in range(4):
        assert served(lab) == "beta"
    assert len(alpha.calls) == 5
    assert lab.changes == [("alpha/large", "CLOSED", "OPEN")]
    answer = lab.ask()
    assert answer.kinds == ["ok"]
    assert answer.exchange.skipped == [("alpha/large", "its breaker is open")]


def test_a_good_answer_in_between_starts_the_count_anew(lab):
    alpha, _ = lab.chain("alpha", "beta")
    for behaviour in (503, "ok", 503):
        alpha.script[0] = behaviour
        lab.ask()
    assert lab.changes == []


def test_a_stream_that_is_cut_feeds_the_breaker_although_it_had_begun(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = [b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n', "cut"]
    for _ in range(5):
        lab.ask(stream=True)
    assert lab.changes == [("alpha/large", "CLOSED", "OPEN")]


def test_one_call_at_a_time_probes_and_the_others_go_on_to_the_next_target(lab):
    alpha, _ = opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    alpha.script.clear()
    alpha.script.extend([[5.0, "cut"], "ok"])
    first = lab.begin()
    assert [served(lab), served(lab)] == ["beta", "beta"]
    assert len(alpha.calls) == 1
    lab.end(first)
    assert served(lab) == "alpha", "a probe that was called off gave its place back"


def test_a_stream_probes_until_its_first_content_and_no_longer(lab):
    alpha, _ = opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    passed = []
    alpha.script.clear()
    alpha.script.extend(
        [
            [
                b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n',
                lambda: passed.append(lab.breaker("alpha").snapshot(lab.clock.now()).state.name),
                lambda: passed.append(lab.breaker("alpha").admit(lab.clock.now(), 1).role),
                "cut",
            ]
        ]
    )
    lab.ask(stream=True)
    assert passed == ["PROBE", "probe"], "there is a place for the second probe while the first one's stream goes on"


def test_a_failed_probe_opens_the_breaker_for_twice_as_long(lab):
    alpha, _ = opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    alpha.script[0] = 503
    assert served(lab) == "beta"
    assert len(alpha.calls) == 1, "no retry: the breaker is open again"
    lab.wait(59)
    served(lab)
    assert len(alpha.calls) == 1
    lab.wait(2)
    served(lab)
    assert len(alpha.calls) == 2


def test_a_throttled_probe_opens_the_breaker_for_as_long_as_it_was_asked_to_wait(lab):
    alpha, _ = opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    alpha.script[0] = (429, {"retry-after": "200"}, {"error": {"code": "rate_limit_exceeded"}})
    served(lab)
    assert lab.breaker("alpha").snapshot(lab.clock.now()).reopens_at == pytest.approx(lab.clock.now() + 200)


def test_while_it_ramps_up_the_rest_goes_to_the_next_target_and_never_to_an_error(lab):
    opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    assert [served(lab), served(lab)] == ["alpha", "alpha"], "two probes"
    shares = []
    for _ in range(3):
        found = [served(lab) for _ in range(20)]
        assert set(found) <= {"alpha", "beta"}
        shares.append(found.count("alpha"))
        lab.wait(15)
    assert shares[0] in (1, 2) and shares[1:] == [10, 20]
    assert lab.changes[-1] == ("alpha/large", "RAMP", "CLOSED")


def test_a_retry_for_which_the_ramp_has_no_room_goes_to_the_next_target(lab):
    alpha, _ = opened(lab, "alpha", "beta", only=1)
    lab.wait(31)
    lab.ask(), lab.ask()
    alpha.script[0] = 503
    answer = next(answer for answer in iter(lab.ask, None) if len(answer.kinds) > 1)
    assert answer.kinds == ["server", "ok"]
    assert answer.exchange.skipped == [], "it had its turn"


def test_while_a_lone_target_ramps_up_it_takes_every_call(lab):
    opened(lab, "alpha")
    lab.wait(31)
    assert [served(lab) for _ in range(20)] == ["alpha"] * 20


def ramping(lab, *names):
    """A chain whose first target has just begun to ramp up; it holds back the next nine requests of ten."""
    engines = opened(lab, *names, only=1)
    lab.wait(31)
    lab.ask(), lab.ask()
    lab.called.clear()
    return engines


@pytest.mark.parametrize("trouble", [503, (429, {"retry-after": "30"}, {}), "cut"])
def test_what_the_ramp_holds_back_its_target_gets_after_all_where_nobody_else_answers(lab, trouble):
    _, beta = ramping(lab, "alpha", "beta")
    beta.script[0] = trouble
    answers = [lab.ask() for _ in range(5)]
    assert {answer.headers.get("x-sidestep-provider") for answer in answers} == {"alpha"}
    assert "beta" in lab.called
    assert answers[0].exchange.skipped == [], "it had its turn"


def test_nor_does_a_refusal_send_it_there(lab):
    _, beta = ramping(lab, "alpha", "beta")
    beta.script[0] = (400, {}, {"error": {"message": "No.", "type": "invalid_request_error"}})
    assert (lab.ask().status, lab.called) == (400, ["beta"])


def test_a_lone_target_is_tried_again_while_it_ramps_up(lab):
    (alpha,) = ramping(lab, "alpha")
    alpha.script.clear()
    alpha.script.extend([503, "ok"])
    assert lab.ask().kinds == ["server", "ok"]
    alpha.script[0] = 503
    answer = lab.ask()
    assert answer.kinds == ["server", "server"], "two failures in a row open it again"
    assert lab.changes[-1] == ("alpha/large", "RAMP", "OPEN")


def test_a_held_back_target_keeps_one_of_the_attempts(lab):
    _, beta, gamma = ramping(lab, "alpha", "beta", "gamma")
    beta.script[0] = gamma.script[0] = 503
    answer = lab.ask()
    assert answer.kinds == ["server"] * 5 + ["ok"]
    assert answer.headers["x-sidestep-provider"] == "alpha"


# -- when breakers alone refuse the whole chain


def test_the_target_nearest_its_probe_gets_one_call_a_second(lab):
    alpha, beta = opened(lab, "alpha", "beta")
    alpha.script[0] = beta.script[0] = 503
    statuses = [lab.ask().status for _ in range(3)]
    assert statuses == [502, 503, 503]
    assert lab.called == ["alpha"]
    lab.wait(1)
    assert [lab.ask().status for _ in range(3)] == [502, 503, 503]
    assert lab.called == ["alpha", "alpha"]


def test_such_a_call_that_is_answered_serves_the_client_and_ends_the_wait(lab):
    opened(lab, "alpha", "beta")
    answer = lab.ask()
    assert (answer.status, answer.kinds) == (200, ["ok"])
    assert [name for name, _ in answer.exchange.skipped] == ["beta/large"]
    assert served(lab) == "alpha", "it may be probed at once"


def test_such_a_call_that_fails_is_told_once_and_is_not_tried_again(lab):
    (alpha,) = opened(lab, "alpha")
    alpha.script[0] = 503
    error = lab.ask().error
    assert len(alpha.calls) == 1
    assert error["message"] == "The only target failed: alpha/large: server 503, it failed on its side."
    assert "skipped" not in error["sidestep"]


@pytest.mark.parametrize(("waited", "told"), [(3, "27"), (29.8, "1")])
def test_the_others_are_told_when_to_come_back(lab, waited, told):
    (alpha,) = opened(lab, "alpha")
    alpha.script[0] = 503
    lab.wait(waited - 1)
    lab.ask()
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (503, "no_target_available")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == (told, "true")
    assert len(alpha.calls) == 1


def test_nobody_is_told_to_stay_away_longer_than_half_a_minute(lab):
    (alpha,) = opened(lab, "alpha", breaker=BreakerSettings(open_s=200))
    alpha.script[0] = 503
    lab.ask()
    assert lab.ask().headers["retry-after"] == "30"


@pytest.mark.parametrize("out", [throttled, full])
@pytest.mark.parametrize("place", [0, 1])
def test_nor_does_what_keeps_the_others_from_being_called_stand_in_its_way(lab, out, place):
    """Nobody can serve the client but the target that is likely down: it may be well again."""
    lab.chain("alpha", "beta", per_target=5)
    targets = lab.router().chat("m").targets
    out(lab, targets[1 - place])
    shut = targets[place]
    tripped(lab, shut)
    answers = [lab.ask() for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert set(lab.called) == {shut.provider.name}


def test_a_failure_of_such_a_call_says_what_kept_the_others(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = 503
    shut, other = lab.router().chat("m").targets
    throttled(lab, other)
    tripped(lab, shut)
    answer = lab.ask()
    assert (answer.status, answer.kinds) == (502, ["server"])
    assert "beta/large: asked to wait 900 s more" in answer.error["message"]
    answer = lab.ask()
    assert (answer.status, answer.headers["retry-after"], answer.headers["x-should-retry"]) == (503, "30", "true")
    assert lab.called == ["alpha"], "once a second"


def test_such_a_call_has_all_the_time_of_its_client(lab):
    alpha, _ = opened(lab, "alpha", "beta")
    alpha.script[0] = "stall"
    began = lab.clock.now()
    assert lab.ask(headers={"x-stainless-read-timeout": "60"}).kinds == ["timeout"]
    assert lab.clock.now() - began == 59


def test_a_target_that_cannot_say_the_request_is_no_reason_to_refuse_it(lab):
    opened(lab, "claude", "alpha")
    assert lab.ask({"n": 2}).headers["x-sidestep-provider"] == "alpha"
