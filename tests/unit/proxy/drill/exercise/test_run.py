"""One exercise with a real proxy on real sockets: the fault comes, the fault goes, and all of it is noted."""

import asyncio

import pytest
from msgspec import structs

from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.judging import judge
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from proxy.drill.exercise.run import exercise
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import status
from tests import virtual
from translators.ir import Dialect


@pytest.fixture
def play(starting):
    """`await play(config)`: an exercise with half a minute of 503s."""

    async def playing(config, fault="503", *, kinds=("unary", "stream"), offline=True, seconds=30):
        choice, clock = choose(config, None), virtual.VirtualClock()
        at = pace(choice.target, CASES[fault], rate=1, seconds=seconds, offline=offline)
        case = CASES[fault]
        return await exercise(starting(clock), config, choice, case, at, kinds=kinds, offline=offline, clock=clock)

    return playing


def test_the_target_fails_is_left_alone_and_comes_back(play, chain):
    seen = virtual.played(play(chain()))
    found = judge(seen)
    assert found.why == ()
    assert set(found.served) == {"alpha/large", "beta/claude"}
    assert {one.kind for one in seen.outcomes} == {"unary", "stream"}
    signs = "".join(sign for _, sign in seen.timeline.changes["alpha/large"])
    assert signs.startswith(".X?X") and signs.endswith("9.")
    assert seen.began < seen.failed_at < seen.healed_at < seen.ended
    assert seen.calls >= 5


def test_one_kind_alone_can_be_asked(play, chain):
    seen = virtual.played(play(chain(), kinds=("stream",), fault="auth"))
    assert {one.kind for one in seen.outcomes} == {"stream"}
    assert judge(seen).held


def test_a_target_that_never_comes_back_is_not_waited_for_for_ever(play, chain, monkeypatch):
    monkeypatch.setattr("proxy.resilience.breaker.Breaker._answered", lambda *_: None)
    seen = virtual.played(play(chain()))
    assert [why.split(" s after")[0] for why in judge(seen).why] == [
        f"alpha/large was not back {seen.pace.after_s:.1f}"
    ]
    assert seen.pace.after_s <= seen.ended - seen.healed_at < seen.pace.after_s + seen.pace.before_s + 2


def test_real_providers_serve_all_calls_but_those_that_meet_the_fault(play, chain):
    """Before and after it the target itself, meanwhile the other one."""

    async def with_real_ones():
        async with (
            ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
            ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES) as beta,
        ):
            config = chain(base_url=alpha.base_url)
            other = structs.replace(config.providers["beta"], base_url=beta.base_url)
            config = structs.replace(config, providers={**config.providers, "beta": other})
            return await play(config, offline=False), alpha.request_count, beta.request_count

    seen, alpha, beta = virtual.played(with_real_ones())
    assert judge(seen).why == ()
    assert judge(seen).served == {"alpha/large": alpha, "beta/claude": beta}


def test_a_chain_that_does_not_serve_when_all_is_well_is_drilled_no_further(play, chain):
    """With real providers every request may cost something."""

    async def with_a_wrong_key():
        async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, status(401)) as alpha:
            return await play(chain(alone=True, base_url=alpha.base_url), offline=False)

    seen = virtual.played(with_a_wrong_key())
    assert [why.partition(": ")[2] for why in judge(seen).why] == ["the chain does not serve when all is well"]
    assert seen.calls == 0
    assert seen.ended == seen.failed_at


def test_nothing_of_an_exercise_is_left_when_it_ends(play, chain):
    async def counted():
        before = asyncio.all_tasks()
        await play(chain(), fault="refuse")
        return asyncio.all_tasks() - before

    assert virtual.played(counted()) == set()
