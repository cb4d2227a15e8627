"""How spans reach their collector, and what becomes of them and of requests where it is slow, rude or not there."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import httpx2
import pytest

from proxy.config.values import ServerSettings, TelemetrySettings
from proxy.upstream import collector as sending
from tests.e2e.collector import Collected

ROOT = Path(__file__).parents[2]
HELLO = {"model": "duo", "messages": [{"role": "user", "content": "hello"}]}
SERVE = "import sys; from proxy.cli import main; sys.exit(main())"


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(sending, "INTERVAL_S", 0.02)
    monkeypatch.setattr(sending, "PAUSE_S", 0.02)


@pytest.fixture
async def collector():
    async with Collected() as made:
        yield made


@pytest.fixture
def traced(make_world, configured):
    def make(url):
        return make_world(lambda *all_: configured(*all_, telemetry=TelemetrySettings(otlp=url + "/v1/traces")))

    return make


async def ask(world):
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        assert (await client.post(world.url + "/chat/completions", json=HELLO)).status_code == 200


async def lost(world):
    async with httpx2.AsyncClient(trust_env=False) as client:
        page = (await client.get(world.admin + "/metrics")).text
    return float(re.search(r"(?m)^sidestep_spans_dropped_total (.+)$", page)[1])


async def until_lost(world, count):
    async with asyncio.timeout(10):
        while await lost(world) < count:
            pass
    assert await lost(world) == count


async def test_what_a_busy_collector_does_not_take_is_sent_again_and_arrives_once(traced, at_once, collector):
    collector.answers = [(503, {}), (429, {"retry-after-ms": "20"}), (502, {}), (504, {})]
    async with traced(collector.url) as world:
        await ask(world)
        await collector.spans(2)
        assert len(set(collector.bodies)) == 1 and len(collector.bodies) == 5
        assert await lost(world) == 0
    assert not collector.taken


async def test_the_other_engine_sends_them_too(make_world, configured, at_once, collector):
    server = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2, engine="httpx2")
    telemetry = TelemetrySettings(otlp=collector.url + "/v1/traces")
    collector.answers = [(503, {})]
    async with make_world(lambda *all_: configured(*all_, server=server, telemetry=telemetry)) as world:
        await ask(world)
        await collector.spans(2)


async def test_a_collector_that_asks_for_hours_is_asked_again_all_the_same(traced, at_once, collector, monkeypatch):
    monkeypatch.setattr(sending, "PAUSE_CAP_S", 0.05)
    collector.answers = [(503, {"retry-after": "3000"})]
    async with traced(collector.url) as world:
        await ask(world)
        await collector.spans(2)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
async def test_what_a_collector_refuses_is_lost_and_counted(traced, at_once, collector, status, capfd):
    collector.answers = [(status, {})]
    async with traced(collector.url) as world:
        await ask(world)
        await until_lost(world, 2)
        await ask(world)
        await collector.spans(2)
    [line] = [line for line in capfd.readouterr().out.splitlines() if '"spans_lost"' in line]
    assert f"their collector answered {status}" in line and '"so_far":2' in line


async def test_a_collector_that_is_not_there_costs_spans_and_nothing_else(traced, at_once):
    async with Collected() as gone:
        url = gone.url
    async with traced(url) as world:
        await asyncio.gather(*(ask(world) for _ in range(10)))
        await until_lost(world, 20)


async def test_one_that_takes_no_more_bounds_what_waits_and_delays_nobody(traced, at_once, collector, monkeypatch):
    monkeypatch.setattr(sending, "QUEUE", 6)
    collector.open.clear()
    async with traced(collector.url) as world:
        await ask(world)
        await collector.asked(1)
        async with asyncio.timeout(sending.TIMEOUT_S / 2):
            for _ in range(10):
                await ask(world)
        assert await lost(world) == 2 * 10 - 6
        collector.open.set()
        await collector.spans(2 + 6)


async def test_the_end_sends_what_waits(traced, collector):
    async with traced(collector.url) as world:
        await ask(world)
        assert not collector.bodies
    await collector.spans(2)


async def test_the_end_does_not_wait_for_a_collector_that_does_not_answer(traced, at_once, collector, monkeypatch):
    monkeypatch.setattr(sending, "FLUSH_S", 0.1)
    collector.open.clear()
    async with asyncio.timeout(sending.TIMEOUT_S / 2):
        async with traced(collector.url) as world:
            await ask(world)
            await collector.asked(1)
            await ask(world)
    assert world.app.metrics.spans_dropped() == 4


async def test_the_end_cuts_the_pause_before_another_try_short(traced, at_once, collector):
    collector.answers = [(503, {"retry-after": "20"})]
    async with asyncio.timeout(10):
        async with traced(collector.url) as world:
            await ask(world)
            await collector.asked(1)
        await collector.spans(2)


async def test_the_programs_environment_alone_is_enough_and_sigterm_sends_the_rest(collector, tmp_path):
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "shop-llm",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.name=not-this",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=otlp%20key",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, "serve", "--demo-without-keys", "--port", "0", "--admin", "127.0.0.1:0",
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | variables, cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    told = ""
    async with asyncio.timeout(30):
        while "sidestep: try: " not in told and (line := await process.stderr.readline()):
            told += line.decode()
        assert f"traces to {collector.url}/v1/traces" in told
        async with httpx2.AsyncClient(trust_env=False) as client:
            url = re.search(r"serving (http://\S+)/v1", told)[1]
            answer = await client.post(f"{url}/v1/chat/completions", json=HELLO | {"model": "gpt-4o"})
        assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    exchange, _ = await collector.spans(2)
    assert exchange.resource["service.name"] == "shop-llm"
    assert exchange.resource["deployment.environment.name"] == "test"
    assert exchange["sidestep.request_id"] == answer.headers["x-request-id"]
    assert collector.headers[0]["api-key"] == "otlp key"
