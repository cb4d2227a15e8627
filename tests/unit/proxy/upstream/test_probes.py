"""Looks at providers: when they are made, what they cost, and what is made of their answers."""

import asyncio
from itertools import pairwise

import pytest

from proxy.config.profiles import vendors
from proxy.config.values import HealthSettings
from proxy.resilience.breaker import State
from proxy.upstream.probes import AT_ONCE, LONGEST_S
from proxy.upstream.seam import Cut, Exhausted, Unreachable
from tests.unit.proxy.upstream.looking import EVERY, Answer, lab, open_lab, provider
from tests.virtual import played
from translators.ir import Dialect


@pytest.fixture(autouse=True, scope="module")
def _read():
    """What the application reads before anything runs."""
    vendors()


@lab
async def test_an_idle_provider_is_looked_at_every_interval_a_tenth_more_or_less(lab):
    lab.it.follow([provider()])
    await lab.passes(300)
    times = [at for at, _ in lab.calls]
    assert times[0] < EVERY
    gaps = [after - before for before, after in pairwise(times)]
    assert all(9.0 <= gap <= 11.0 for gap in gaps)
    assert len({round(gap, 3) for gap in gaps}) > 3, "each by chance"
    assert lab.counted == [("alpha", "ok")] * len(times)


@lab
async def test_it_is_asked_for_its_list_as_requests_are_sent(lab):
    lab.it.follow([provider(), provider("claude", dialect=Dialect.ANTHROPIC_MESSAGES)])
    await lab.passes(EVERY)
    calls = {call.url: dict(call.headers) for _, call in lab.calls}
    assert set(calls) == {"https://alpha.test/v1/models", "https://claude.test/v1/models?limit=1000"}
    openai, anthropic = calls.values() if "alpha" in next(iter(calls)) else reversed(calls.values())
    assert openai["authorization"] == "Bearer canary"
    assert anthropic["x-api-key"] == "canary"
    assert all(call.method == "GET" for _, call in lab.calls)
    assert all(answer.closed for answer in lab.given)


@lab
async def test_without_active_nothing_is_asked_and_nothing_runs(lab):
    lab.it.follow([provider(health=HealthSettings())])
    assert len(asyncio.all_tasks()) == 1
    assert lab.it.told(0) == {}


@lab
async def test_while_requests_tell_nobody_is_asked(lab):
    alpha = provider()
    lab.it.follow([alpha])
    for _ in range(30):
        lab.target(alpha).window.note(lab.clock.now(), lab.clock.now(), 0.0, None)
        await lab.passes(1)
    assert lab.calls == []
    assert lab.told()["asked_because"] is None
    await lab.passes(3 * EVERY)
    assert 1 <= len(lab.calls) <= 3
    assert lab.told()["asked_because"] == "idle"


@lab
async def test_one_look_serves_all_models_of_a_provider(lab):
    alpha = provider()
    lab.says = 503
    states = [lab.opened(alpha, f"m{n}") for n in range(50)]
    lab.it.follow([alpha])
    await lab.passes(EVERY)
    assert len(lab.calls) == 1
    await lab.passes(EVERY * 2.5)
    assert {state.breaker.state(lab.clock.now()) for state in states} == {State.OPEN}, "their 30 s are over"


@lab
async def test_an_open_breaker_waits_while_its_provider_is_down_and_no_longer(lab):
    alpha = provider()
    lab.says = Unreachable("connection refused")
    state = lab.opened(alpha)
    lab.it.follow([alpha])
    await lab.passes(100)
    assert state.breaker.state(lab.clock.now()) is State.OPEN
    assert lab.told()["up"] is False
    assert lab.told()["why"] == "it could not be reached: connection refused"
    lab.says = 200
    await lab.passes(EVERY * 1.1)
    assert state.breaker.state(lab.clock.now()) is State.PROBE, "from here on requests find out"
    await lab.passes(200)
    assert state.breaker.state(lab.clock.now()) is State.PROBE, "no look closes it"


@lab
async def test_it_waits_for_a_silent_provider_too_until_the_next_look_is_over(lab):
    alpha = provider(every=4.0)
    lab.says = "silence"
    state = lab.opened(alpha)
    lab.it.follow([alpha])
    await lab.passes(100)
    assert state.breaker.state(lab.clock.now()) is State.OPEN


@lab
async def test_a_list_that_is_down_alone_delays_no_longer_than_the_longest_opening(lab):
    alpha = provider()
    lab.says = 500
    state = lab.opened(alpha)
    lab.it.follow([alpha])
    await lab.passes(299)
    assert state.breaker.state(lab.clock.now()) is State.OPEN
    await lab.passes(1)
    assert state.breaker.state(lab.clock.now()) is State.PROBE


UP = [200, 301, 400, 401, 403, 404, 429, 501]
DOWN = [500, 502, 503, 504, 529, Unreachable("no such host"), Cut("it broke off"), "silence"]


