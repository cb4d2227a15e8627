"""The way down of a real process: open streams end or are told, a second signal is obeyed at once, and nothing that a
killed one leaves stands in the way of the next."""

import asyncio
import signal
import sqlite3
from contextlib import AsyncExitStack, closing
from decimal import Decimal

import pytest

from proxy.config.spending import NANOS
from proxy.drill import script
from proxy.drill.provider import ScriptedProvider
from tests.e2e.process import ASKING, PATIENCE_S, Stream, models, provider, serving
from translators.ir import Dialect

STREAMS = 100
DRAIN_S = 1.0


@pytest.fixture
async def providers():
    """alpha's streams go on until it is released, beta's end by themselves after a moment."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, script.hold(after=2)) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, script.ok(deltas=10, every_s=0.05)) as beta,
    ):
        yield alpha, beta


@pytest.fixture
def config(tmp_path, providers):
    path = tmp_path / "config.toml"
    chains = models(held="alpha/demo-large", ends="beta/demo-claude", m="beta/demo-claude")
    path.write_text("\n".join([f"[server]\ndrain_s = {DRAIN_S}", *map(provider, providers), chains]))
    return path


async def streams(process, count):
    """In turn of every dialect, and of both providers."""
    kinds = [(dialect, model) for model in ("held", "ends") for dialect in ASKING]
    asked = [kinds[place % len(kinds)] for place in range(count)]
    return await asyncio.gather(*(Stream.begun(process, dialect, model) for dialect, model in asked))


async def test_on_sigterm_each_of_a_hundred_streams_ends_or_is_told_and_the_process_ends_well(config, providers):
    """Those whose provider goes on are told in the client's own dialect once the drain is over, and cut."""
    alpha, _ = providers
    loop = asyncio.get_running_loop()
    async with serving(config) as process:
        clients = await streams(process, STREAMS)
        assert (await process.state())["in_flight"] >= STREAMS / 2
        asked_at = loop.time()
        process.signal(signal.SIGTERM)
        code = await process.ended()
        took = loop.time() - asked_at
        await asyncio.gather(*(client.end() for client in clients))
        assert code == 0
        assert DRAIN_S <= took < DRAIN_S + 2.0
        complete, told = ([client for client in clients if getattr(client, which)] for which in ("complete", "told"))
        assert len(complete) + len(told) == STREAMS
        assert {client.dialect for client in complete} == {client.dialect for client in told} == set(ASKING)
        await asyncio.wait_for(alpha.wait_for_cancelled(len(told)), PATIENCE_S)
    lines = [line for line in process.log if line["event"] == "exchange"]
    assert len(lines) == STREAMS, "every exchange is told of before the end"
    assert {(line["kind"], line["code"]) for line in lines} == {(None, None), ("shed", "overloaded")}


SPENDING = """
[[budgets]]
name = "all"
unit = "usd"
amount = 1000
window = "month"
[prices."alpha/demo-large"]
input = 1
output = 10
[prices."beta/demo-claude"]
input = 1
output = 10
[ledger]
url = "sqlite:///{ledger}"
"""


async def test_on_sigterm_each_of_a_hundred_streams_is_settled(config, providers, tmp_path):
    """What it cost is recorded, at its bound where nobody says, and all else that was reserved for it is given back."""
    ledger = tmp_path / "ledger.db"
    config.write_text(config.read_text() + SPENDING.replace("{ledger}", str(ledger)))
    async with serving(config) as process:
        clients = await streams(process, STREAMS)
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0
        await asyncio.gather(*(client.end() for client in clients))
        assert all(client.complete or client.told for client in clients)
    costs = [Decimal(str(line["cost_usd"])) for line in process.log if line["event"] == "exchange"]
    assert len(costs) == STREAMS and all(costs), "a stream that was cut is not free"
    with closing(sqlite3.connect(ledger)) as file:
        [(granted, returned, spent)] = file.execute("SELECT granted, returned, spent FROM counts").fetchall()
        [(records, recorded)] = file.execute("SELECT count(*), sum(cost) FROM usage_records").fetchall()
    assert granted - returned == spent == recorded == sum(costs) * NANOS
    assert records == STREAMS


async def test_a_process_that_only_has_streams_that_end_does_not_wait_for_its_drain_to_be_over(config, providers):
    loop = asyncio.get_running_loop()
    config.write_text(config.read_text().replace(f"drain_s = {DRAIN_S}", "drain_s = 600"))
    async with serving(config) as process:
        clients = [await Stream.begun(process, dialect, "ends") for dialect in ASKING]
        process.signal(signal.SIGTERM)
        asked_at = loop.time()
        assert await process.ended() == 0
        assert loop.time() - asked_at < PATIENCE_S
        await asyncio.gather(*(client.end() for client in clients))
        assert all(client.complete for client in clients)


async def test_a_second_sigterm_ends_it_at_once_whatever_is_open(config):
    loop = asyncio.get_running_loop()
    config.write_text(config.read_text().replace(f"drain_s = {DRAIN_S}", "drain_s = 600"))
    async with serving(config) as process:
        clients = await streams(process, 16)
        process.signal(signal.SIGTERM)
        while not (await process.state())["draining"]:
            pass
        asked_at = loop.time()
        process.signal(signal.SIGTERM)
        assert await process.ended() == 128 + signal.SIGTERM
        assert loop.time() - asked_at < 1.0
        await asyncio.gather(*(client.end() for client in clients))
        assert not any(client.whole for client in clients if client.model == "held")


async def test_a_process_killed_amid_streams_leaves_nothing_that_the_next_start_cannot_read(config, providers):
    """The same ports, the same file, and nothing beside it; its clients see a cut, never a regular end."""
    async with AsyncExitStack() as stack:
        killed = await stack.enter_async_context(serving(config))
        ports = killed.url.rpartition(":")[2].removesuffix("/v1"), killed.admin.removeprefix("http://")
        clients = [client for client in await streams(killed, 32) if not client.complete]
        killed.signal(signal.SIGKILL)
        assert await killed.ended() == -signal.SIGKILL
        await asyncio.gather(*(client.end() for client in clients))
        assert not any(client.whole for client in clients)
        following = await stack.enter_async_context(serving(config, ports=ports))
        assert (following.url, following.admin) == (killed.url, killed.admin)
        assert (await following.ask()).status == 200
        assert (await following.state())["in_flight"] == 0
    assert [path.name for path in config.parent.iterdir()] == ["config.toml"]
