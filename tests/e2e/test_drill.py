"""Every fault of `sidestep drill`, offline and time-scaled, on real sockets; and chains that must be found broken."""

import io
from contextlib import asynccontextmanager
from functools import partial

import pytest

from proxy.app import build
from proxy.clock import SystemClock
from proxy.config.profiles import vendors
from proxy.config.values import Config, ModelRoute, Provider, Step
from proxy.drill.exercise import matrix as played
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.matrix import matrix
from proxy.drill.exercise.menu import CASES
from proxy.server import serving
from translators.ir import Dialect

vendors()  # read before a loop runs, as the command does

BREAKS = {"stall", "cut", "truncate"}
MODELS = {
    Dialect.OPENAI_CHAT: "large",
    Dialect.OPENAI_RESPONSES: "reasoner",
    Dialect.ANTHROPIC_MESSAGES: "claude",
    Dialect.GEMINI: "gem",
}


def chain_of(*dialects):
    """A chain of providers `p0`, `p1`, ... of these dialects, at addresses of nobody, with every default."""
    providers = {
        f"p{place}": Provider(f"p{place}", dialect, "https://p.example/v1") for place, dialect in enumerate(dialects)
    }
    steps = tuple(Step(f"p{place}", MODELS[dialect]) for place, dialect in enumerate(dialects))
    return Config(providers, {"gpt": ModelRoute("gpt", steps)})


@asynccontextmanager
async def start(config, engine_for):
    async with serving(config, partial(build, log=io.BytesIO(), engine_for=engine_for)) as running:
        yield running.data_url, running.app.state


async def drilled(config, *faults, side_by_side=8):
    """The cells of these faults, by fault and kind; each fault lasts a second."""
    cases = [CASES[fault] for fault in faults]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(played, "SIDE_BY_SIDE", side_by_side)
        cells = await matrix(
            start, config, choose(config, None), rate=12, seconds=1, offline=True, clock=SystemClock(), cases=cases
        )
    return {(cell.case.name, cell.kind): cell for cell in cells}


@pytest.fixture(scope="module")
async def cells():
    return await drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES), *CASES)


@pytest.mark.parametrize("kind", ["unary", "stream"])
@pytest.mark.parametrize("fault", CASES)
async def test_a_chain_of_two_holds_under_every_fault(cells, fault, kind):
    """No client error, nothing passed off as whole, the target left alone and, but for its key, back."""
    found = cells[fault, kind].found
    assert found.why == ()
    assert (found.errors, found.short) == ({}, 0)
    assert (found.out_s is None) == (fault == "slow")
    assert (found.back_s is None) == (fault in {"quota", "auth"})
    assert ("p1/claude" in found.served) == (fault != "slow")
    assert (found.told > 0) == (kind == "stream" and fault in BREAKS)


async def test_a_silent_target_costs_a_request_its_timeout_and_a_loud_one_its_pauses(cells):
    for fault in ("timeout", "stall"):
        assert cells[fault, "unary"].found.added_p99_ms >= 450
    assert cells["auth", "unary"].found.added_p99_ms < 450


DIALECTS = [Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_target_of_any_dialect_can_be_drilled(dialect):
    found = await drilled(chain_of(dialect, Dialect.OPENAI_CHAT), "429", "quota", "truncate", side_by_side=6)
    assert {at: cell.found.why for at, cell in found.items() if not cell.found.held} == {}
    assert found["quota", "stream"].found.calls >= 1


async def test_a_chain_of_one_does_not_hold_and_says_that_it_is_alone():
    found = await drilled(chain_of(Dialect.OPENAI_CHAT), "503", "cut", "slow")
    for at in (("503", "unary"), ("503", "stream"), ("cut", "unary")):
        assert "p0/large is alone in its chain" in found[at].found.why[0]
    assert not found["cut", "stream"].found.held
    assert found["slow", "unary"].found.held


async def test_a_breaker_that_never_opens_is_found_out_though_no_client_saw_an_error(monkeypatch):
    monkeypatch.setattr("proxy.resilience.breaker.Breaker._open", lambda *_: None)
    found = (await drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "503"))["503", "unary"].found
    assert found.errors == {}
    assert [why.rpartition(" times")[2] for why in found.why] == [" while it failed and was never left alone"]


async def test_a_failover_that_never_fires_is_found_out(monkeypatch):
    monkeypatch.setattr("proxy.chain.walk.onward", lambda *_, **__: False)
    found = (await drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "503"))["503", "stream"].found
    assert "though another target is in the chain" in found.why[0]


async def test_a_stream_that_is_dressed_up_as_whole_is_found_out(monkeypatch):
    """As a proxy does that takes the end of the bytes for the end of the answer."""
    from proxy.chain.engagement import Engagement

    async def dressed_up(self, broken):
        await self._exchange.out.write(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
        await self._exchange.out.write(b"data: [DONE]\n\n")
        await self._exchange.out.finish()

    monkeypatch.setattr(Engagement, "_tell_broken", dressed_up)
    found = (await drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "truncate"))["truncate", "stream"].found
    assert found.short > 0
    assert any("passed off as the whole" in why for why in found.why)
