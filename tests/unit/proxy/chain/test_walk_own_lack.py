"""What this machine lacks for a connection is blamed on no target: another one may have a connection already."""

import pytest

from proxy.config.values import BreakerSettings
from translators.faults import Kind

TOUCHY = BreakerSettings(consecutive_failures=1)
REASON = "there are no more files to open"
both = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


@both
def test_the_next_target_serves_and_the_first_is_not_blamed(lab, stream):
    alpha, _ = lab.chain("alpha", "beta", breaker=TOUCHY)
    alpha.script[0] = "exhausted"
    for _ in range(3):
        answer = lab.ask(stream=stream)
        assert (answer.status, answer.headers["x-sidestep-provider"]) == (200, "beta")
        assert answer.kinds == ["shed", "ok"], "one attempt: another dial would fail as well"
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == 0
    assert lab.changes == []
    assert ("alpha", "large", "shed") in lab.counted


@both
def test_when_no_connection_can_be_had_the_client_may_come_again_soon(lab, stream):
    for engine in lab.chain("alpha", "beta"):
        engine.script[0] = "exhausted"
    answer = lab.ask(stream=stream)
    assert (answer.status, answer.error["code"]) == (503, "overloaded")
    assert answer.error["message"] == f"No connection to a provider could be opened: {REASON}."
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("1", "true")


def test_beside_a_target_that_failed_the_primary_decides_and_trying_again_still_helps(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0], beta.script[0] = 503, "exhausted"
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (502, "all_targets_failed")
    assert f"beta/large: shed, {REASON}" in answer.error["message"]
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("1", "true")


def test_a_refusal_after_it_is_not_the_last_word(lab):
    alpha, claude = lab.chain("alpha", "claude")
    alpha.script[0], claude.script[0] = "exhausted", (400, {}, {"error": {"message": "No.", "type": "x"}})
    assert (lab.ask().status, lab.ask().headers["x-should-retry"]) == (503, "true")


def test_the_operator_is_told_once_a_minute(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = "exhausted"
    lab.ask(), lab.ask()
    lab.wait(59)
    lab.ask()
    assert lab.alerts == [("exhausted", {"reason": REASON})]
    lab.wait(2)
    lab.ask()
    assert len(lab.alerts) == 2


def test_a_probe_that_found_no_connection_has_proved_nothing(lab):
    (alpha,) = lab.chain("alpha", breaker=TOUCHY)
    alpha.script[0] = 503
    lab.ask()
    lab.wait(60)
    alpha.script[0] = "exhausted"
    assert lab.ask().status == 503
    alpha.script[0] = "ok"
    assert [lab.ask().status for _ in range(2)] == [200, 200]
    assert [change[1:] for change in lab.changes] == [("CLOSED", "OPEN"), ("OPEN", "PROBE"), ("PROBE", "RAMP")]


def test_what_a_shutdown_ends_is_not_told_as_a_lack(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [lambda: lab.cancel(Kind.SHED), "stall"]
    assert lab.ask(stream=True).status == 503
    assert lab.alerts == []


def test_a_target_that_does_not_take_the_request_is_at_fault(lab):
    alpha, _ = lab.chain("alpha", "beta", breaker=TOUCHY)
    alpha.script[0] = "untaken"
    answer = lab.ask()
    assert answer.kinds == ["timeout", "ok"]
    assert answer.exchange.attempts[0].message == "it did not take the request in time"
    assert lab.changes == [("alpha/large", "CLOSED", "OPEN")]


def test_a_model_has_its_own_times_for_connecting_and_writing(lab):
    (alpha,) = lab.chain("alpha")
    lab.route("own", "alpha", timeouts={"connect_s": 0.5, "pool_s": 0.25, "write_s": 3.0})
    lab.ask(), lab.ask({"model": "own"})
    assert [(call.connect_s, call.pool_s, call.write_s) for call in alpha.calls] == [(5.0, 1.0, 30.0), (0.5, 0.25, 3.0)]


# -- idempotency keys


def keys(engine) -> list[str | None]:
    return [dict(call.headers).get("idempotency-key") for call in engine.calls]


def test_who_honours_a_key_gets_one_for_all_attempts_at_a_target_and_another_for_every_other(lab):
    alpha, beta = lab.chain("alpha", "beta", profile={"idempotency_key": True})
    alpha.script[0] = 503
    lab.ask()
    first = {*keys(alpha), *keys(beta)}
    assert len(alpha.calls) > 1 and len(set(keys(alpha))) == 1
    assert len(first) == 2
    assert all(key.startswith("sidestep-") for key in first)
    lab.ask({"temperature": 0.5})
    assert len({*keys(alpha), *keys(beta)}) == 4


def test_the_clients_own_key_goes_before_ours(lab):
    (alpha,) = lab.chain("alpha", profile={"idempotency_key": True})
    lab.ask(headers={"idempotency-key": "theirs"})
    assert keys(alpha) == ["theirs"]


def test_nobody_else_gets_a_key_that_the_client_did_not_send(lab):
    (alpha,) = lab.chain("alpha")
    lab.ask()
    assert keys(alpha) == [None]
