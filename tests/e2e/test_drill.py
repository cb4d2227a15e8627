"""Every fault of `sidestep drill`, offline, on real sockets; and chains that must be found broken.

The loop's clock jumps over the waiting (`tests.virtual`): half a minute of a fault takes no longer than its requests.
"""

import io
from contextlib import asynccontextmanager
from functools import partial

import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.profiles import vendors
from proxy.config.values import Config, ModelRoute, Provider, Step, TimeoutSettings
from proxy.drill.exercise.asking import KINDS
from proxy.drill.exercise.choice import choose
from proxy.drill.exercise.matrix import matrix
from proxy.drill.exercise.menu import CASES
from proxy.server import serving
from tests import virtual
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


def drilled(config, *faults, kinds=KINDS, **more):
    """The cells of these faults, by fault and kind; each fault lasts half a minute, and all are played side by side."""
    cases = [CASES[fault] for fault in faults]
    choice = choose(config, None)

    async def all_of_them():
        clock = virtual.VirtualClock()

        @asynccontextmanager
        async def start(config, engine_for):
            built = partial(build, log=io.BytesIO(), engine_for=engine_for)
            async with serving(config, built, clock=clock) as running:
                yield running.data_url, running.app.state

        return await matrix(start, config, choice, rate=1, seconds=30, offline=True, clock=clock, cases=cases, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.drill.exercise.matrix.KINDS", kinds)
        patch.setattr("proxy.drill.exercise.matrix.SIDE_BY_SIDE", 100)
        patch.setattr("proxy.drill.exercise.run.LOOK_S", 0.25)
        return {(cell.case.name, cell.kind): cell for cell in virtual.played(all_of_them())}


@pytest.fixture(scope="module")
def cells():
    return drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES), *CASES)


@pytest.mark.parametrize("kind", ["unary", "stream"])
@pytest.mark.parametrize("fault", CASES)
def test_a_chain_of_two_holds_under_every_fault(cells, fault, kind):
    """No client error, nothing passed off as whole, the target left alone and, but for its key, back."""
    found = cells[fault, kind].found
    assert found.why == ()
    assert (found.errors, found.short) == ({}, 0)
    assert (found.out_s is None) == (fault == "slow")
    assert (found.back_s is None) == (fault in {"quota", "auth"})
    assert ("p1/claude" in found.served) == (fault != "slow")
    assert (found.told > 0) == (kind == "stream" and fault in BREAKS)


def test_a_silent_target_costs_a_request_its_timeout_and_a_loud_one_its_pauses(cells):
    for fault in ("timeout", "stall"):
        assert cells[fault, "unary"].found.added_p99_ms == pytest.approx(6_000)
    assert cells["500", "unary"].found.added_p99_ms <= 1_500
    assert cells["auth", "unary"].found.added_p99_ms == 0


def pair(**alpha):
    """A chain of two whose head has these settings."""
    config = chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI)
    head = structs.replace(config.providers["p0"], **alpha)
    return structs.replace(config, providers={**config.providers, "p0": head})


def test_a_chain_holds_for_clients_whose_timeout_is_shorter_than_its_own():
    """A silent head opens its breaker, though each of its calls is cut short for the client's sake."""
    found = drilled(pair(), "timeout", client_s=20)
    assert {at: (cell.found.why, cell.found.left) for at, cell in found.items()} == dict.fromkeys(found, ((), 0))


def test_it_does_not_where_waits_that_were_cut_short_do_not_add_up(monkeypatch):
    monkeypatch.setattr("proxy.resilience.silence.Silence.add", lambda *_: False)
    found = drilled(pair(), "timeout", kinds=("stream",), client_s=20)["timeout", "stream"].found
    [why] = found.why
    assert why.endswith(" times while it failed and was never left alone")


def test_clients_that_leave_a_silent_stream_are_errors_until_the_proxy_is_the_quicker():
    """Half a minute of silence is more than twenty seconds; 15 s are less."""
    found = drilled(pair(), "stall", kinds=("stream",), client_s=20)["stall", "stream"].found
    assert (found.held, found.told, found.left) == (False, 0, sum(found.errors.values()))
    assert found.change.startswith("set progress_s of p0/large from 30 to at most 19")
    assert found.back_s is not None, "its breaker saw to it that they were few"
    quicker = pair(timeouts=TimeoutSettings(progress_s=15))
    found = drilled(quicker, "stall", kinds=("stream",), client_s=20)["stall", "stream"].found
    assert (found.why, found.left, found.told > 0) == ((), 0, True)


DIALECTS = [Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_target_of_any_dialect_can_be_drilled(dialect):
    found = drilled(chain_of(dialect, Dialect.OPENAI_CHAT), "429", "quota", "truncate")
    assert {at: cell.found.why for at, cell in found.items() if not cell.found.held} == {}
    assert found["quota", "stream"].found.calls >= 1


def test_a_chain_of_one_does_not_hold_and_says_that_it_is_alone():
    found = drilled(chain_of(Dialect.OPENAI_CHAT), "503", "cut", "slow")
    for at in (("503", "unary"), ("503", "stream"), ("cut", "unary")):
        assert "p0/large is alone in its chain" in found[at].found.why[0]
    assert not found["cut", "stream"].found.held
    assert found["slow", "unary"].found.held


def test_a_breaker_that_never_opens_is_found_out_though_no_client_saw_an_error(monkeypatch):
    monkeypatch.setattr("proxy.resilience.breaker.Breaker._open", lambda *_: None)
    found = drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "503")["503", "unary"].found
    assert found.errors == {}
    assert [why.rpartition(" times")[2] for why in found.why] == [" while it failed and was never left alone"]


def test_a_failover_that_never_fires_is_found_out(monkeypatch):
    monkeypatch.setattr("proxy.chain.walk.onward", lambda *_, **__: False)
    found = drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "503")["503", "stream"].found
    assert "though another target is in the chain" in found.why[0]


def test_a_stream_that_is_dressed_up_as_whole_is_found_out(monkeypatch):
    """As a proxy does that takes the end of the bytes for the end of the answer."""
    from proxy.chain.engagement import Engagement

    async def dressed_up(self, _fault, _notice):
        await self._exchange.out.write(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
        await self._exchange.out.write(b"data: [DONE]\n\n")
        await self._exchange.out.finish()

    monkeypatch.setattr(Engagement, "_tell_broken", dressed_up)
    found = drilled(chain_of(Dialect.OPENAI_CHAT, Dialect.GEMINI), "truncate")["truncate", "stream"].found
    assert found.short > 0
    assert any("passed off as the whole" in why for why in found.why)
