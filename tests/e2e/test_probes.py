"""Looks at providers by a real process: what they delay, who is looked at after a reload, and how they end."""

import asyncio
import os
import re
import signal
import sys

import pytest

from proxy.drill import script
from proxy.drill.provider import ScriptedProvider
from tests.e2e.process import ENTRY, PATIENCE_S, ROOT, Stream, models, provider, serving
from translators.ir import Dialect

EVERY = "{active = true, interval_s = 1}"
OPEN_S = 3.0
HEAD = (
    f"[server]\ndrain_s = 5\n[retry]\nattempts_per_target = 1\n[breaker]\nopen_s = {OPEN_S}\nconsecutive_failures = 1"
)
CHAIN = models(m="alpha/large beta/claude", solo="beta/claude")


@pytest.fixture
async def providers():
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES) as beta,
    ):
        yield alpha, beta


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config.toml"


def text(alpha, beta, *, health=EVERY):
    return "\n".join([HEAD, provider(alpha, health=health), provider(beta), CHAIN])


def looks(scripted):
    """Calls that nobody's request made."""
    return [one for one in scripted.requests if one.method == "GET"]


async def seen(process, true):
    """The state, once `true` of it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state = await process.state()
            if true(state):
                return state


def breaker(state):
    return next(one["breaker"] for one in state["targets"] if one["target"] == "alpha/large")


async def health_command(process, *words):
    done = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENTRY, "health", "--admin", process.admin, *words),
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await done.communicate()
    assert (done.returncode, err) == (0, b"")
    return out.decode()


async def test_a_provider_that_is_down_keeps_its_breaker_open_until_it_is_found_up_and_requests_do_the_rest(
    config, providers
):
    alpha, beta = providers
    config.write_text(text(alpha, beta))
    async with serving(config) as process:
        client = await Stream.begun(process, "chat")
        await client.end()
        alpha.script = script.refuse()
        assert (await process.ask()).status == 200, "beta answers"
        opened_at = asyncio.get_running_loop().time()
        down = await process.told("probe")
        assert (down["provider"], down["up"], down["reason"]) == (
            "alpha", False, "it could not be reached: Connection refused",
        )  # fmt: skip
        while asyncio.get_running_loop().time() < opened_at + 1.2 * OPEN_S:
            state = await process.state()
            assert breaker(state)["state"] == "OPEN"
        assert state["probes"]["alpha"]["asked_because"] == "open"
        told = await health_command(process)
        assert re.search(r"alpha/large +50\.0% +2 +1 connect +\d", told)
        assert "  alpha  down  it could not be reached: Connection refused, " in told
        asked = alpha.request_count
        alpha.script = script.ok()
        state = await seen(process, lambda state: breaker(state)["state"] != "OPEN")
        assert breaker(state)["state"] == "PROBE", "no look closes a breaker"
        assert (await process.told("probe", 2))["up"] is True
        assert [one.method for one in alpha.requests][asked:] == ["GET"] * (alpha.request_count - asked), "nobody else"
        for _ in range(2):
            assert (await process.ask()).headers["x-sidestep-provider"] == "alpha"
        assert breaker(await process.state())["state"] == "RAMP"
        assert looks(beta) == []


async def test_a_reload_changes_who_is_looked_at_and_a_look_under_way_is_broken_off(config, providers):
    alpha, beta = providers
    config.write_text(text(alpha, beta, health="{}"))
    async with serving(config) as process:
        assert (await process.state())["probes"] == {}
        assert (await process.reloaded(text(alpha, beta)))["applied"]
        await asyncio.wait_for(alpha.wait_for_requests(1), PATIENCE_S)
        state = await seen(process, lambda state: state["probes"]["alpha"]["up"])
        assert state["probes"]["alpha"]["asked_because"] == "idle"
        assert (await process.reloaded(text(alpha, beta, health="{active = false}")))["applied"]
        assert (await process.state())["probes"] == {}
        assert "sidestep_probe_up{" not in (await process.page("/metrics")).decode()


async def test_sigterm_does_not_wait_for_a_look(config, providers):
    """A server that takes connections and never answers."""
    _, beta = providers
    accepted = asyncio.Event()
    gone = asyncio.Event()

    async def silent(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        accepted.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        block = f'[providers.alpha]\ndialect = "openai-chat"\nbase_url = "http://127.0.0.1:{port}/v1"\nkeys = []\n'
        often = "health = {active = true, interval_s = 5}"
        config.write_text("\n".join([HEAD, block + often, provider(beta), CHAIN]))
        async with serving(config) as process:
            await asyncio.wait_for(accepted.wait(), PATIENCE_S)
            loop = asyncio.get_running_loop()
            asked_at = loop.time()
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0
            assert loop.time() - asked_at < 3.0
            await asyncio.wait_for(gone.wait(), PATIENCE_S)
