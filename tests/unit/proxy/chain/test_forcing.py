"""Where nobody could be called, one call is made all the same: never worse than no proxy."""

import orjson
import pytest

from proxy.chain.forcing import leave
from proxy.chain.ready import Tools
from proxy.config.spending import Price
from proxy.upstream.timings import attempt_times
from tests.unit.proxy.chain.held import full, key_off, throttled, tripped

SPENT = (429, {}, {"error": {"message": "Pay.", "code": "insufficient_quota"}})
DAILY = (429, {}, {"error": {"message": "Requests per day used up.", "code": "insufficient_quota"}})
LONG = (429, {"retry-after": "3000"}, {"error": {"message": "Slow.", "code": "rate_limit_exceeded"}})
DOWN = (503, {"retry-after": "3000"}, {"error": {"message": "Down."}})


def statuses(lab, count=3):
    return [lab.ask().status for _ in range(count)]


def pool(lab, name="alpha"):
    return lab.registry.keys(lab.providers[name])


@pytest.mark.parametrize("blip", [401, SPENT, DAILY])
@pytest.mark.parametrize("stream", [False, True])
def test_one_refusal_of_the_only_key_costs_one_request(lab, blip, stream):
    (alpha,) = lab.chain("alpha")
    alpha.script.clear()
    alpha.script.extend([blip, "ok"])
    answers = [lab.ask(stream=stream) for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 200, 200, 200]
    assert answers[1].exchange.skipped == []


@pytest.mark.parametrize(("trouble", "off_s"), [(401, 300), (SPENT, 1800), (DAILY, 3600)])
def test_a_dead_key_is_tried_once_in_ten_seconds_and_stays_off_as_long_as_before(lab, trouble, off_s):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = trouble
    lab.ask()
    began = lab.clock.now()
    while lab.clock.now() < began + 100:
        lab.ask()
        lab.wait(1)
    assert len(alpha.calls) == 1 + 10
    (key,) = pool(lab).snapshot(lab.clock.now())
    assert key.off_until == pytest.approx(began + off_s, abs=0.1)
    assert len(lab.alerts) == 1, "the operator is told once"


