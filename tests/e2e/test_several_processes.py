"""Two processes on one port: both serve, each tells of itself, and when one ends the other goes on."""

import signal
from contextlib import AsyncExitStack

import pytest

from proxy.drill.provider import ScriptedProvider
from tests.e2e.process import models, provider, serving
from translators.ir import Dialect

ASKED = 24
"""The kernel deals connections out by their hash: that all go to one of two is one chance in 2^23."""
SERVED = 'sidestep_request_seconds_count{route="chat"}'


@pytest.fixture
async def config(tmp_path):
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha:
        path = tmp_path / "config.toml"
        path.write_text("\n".join([provider(alpha), models(m="alpha/demo-large")]))
        yield path


async def test_several_processes_share_a_port_and_one_may_end(config):
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(serving(config, "--reuse-port"))
        port = first.url.removesuffix("/v1").rpartition(":")[2]
        second = await stack.enter_async_context(serving(config, "--reuse-port", ports=(port, "127.0.0.1:0")))
        assert (first.url, first.admin != second.admin) == (second.url, True)
        answers = [await first.ask() for _ in range(ASKED)]
        assert {one.status for one in answers} == {200}
        served = [await process.metric(SERVED) for process in (first, second)]
        assert sum(served) == ASKED and min(served) > 0, served
        first.signal(signal.SIGTERM)
        assert await first.ended() == 0
        assert {(await second.ask()).status for _ in range(ASKED)} == {200}
