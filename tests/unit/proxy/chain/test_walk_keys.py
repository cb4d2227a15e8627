"""Which key is used, what a fault does to it, and the caller's own key."""

import pytest

SPENT = (429, {}, {"error": {"message": "Pay.", "code": "insufficient_quota"}})
RATE = (429, {"retry-after": "40"}, {"error": {"message": "Slow.", "code": "rate_limit_exceeded"}})
FORBIDDEN = (403, {}, {"error": {"message": "Not you."}})
MONEY = (402, {}, {"error": {"message": "Pay."}})


def keys(engine) -> list[str]:
    """The keys an engine was called with, by their last character."""
    return [dict(call.headers)["authorization"][-1] for call in engine.calls]


@pytest.mark.parametrize(
    ("behaviour", "off_s", "alert"), [(401, 300, "key_refused"), (SPENT, 1800, "key_out_of_quota")]
)
def test_a_key_that_is_no_good_is_switched_off_the_next_one_serves_and_one_alert_is_raised(
    lab, behaviour, off_s, alert
):
    (alpha,) = lab.chain("alpha", keys=2)
    alpha.script.clear()
    alpha.script.extend([behaviour, "ok"])
    assert lab.ask().status == 200
    assert keys(alpha) == ["0", "1"]
    ((event, facts),) = lab.alerts
    assert (event, facts["provider"], facts["source"]) == (alert, "alpha", "env:alpha0")
    lab.wait(off_s - 1)
    lab.ask()
    assert keys(alpha)[2:] == ["1"], "still off"
    lab.wait(2)
    lab.ask()
    assert keys(alpha)[3:] == ["0"], "looked at again"
    assert len(lab.alerts) == 1


@pytest.mark.parametrize("behaviour", [401, SPENT])
def test_each_key_gets_one_attempt_and_then_the_next_target_serves(lab, behaviour):
    alpha, _ = lab.chain("alpha", "beta", keys=2)
    alpha.script[0] = behaviour
    answer = lab.ask()
    assert keys(alpha) == ["0", "1"]
    assert answer.headers["x-sidestep-provider"] == "beta"
    assert lab.clock.slept == [], "another key needs no pause"


def test_while_every_key_is_off_a_call_that_finds_out_is_all_there_is(lab):
    (alpha,) = lab.chain("alpha", keys=2)
    alpha.script[0] = 401
    lab.ask()
    lab.ask()
    lab.ask()
    answer = lab.ask()
    assert len(alpha.calls) == 4, "each key as it was refused, and once more"
    assert (answer.status, answer.error["code"]) == (503, "no_target_available")
    assert "every key of alpha" in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert len(lab.alerts) == 2


