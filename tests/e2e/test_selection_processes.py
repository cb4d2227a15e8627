"""A strategy that is switched while several processes share a port and a ledger, and their restart after it."""

from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest

from proxy.drill.provider import ScriptedProvider
from tests.e2e.process import models, provider, serving
from translators.ir import Dialect

SETTINGS, PERFORMANCE = "/api/v1/models/settings", "/api/v1/models/performance"
ASKED = 24
"""The kernel deals connections out by their hash: that all go to one of two is one chance in 2^23."""
CHOOSING = """
[selection]
strategy = "cheap"
[strategies.cheap]
default = "alpha/small"
[strategies.good]
default = "alpha/large"
"""


@pytest.fixture
async def two(tmp_path):
    """`async with two() as (first, second)`: two processes on one port, with one ledger and one state folder."""
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha:
        path = tmp_path / "config.toml"
        ledger = f'[ledger]\nurl = "sqlite:///{tmp_path}/ledger.db"'
        path.write_text("\n".join([CHOOSING, ledger, provider(alpha), models(m="alpha/large")]))
        env = {"SIDESTEP_STATE_DIR": str(tmp_path / "state")}

        @asynccontextmanager
        async def started():
            async with AsyncExitStack() as stack:
                first = await stack.enter_async_context(serving(path, "--reuse-port", **env))
                ports = first.url.removesuffix("/v1").rpartition(":")[2], "127.0.0.1:0"
                yield first, await stack.enter_async_context(serving(path, "--reuse-port", ports=ports, **env))

        yield started


async def answered(process):
    return [(await process.ask("auto")).headers["x-sidestep-model"] for _ in range(ASKED)]


async def test_a_switch_at_one_process_is_what_all_begin_with_after_a_restart(two):
    """Until then it counts at the one that was asked. What each served is in the one ledger, and told by both."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        async with two() as (first, second):
            assert set(await answered(first)) == {"small"}
            told = await http.put(first.admin + SETTINGS, json={"strategy": "good"})
            assert (told.status_code, told.json()["current_strategy"]) == (200, "good")
            assert (await http.get(second.admin + SETTINGS)).json()["current_strategy"] == "cheap"
            assert set(await answered(first)) == {"small", "large"}
            for one in (first, second):
                one.child.terminate()
                assert await one.ended() == 0
        async with two() as (first, second):
            assert set(await answered(first)) == {"large"}
            for one in (first, second):
                assert (await http.get(one.admin + SETTINGS)).json()["current_strategy"] == "good"
                told = (await http.get(one.admin + PERFORMANCE)).json()["models"]
                assert sum(row["total_generations"] for row in told) >= 2 * ASKED
