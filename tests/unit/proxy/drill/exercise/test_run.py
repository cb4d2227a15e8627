"""One exercise with a real proxy on real sockets: the fault comes, the fault goes, and all of it is noted."""

import asyncio

import pytest
from msgspec import structs

from proxy.clock import SystemClock
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.judging import judge
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.pace import pace
from proxy.drill.exercise.run import exercise
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import status
from translators.ir import Dialect


@pytest.fixture
def play(start):
    """`await play(config)`: an exercise of three quarters of a second of 503s."""

    async def played(config, fault="503", *, kinds=("unary", "stream"), offline=True, name=None, seconds=0.75):
        choice = choose(config, name)
        at = pace(choice.target, CASES[fault], rate=20, seconds=seconds, offline=offline)
        return await exercise(
            start, config, choice, CASES[fault], at, kinds=kinds, offline=offline, clock=SystemClock()
        )

    return played


async def test_the_target_fails_is_left_alone_and_comes_back(play, chain):
    seen = await play(chain())
    found = judge(seen)
    assert found.why == ()
    assert set(found.served) == {"alpha/large", "beta/claude"}
    assert {one.kind for one in seen.outcomes} == {"unary", "stream"}
    signs = "".join(sign for _, sign in seen.timeline.changes["alpha/large"])
    assert signs[0] == signs[-1] == "."
    assert "X" in signs and "?" in signs
    assert seen.began < seen.failed_at < seen.healed_at < seen.ended
    assert seen.calls >= 5


async def test_one_kind_alone_can_be_asked(play, chain):
    seen = await play(chain(), kinds=("stream",), fault="auth")
    assert {one.kind for one in seen.outcomes} == {"stream"}
    assert judge(seen).held


async def test_a_target_that_never_comes_back_is_not_waited_for_for_ever(play, chain, monkeypatch):
    monkeypatch.setattr("proxy.resilience.breaker.Breaker._answered", lambda *_: None)
    found = judge(await play(chain(), seconds=0.3))
    assert not found.held
    assert "was not back" in found.why[0]


async def test_real_providers_serve_all_calls_but_those_that_meet_the_fault(play, chain):
    """Before and after it the target itself, meanwhile the other one."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES) as beta,
    ):
        config = chain(base_url=alpha.base_url)
        other = structs.replace(config.providers["beta"], base_url=beta.base_url)
        config = structs.replace(config, providers={**config.providers, "beta": other})
        found = judge(await play(config, offline=False))
        assert found.why == ()
        assert found.served == {"alpha/large": alpha.request_count, "beta/claude": beta.request_count}


async def test_a_real_provider_that_does_not_answer_well_is_told_apart_from_the_fault(play, chain):
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT, status(401)) as alpha:
        found = judge(await play(chain(alone=True, base_url=alpha.base_url), offline=False))
    assert "before the fault: the chain does not serve when all is well" in found.why[0]


async def test_nothing_of_an_exercise_is_left_when_it_ends(play, chain):
    before = asyncio.all_tasks()
    await play(chain(), fault="refuse")
    assert asyncio.all_tasks() - before == set()