def test_a_key_refused_again_stays_off_twice_as_long(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = 401
    lab.ask()
    lab.wait(301)
    lab.ask()
    lab.wait(500)
    lab.ask()
    assert len(alpha.calls) == 2
    lab.wait(101)
    lab.ask()
    assert len(alpha.calls) == 3


def test_an_accepted_key_starts_anew(lab):
    (alpha,) = lab.chain("alpha")
    for behaviour in (401, "ok", 401):
        alpha.script[0] = behaviour
        lab.ask()
        lab.wait(301)
    alpha.script[0] = "ok"
    assert lab.ask().status == 200


def test_a_throttled_key_hands_over_to_another_at_once_and_rests(lab):
    (alpha,) = lab.chain("alpha", keys=2)
    alpha.script.clear()
    alpha.script.extend([RATE, "ok"])
    lab.ask()
    lab.ask()
    assert keys(alpha) == ["0", "1", "1"]
    assert lab.clock.slept == []
    lab.wait(41)
    lab.ask()
    assert keys(alpha)[3:] == ["0"]


def test_a_daily_quota_is_looked_at_after_an_hour(lab):
    alpha, _ = lab.chain("alpha", "beta")
    spent = {"error": {"message": "Requests per day used up.", "code": "insufficient_quota"}}
    alpha.script[0] = (429, {}, spent)
    lab.ask()
    lab.wait(3599)
    lab.ask()
    assert len(alpha.calls) == 1
    lab.wait(2)
    lab.ask()
    assert len(alpha.calls) == 2


def test_no_probe_is_spent_where_no_key_could_be_used(lab):
    lab.chain("alpha")
    lab.ask()
    lab.breaker("alpha").trip(lab.clock.now())
    lab.wait(20)
    state = next(iter(lab.registry.targets()))
    pool = lab.registry.keys(lab.providers["alpha"])
    pool.throttle(pool.choose(lab.clock.now()), lab.clock.now(), 20)
    lab.wait(11)
    assert lab.ask().error["code"] == "rate_limit_exceeded"
    assert state.breaker.admit(lab.clock.now(), 1).role == "probe"


def test_a_key_is_released_however_its_call_ends(lab):
    (alpha,) = lab.chain("alpha", keys=2)
    for behaviour in ("ok", 503, "cut", 401):
        alpha.script[0] = behaviour
        lab.ask()
        lab.ask(stream=True)
    assert [key.in_flight for key in lab.registry.keys(lab.providers["alpha"]).snapshot(lab.clock.now())] == [0, 0]


# -- the caller's own key


def own_key(lab, behaviour, **more):
    alpha = lab.provider("alpha", keys=0, client_key=True, **more)
    lab.provider("beta")
    lab.route("m", "alpha", "beta")
    alpha.script[0] = behaviour
    return alpha


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer sk-caller"}, {"authorization": "bearer  sk-caller "}, {"x-api-key": "sk-caller"}],
)
def test_the_callers_own_key_goes_upstream_from_either_header(lab, headers):
    alpha = own_key(lab, "ok")
    lab.ask(headers=headers)
    assert dict(alpha.calls[0].headers)["authorization"] == "Bearer sk-caller"


def test_a_caller_without_a_key_sends_none(lab):
    alpha = own_key(lab, "ok")
    lab.ask(headers={"authorization": "Basic abc"})
    assert "authorization" not in dict(alpha.calls[0].headers)


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (401, 401, "invalid_api_key"),
        (FORBIDDEN, 403, "invalid_api_key"),
        (MONEY, 402, "insufficient_quota"),
        (SPENT, 429, "insufficient_quota"),
        (RATE, 429, "rate_limit_exceeded"),
    ],
)
def test_what_a_provider_says_of_the_callers_key_is_the_callers_business_alone(lab, behaviour, status, code):
    """Its own status comes back, nothing is switched off, no breaker hears of it and no other target is asked."""
    alpha = own_key(lab, behaviour)
    for _ in range(7):
        answer = lab.ask(headers={"authorization": "Bearer sk-caller"})
        assert (answer.status, answer.error["code"]) == (status, code)
    assert len(alpha.calls) == 7
    assert "alpha" in answer.error["message"]
    assert answer.headers.get("retry-after") == ("40" if behaviour is RATE else None)
    assert "x-should-retry" not in answer.headers, "the client's own rules apply"
    assert lab.alerts == [] and lab.changes == []
    assert "beta" not in lab.called


def test_a_limit_of_the_callers_key_does_not_undo_a_recovery(lab):
    """A key of our own that is throttled would open the breaker again while it ramps up."""
    alpha = own_key(lab, "ok")
    lab.ask()
    lab.breaker("alpha").trip(lab.clock.now())
    lab.wait(31)
    lab.ask(), lab.ask()
    lab.wait(29)
    alpha.script[0] = RATE
    assert {lab.ask().status for _ in range(5)} == {200, 429}
    assert lab.changes[-1] == ("alpha/large", "PROBE", "RAMP")


def test_a_limit_told_inside_a_stream_keeps_the_status_it_stands_for(lab):
    own_key(lab, [b'data: {"error": {"message": "Slow.", "code": "rate_limit_exceeded"}}\n\n'])
    assert lab.ask(stream=True, headers={"x-api-key": "k"}).status == 429


def test_a_provider_that_fails_under_the_callers_key_still_fails_over_and_feeds_its_breaker(lab):
    own_key(lab, 503)
    assert lab.ask().headers["x-sidestep-provider"] == "beta"
    assert lab.breaker("alpha").snapshot(lab.clock.now()).failures == 3
