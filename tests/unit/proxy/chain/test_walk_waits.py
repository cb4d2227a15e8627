"""The waits that upstreams ask for: kept in full or not at all, and remembered for the requests that follow."""

from email.utils import formatdate

import pytest

from proxy.config.values import BreakerSettings

RATE = {"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}
SPOKEN = {"error": {"message": "Please try again in 7s.", "code": "rate_limit_exceeded"}}
WALL = 1.7e9 + 1000
"""The wall clock's time at the start."""
FORMS = {
    "seconds": ({"retry-after": "7"}, RATE),
    "milliseconds": ({"retry-after-ms": "7000", "retry-after": "90"}, RATE),
    "a date": ({"retry-after": formatdate(WALL + 7, usegmt=True)}, RATE),
    "a date on another clock": (
        {"retry-after": formatdate(WALL + 507, usegmt=True), "date": formatdate(WALL + 500, usegmt=True)},
        RATE,
    ),
    "the vendor's reset": ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7s"}, RATE),
    "words": ({}, SPOKEN),
}
NONSENSE = {
    "negative": ({"retry-after": "-7"}, RATE),
    "not a number": ({"retry-after": "nan"}, RATE),
    "above an hour": ({"retry-after": "3601"}, RATE),
    "above an hour, in words": ({}, {"error": {"message": "Retry after 99999h", "code": "rate_limit_exceeded"}}),
    "above a day, in words": ({}, {"error": {"message": "Per day: try again in 25h", "code": "rate_limit_exceeded"}}),
}


def served(lab) -> str:
    return lab.ask().headers["x-sidestep-provider"]


@pytest.mark.parametrize("form", FORMS)
def test_a_wait_in_any_form_sends_this_request_and_those_that_follow_to_the_next_target(lab, form):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = (429, *FORMS[form])
    assert lab.ask().kinds == ["throttled", "ok"], "seven seconds are too long to sleep"
    alpha.script[0] = "ok"
    lab.wait(6.9)
    answer = lab.ask()
    assert answer.headers["x-sidestep-provider"] == "beta"
    assert answer.exchange.skipped == [("alpha/large", "asked to wait 1 s more")]
    lab.wait(0.2)
    assert served(lab) == "alpha"
    assert lab.clock.slept == []


def test_short_waits_that_add_up_are_not_slept_while_another_target_is_free(lab):
    """Each of a second and a half would do; two of them keep the client longer than any pause may."""
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script[0] = (429, {"retry-after": "1.5"}, RATE)
    assert lab.ask().kinds == ["throttled", "throttled", "ok"]
    assert sum(lab.clock.slept) < 2


@pytest.mark.parametrize("form", NONSENSE)
def test_a_wait_that_makes_no_sense_blocks_nothing(lab, form):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([(429, *NONSENSE[form]), "ok"])
    assert served(lab) == "alpha"


def test_a_daily_limit_may_ask_for_hours(lab):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    said = {"error": {"message": "Requests per day: try again in 5h", "code": "rate_limit_exceeded"}}
    alpha.script.extend([(429, {}, said), "ok"])
    assert served(lab) == "beta"
    lab.wait(4 * 3600)
    assert served(lab) == "beta"
    lab.wait(3601)
    assert served(lab) == "alpha"


def test_those_who_waited_do_not_return_all_at_once(lab):
    """Up to a tenth is added to a wait."""
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([(429, {"retry-after": "10"}, RATE), "ok"])
    lab.clock.chance = lambda: 0.5
    lab.ask()
    lab.wait(10.4)
    assert served(lab) == "beta"
    lab.wait(0.2)
    assert served(lab) == "alpha"


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_wait_is_slept_in_full_and_the_same_target_answers(lab, status):
    alpha, _ = lab.chain("alpha", "beta")
    alpha.script.clear()
    alpha.script.extend([(status, {"retry-after": "1.7"}, RATE if status == 429 else {}), "ok"])
    assert served(lab) == "alpha"
    assert lab.clock.slept == [pytest.approx(1.7)]
    assert alpha.times[1] - alpha.times[0] >= 1.7


def test_when_every_key_has_a_short_wait_it_is_slept_and_the_first_key_serves(lab):
    (alpha,) = lab.chain("alpha", keys=2)
    alpha.script.clear()
    alpha.script.extend([*[(429, {"retry-after": "1.5"}, RATE)] * 2, "ok"])
    assert lab.ask().kinds == ["throttled", "throttled", "ok"]
    assert lab.clock.slept == [1.5]


def test_a_wait_asked_for_by_a_server_in_trouble_blocks_the_target_whatever_the_key(lab):
    alpha, _ = lab.chain("alpha", "beta", keys=2)
    alpha.script.clear()
    alpha.script.extend([(503, {"retry-after": "30"}, {}), "ok"])
    assert served(lab) == "beta"
    assert served(lab) == "beta"
    lab.wait(31)
    assert served(lab) == "alpha"


def test_a_breaker_that_opens_keeps_the_wait_that_was_asked_for(lab):
    alpha, _ = lab.chain("alpha", "beta", breaker=BreakerSettings(consecutive_failures=1))
    alpha.script[0] = (503, {"retry-after": "100"}, {})
    lab.ask()
    assert lab.breaker("alpha").snapshot(lab.clock.now()).reopens_at == pytest.approx(lab.clock.now() + 100)


def test_when_all_ask_to_wait_the_client_is_told_the_shortest_wait_and_to_come_back(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = (429, {"retry-after": "40"}, RATE)
    beta.script[0] = (429, {"retry-after": "9"}, RATE)
    answers = [lab.ask(), lab.ask()]
    assert lab.called == ["alpha", "beta"], "the second time nobody is called"
    for answer in answers:
        assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
        assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("9", "true")


@pytest.mark.parametrize(("names", "calls", "again"), [("a", 3, "true"), ("ab", 6, "false")])
def test_where_all_throttle_again_and_again_a_client_comes_back_only_if_its_tries_fit_into_one_request(
    lab, names, calls, again
):
    """An SDK tries twice more, and each of its tries asks each target once: six calls in all."""
    for one in lab.chain(*names):
        one.script[0] = (429, {}, RATE)
    answer = lab.ask()
    assert (len(answer.kinds), answer.headers["x-should-retry"]) == (calls, again)
    assert answer.headers["retry-after"] == "1"


def test_a_wait_beyond_the_sdks_patience_is_not_worth_coming_back_for(lab):
    """Whoever comes later is told of the call that is made all the same."""
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = (429, {"retry-after": "121"}, RATE)
    told = [(one.headers["retry-after"], one.headers["x-should-retry"]) for one in (lab.ask(), lab.ask())]
    assert told == [("121", "false"), ("60", "true")]


def test_a_throttled_primary_among_other_faults_is_told_with_its_wait(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = (429, {"retry-after": "40"}, RATE)
    beta.script[0] = 503
    answer = lab.ask()
    assert (answer.status, answer.headers["retry-after"]) == (429, "40")
    assert answer.headers["x-should-retry"] == "false"
    assert "beta/large: server 503" in answer.error["message"]


def test_a_target_with_all_its_places_taken_is_passed_over(lab):
    lab.provider("alpha", per_target=1)
    lab.provider("beta")
    lab.route("m", "alpha", "beta")
    alpha = lab.engines["alpha"]
    alpha.script.clear()
    alpha.script.extend(["stall", "ok"])

    first = lab.begin()
    second = lab.ask()
    assert second.headers["x-sidestep-provider"] == "beta"
    assert second.exchange.skipped == [("alpha/large", "its limit of 1 calls in flight is reached")]
    lab.end(first)
    assert served(lab) == "alpha"


def test_a_target_that_cannot_serve_is_told_to_the_next_clients_as_overloaded_and_not_as_a_limit_of_rate(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = (503, {"retry-after": "20"}, {"error": {"message": "Overloaded."}})
    lab.ask()
    asked = len(alpha.calls)
    answer = lab.ask()
    assert (answer.status, answer.error["code"], answer.headers["x-should-retry"]) == (503, "overloaded", "true")
    assert (answer.headers["retry-after"], len(alpha.calls)) == ("20", asked)


def test_a_limit_of_rate_that_lasts_longer_is_told_as_that(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = (503, {"retry-after": "5"}, {"error": {"message": "Overloaded."}})
    lab.ask()
    lab.wait(5.1)
    alpha.script[0] = (429, {"retry-after": "60"}, RATE)
    lab.ask()
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