@pytest.mark.parametrize(("says", "up"), [(one, True) for one in UP] + [(one, False) for one in DOWN])
def test_an_answer_means_it_is_there_and_a_failure_of_its_own_that_it_is_down(says, up):
    """A refused key and a missing list are answers."""

    async def main():
        async with open_lab() as lab:
            lab.says = says
            lab.it.follow([provider()])
            await lab.passes(2 * EVERY)
            assert lab.told()["up"] is up
            assert list(lab.it.up()) == [("alpha", up)]
            assert (lab.counted[0][1] == "ok") is up

    played(main())


@lab
async def test_silence_is_waited_for_no_longer_than_the_interval(lab):
    lab.says = "silence"
    lab.it.follow([provider(every=4.0)])
    await lab.passes(60)
    assert (lab.most, lab.told()["why"]) == (1, "it said nothing within 4 s")
    assert lab.counted[0] == ("alpha", "timeout")


@lab
async def test_what_this_machine_lacks_means_nothing(lab):
    alpha = provider()
    lab.says = Exhausted("no more open files: raise the limit")
    state = lab.opened(alpha)
    lab.it.follow([alpha])
    await lab.passes(31)
    assert state.breaker.state(lab.clock.now()) is State.PROBE
    assert lab.told()["up"] is None
    assert lab.changes == []
    assert list(lab.it.up()) == []


@lab
async def test_a_provider_whose_keys_may_not_be_used_is_not_asked(lab):
    alpha = provider()
    pool = lab.registry.keys(alpha)
    pool.disable(pool.choose(lab.clock.now()), lab.clock.now(), "quota")
    lab.it.follow([alpha])
    await lab.passes(100)
    assert (lab.calls, lab.counted) == ([], [])
    assert (lab.told()["up"], lab.told()["why"]) == (None, "none of its keys may be used now")


@lab
async def test_what_a_list_says_of_a_key_changes_nothing_for_it(lab):
    alpha = provider()
    lab.says = 401
    lab.it.follow([alpha])
    await lab.passes(100)
    [key] = lab.registry.keys(alpha).snapshot(lab.clock.now())
    assert (key.in_flight, key.off_kind, key.throttled_until) == (0, None, None)
    assert len(lab.calls) > 5


@lab
async def test_callers_own_keys_are_not_needed_for_it(lab):
    lab.it.follow([provider(keys=(), client_key=True)])
    await lab.passes(EVERY)
    assert "authorization" not in dict(lab.calls[0][1].headers)


@lab
async def test_a_look_that_is_asked_to_wait_waits(lab):
    lab.says = Answer(429, [("retry-after", "120")])
    lab.it.follow([provider()])
    await lab.passes(EVERY)
    before = len(lab.calls)
    await lab.passes(105)
    assert len(lab.calls) == before == 1
    await lab.passes(20)
    assert len(lab.calls) == 2


@lab
async def test_few_are_under_way_at_once_however_many_providers_there_are(lab):
    lab.says = "silence"
    lab.it.follow([provider(f"p{n}") for n in range(20)])
    await lab.passes(LONGEST_S * 2)
    assert lab.most == AT_ONCE


@lab
async def test_only_news_are_told(lab):
    lab.it.follow([provider()])
    await lab.passes(40)
    lab.says = 503
    await lab.passes(40)
    lab.says = Exhausted("no more open files")
    await lab.passes(40)
    lab.says = 200
    await lab.passes(40)
    assert lab.changes == [("alpha", False, "it answered 503"), ("alpha", True, "it answered 200")]


@lab
async def test_the_state_tells_the_last_look_and_the_next(lab):
    lab.it.follow([provider()])
    assert lab.told() == {
        "interval_s": EVERY, "asked_because": None, "up": None, "why": None, "ms": None, "ago_s": None,
        "next_in_s": lab.told()["next_in_s"],
    }  # fmt: skip
    await lab.passes(0.1)
    await lab.passes(lab.told()["next_in_s"] + 2)
    told = lab.told()
    assert (told["asked_because"], told["up"], told["why"], told["ms"]) == ("idle", True, "it answered 200", 0.0)
    assert 1.8 <= told["ago_s"] <= 2.1
    assert 6.9 <= told["next_in_s"] <= 9.2


@lab
async def test_a_look_that_fails_in_an_unforeseen_way_is_told_once_and_the_next_is_made_all_the_same(lab):
    lab.says = ZeroDivisionError("with a canary in it")
    lab.it.follow([provider()])
    await lab.passes(3 * EVERY)
    assert len(lab.calls) >= 2
    assert lab.failures == [ZeroDivisionError]
    told = lab.told()
    assert (told["up"], told["why"]) == (None, "internal error: ZeroDivisionError; please report it")
    assert lab.changes == []
    lab.says = 200
    await lab.passes(1.2 * EVERY)
    assert lab.told()["up"] is True
    lab.says = ZeroDivisionError("again")
    await lab.passes(1.2 * EVERY)
    assert lab.failures == [ZeroDivisionError] * 2, "it was well meanwhile"