def test_failures_of_such_calls_are_no_refusals_for_the_doubling(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = 401
    for _ in range(10):
        lab.ask()
        lab.wait(20)
    lab.wait(101)
    lab.ask()
    (key,) = pool(lab).snapshot(lab.clock.now())
    assert key.off_until == pytest.approx(lab.clock.now() + 600)


def test_who_is_refused_learns_when_the_next_such_call_may_be_made(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = 401
    lab.ask(), lab.ask()
    lab.wait(3)
    answer = lab.ask()
    assert (answer.status, answer.error["code"]) == (503, "no_target_available")
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("7", "false")
    lab.wait(7)
    alpha.script[0] = "ok"
    assert lab.ask().status == 200


@pytest.mark.parametrize("trouble", [LONG, DOWN])
@pytest.mark.parametrize("keys", [1, 2])
def test_a_long_wait_is_kept_for_a_minute_then_one_call_a_minute_finds_out(lab, trouble, keys):
    (alpha,) = lab.chain("alpha", keys=keys)
    alpha.script[0] = trouble
    lab.ask(), lab.ask()
    called = len(alpha.calls)
    lab.wait(58)
    assert lab.ask().headers["retry-after"] in ("1", "2")
    assert len(alpha.calls) == called
    lab.wait(3)
    lab.ask(), lab.ask()
    assert len(alpha.calls) == called + 1
    answer = lab.ask()
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == (("60", "true"))
    lab.wait(60)
    alpha.script[0] = "ok"
    assert statuses(lab) == [200, 200, 200]


def test_a_new_wait_that_such_a_call_is_told_is_kept_and_tried_as_seldom(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = LONG
    lab.ask()
    until = next(iter(lab.registry.targets())).throttle.until
    for _ in range(5):
        lab.wait(61)
        lab.ask()
    assert len(alpha.calls) == 6
    assert next(iter(lab.registry.targets())).throttle.until == until + 5 * 61


def test_a_request_that_the_provider_finds_fault_with_shows_that_a_refused_key_is_taken_again(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script.clear()
    alpha.script.extend([401, 400, "ok"])
    assert [lab.ask().status, lab.ask().status, lab.ask().status] == [503, 400, 200]


def test_models_of_one_provider_share_the_rate_of_its_key(lab):
    engines = lab.chain("alpha", "beta")
    for engine in engines:
        engine.script[0] = 401
    for _ in range(6):
        lab.ask()
    assert len(lab.called) == 4, "each key as it was refused, and once more"


def test_a_wait_that_a_refused_keys_own_call_meets_is_kept(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script.clear()
    alpha.script.extend([401, (429, {"retry-after": "30"}, {"error": {"code": "rate_limit_exceeded"}}), "ok"])
    lab.ask(), lab.ask()
    lab.wait(25)
    assert lab.ask().status == 429
    assert len(alpha.calls) == 2


@pytest.mark.parametrize("out", [key_off, throttled])
def test_nothing_is_forced_while_another_target_serves(lab, out):
    lab.chain("alpha", "beta")
    out(lab, lab.router().chat("m").targets[0])
    lab.wait(120)
    assert [lab.ask().headers["x-sidestep-provider"] for _ in range(3)] == ["beta"] * 3
    assert set(lab.called) == {"beta"}


def test_keys_come_first_then_waits_then_breakers(lab):
    """What is asked seldom has its turn also where requests come as seldom as a breaker is tried."""
    engines = lab.chain("alpha", "beta", "gamma")
    for engine in engines:
        engine.script[0] = 401
    wait, off, shut = lab.router().chat("m").targets
    throttled(lab, wait)
    lab.wait(700)
    key_off(lab, off)  # for longer than the wait goes on
    tripped(lab, shut)
    for _ in range(4):
        lab.ask()
    assert lab.called == ["beta", "alpha", "gamma"], "one each, and then none is due"


def test_the_key_that_comes_back_soonest_is_tried_first(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = SPENT
    beta.script[0] = 401
    lab.ask()
    lab.called.clear()
    for _ in range(3):
        lab.ask()
    assert lab.called == ["beta", "alpha"]


def test_what_is_no_guess_is_not_forced(lab):
    (alpha,) = lab.chain("alpha", per_target=5)
    (target,) = lab.router().chat("m").targets
    key_off(lab, target)
    full(lab, target)
    assert lab.ask().status == 503
    assert alpha.calls == []


def test_nor_is_it_where_it_is_the_only_thing_in_the_way(lab):
    """As a request that passes through may find it, or one whose place was taken meanwhile."""
    lab.chain("alpha", per_target=5)
    (target,) = lab.router().chat("m").targets
    full(lab, target)
    now, tools = lab.clock.now(), Tools(lab.registry, None, lab.clock, None, None)
    times = attempt_times(target.timeouts, now, now + 60, now + 60, 0, stream=False, quick=False, reasons=False)
    state = lab.registry.target(target, now)
    assert leave(tools, target, state, {}, times, now) is None
    state.leave(5)
    assert leave(tools, target, state, {}, times, now) is not None


def test_a_target_that_cannot_express_the_request_is_not_forced(lab):
    (claude,) = lab.chain("claude")
    key_off(lab, lab.router().chat("m").targets[0])
    assert lab.ask({"n": 2}).status == 400
    assert claude.calls == []


def test_such_a_call_keeps_to_its_clients_time(lab):
    (alpha,) = lab.chain("alpha")
    key_off(lab, lab.router().chat("m").targets[0])
    alpha.script[0] = "stall"
    began = lab.clock.now()
    assert lab.ask(headers={"x-stainless-read-timeout": "60"}).kinds == ["timeout"]
    assert lab.clock.now() - began == 59


def test_a_breaker_that_is_open_too_keeps_its_own_rate(lab):
    (alpha,) = lab.chain("alpha")
    (target,) = lab.router().chat("m").targets
    key_off(lab, target)
    tripped(lab, target)
    alpha.script[0] = 503
    assert statuses(lab) == [502, 503, 503]
    assert len(alpha.calls) == 1


def test_a_key_is_in_use_again_at_a_streams_first_content(lab):
    (alpha,) = lab.chain("alpha")
    key_off(lab, lab.router().chat("m").targets[0])
    seen = []
    content = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
    alpha.script[0] = [content, lambda: seen.append(pool(lab).choose(lab.clock.now())), "cut"]
    lab.ask(stream=True)
    assert seen != [None] and len(seen) == 1


def test_a_folded_answer_puts_it_back_at_its_first_content_as_well(lab):
    (alpha,) = lab.chain("alpha", models={"large": {"upstream_stream": True}})
    key_off(lab, lab.router().chat("m").targets[0])
    seen = []
    content = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
    alpha.script[0] = [content, lambda: seen.append(pool(lab).choose(lab.clock.now())), "cut"]
    lab.ask()
    assert seen != [None] and len(seen) == 1


def test_an_answer_to_a_call_from_before_does_not_undo_a_refusal(lab):
    """A long stream may end well after its key was withdrawn."""
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n', 5.0, b"data: [DONE]\n\n"]
    task = lab.begin(stream=True)
    key_off(lab, lab.router().chat("m").targets[0])
    lab.run(task)
    assert pool(lab).choose(lab.clock.now()) is None


def test_such_calls_are_asked_for_at_their_price(lab):
    lab.prices["alpha"] = Price(input=1, output=1)
    (alpha,) = lab.chain("alpha")
    key_off(lab, lab.router().chat("m").targets[0])
    assert float(lab.ask().headers["x-sidestep-cost-usd"]) > 0
    assert orjson.loads(alpha.calls[0].body)["model"] == "large"
