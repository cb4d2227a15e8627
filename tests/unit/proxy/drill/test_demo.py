"""The story of the demo: its table, its phases, its verdict. A scripted provider plays the proxy here."""

import io
import itertools
import json
from contextlib import asynccontextmanager

import pytest

from proxy.drill import demo
from proxy.drill import script as scripts
from proxy.drill.load import Result
from proxy.drill.provider import ScriptedProvider
from proxy.drill.wire import whole
from translators.ir import Dialect

ATTEMPTS = "alpha/demo-large;server;503;3, beta/demo-claude;ok;200;8"
HEADERS = {"x-sidestep-provider": "beta", "x-sidestep-model": "demo-claude", "x-sidestep-attempts": ATTEMPTS}


def starting(script, configs=None):
    """A start_proxy whose proxy is a scripted provider: it has no state page."""

    @asynccontextmanager
    async def start(config):
        if configs is not None:
            configs.append(config)
        async with ScriptedProvider("proxy", Dialect.OPENAI_CHAT, script) as proxy:
            yield proxy.url, proxy.url

    return start


@pytest.mark.parametrize("sdk", [False, True])
async def test_the_story_tells_every_phase_and_ends_well_when_the_client_saw_no_error(sdk):
    out = io.StringIO()
    code = await demo.run(starting(scripts.ok(headers=HEADERS)), out, rate=100, seconds_per_phase=0.1, sdk=sdk)
    lines = out.getvalue().splitlines()
    assert code == 0
    assert lines[0].startswith("Client: the openai SDK" if sdk else "Client: Sidestep's own")
    assert [line[3:] for line in lines if line.startswith("-- ")] == [title for title, _ in demo.PHASES]
    kinds = {kind for kind in ("unary", "stream", "tools", "embeddings") for line in lines if f"({kind})" in line}
    assert kinds == {"unary", "stream", "tools", "embeddings"}
    assert any("beta/demo-claude" in line and "alpha server > beta ok" in line for line in lines)
    assert "0 errors" in lines[-2]


async def test_one_error_seen_by_the_client_is_a_failure():
    out = io.StringIO()
    script = scripts.ok().times(3).then(scripts.truncated()).then(scripts.status(500)).then(scripts.ok())
    code = await demo.run(starting(script), out, rate=100, seconds_per_phase=0.1, sdk=False)
    assert code == 1
    assert "error: status 500" in out.getvalue()


async def test_the_primary_fails_in_each_way_while_the_load_runs():
    heard = []

    class Watched(ScriptedProvider):
        @property
        def script(self):
            return super().script

        @script.setter
        def script(self, script):
            heard.append(str(script))
            ScriptedProvider.script.fset(self, script)

    async with Watched("alpha", Dialect.OPENAI_CHAT) as alpha:
        show = demo._Show(_answered, dict.fromkeys(demo.KINDS, 0.0), alpha.url, io.StringIO(), demo.CLOCK)
        await show.play(alpha, rate=100, seconds_per_phase=0.02)
    assert heard == ["ok", "status 503", "silence", "overloaded event", "cut before commit", "ok"]


async def _answered(kind):
    return Result(ok=True)


async def test_the_configuration_names_a_chain_for_chat_and_one_for_embeddings():
    configs = []
    await demo.run(starting(scripts.ok(), configs), io.StringIO(), rate=50, seconds_per_phase=0.02, sdk=False)
    (config,) = configs
    assert config.demo
    assert [(step.provider, step.model) for step in config.models["demo-large"].chain] == [
        ("alpha", "demo-large"),
        ("beta", "demo-claude"),
    ]
    assert [step.provider for step in config.embeddings["demo-embed"].chain] == ["alpha", "gamma"]
    assert [one.dialect for one in config.providers.values()] == [
        Dialect.OPENAI_CHAT,
        Dialect.ANTHROPIC_MESSAGES,
        Dialect.OPENAI_CHAT,
    ]
    assert all(one.demo and one.base_url.endswith("/v1") for one in config.providers.values())


def test_a_row_tells_who_answered_after_what_and_at_what_cost():
    line = demo.row(1.25, "unary", Result(ok=True, headers=HEADERS), 12.54, "OPEN")
    told = "1.2s demo-large (unary) beta/demo-claude alpha server > beta ok 12.5 ms OPEN"
    assert line.split() == told.split(" ")


def test_attempts_at_the_same_target_are_told_once_with_their_number():
    headers = {**HEADERS, "x-sidestep-attempts": "a/m;server;503;1, a/m;server;503;1, b/m;ok;200;1"}
    assert "  a server x2 > b ok  " in demo.row(0.0, "unary", Result(ok=True, headers=headers), 0.0, "-")


def test_of_a_stream_the_time_to_the_first_token_counts():
    assert demo.answer_s(Result(ok=True, seconds=9.0, first_token_s=0.010)) == 0.010
    assert demo.answer_s(Result(ok=True, seconds=9.0)) == 9.0


async def test_the_usual_time_is_the_median_so_that_a_slow_first_call_does_not_count():
    times = itertools.cycle([5.0, 0.1, 0.1, 0.2, 0.1])

    async def ask(kind):
        return Result(ok=True, seconds=next(times))

    assert set((await demo.usual_s(ask)).values()) == {0.1}


@pytest.mark.parametrize("told", ["", "nonsense", "a;b", "+3"])
def test_attempts_that_cannot_be_read_are_none(told):
    assert demo.attempts(Result(ok=True, headers={"x-sidestep-attempts": told})) == []


def test_an_error_row_says_what_was_seen():
    line = demo.row(0.0, "embeddings", Result(ok=False, error="status 503: no"), 0.0, "-")
    assert "demo-embed (embeddings)" in line
    assert "ERROR" in line
    assert "status 503: no" in line


async def test_a_breakers_state_that_cannot_be_read_is_told_as_such():
    assert await demo.breaker_state("http://127.0.0.1:1", "alpha/demo-large") == "-"


async def test_the_breakers_state_is_read_from_the_state_page(monkeypatch):
    page = {
        "targets": [{"target": "a/x", "breaker": {"state": "OPEN"}}, {"target": "b/x", "breaker": {"state": "RAMP"}}]
    }
    monkeypatch.setattr(ScriptedProvider, "_listed", lambda _, path: [whole(200, [], json.dumps(page).encode())])
    async with ScriptedProvider("admin", Dialect.OPENAI_CHAT) as admin:
        assert await demo.breaker_state(admin.url, "b/x") == "RAMP"
        assert await demo.breaker_state(admin.url, "c/x") == "-"


def test_the_summary_counts_errors_once_each_with_their_number():
    tally = demo.Tally()
    for result in (Result(ok=True, headers=HEADERS, seconds=1.0), *[Result(ok=False, error="broke")] * 2):
        tally.add(result, 992.0)
    assert tally.summary() == [
        "3 requests, 1 of them failed over, 2 errors. Served by beta/demo-claude 1.",
        "Added latency: 992.0 ms median, 992 ms at most.",
        "error: broke (seen 2 times)",
    ]
