"""Up, serving, draining, down; and signals, in a process of its own."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from proxy.server import CannotListen, run, serving
from tests.unit.proxy.edge.loopback import (
    JSON,
    SOON,
    Held,
    PlainApp,
    asked,
    connected,
    hello,
    plain_config,
    request,
    served,
    soon,
)

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def admin(running):
    host, port = running.admin_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def get(path):
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        return int(head.split()[1]), await reader.readexactly(length)

    try:
        yield get
    finally:
        writer.transport.abort()


async def test_both_ports_serve():
    async with served(hello) as running, admin(running) as get:
        assert (await asked(running, request())).status == 200
        assert (await get("/livez"))[0] == 200
        assert (await get("/readyz"))[0] == 200
        assert b"sidestep_requests_total" in (await get("/metrics"))[1]
        state = orjson.loads((await get("/state"))[1])
        assert (state["in_flight"], state["draining"], state["targets"]) == (0, False, [])


async def test_a_drain_waits_for_open_exchanges_and_lets_nobody_in():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw, admin(running) as get:
        await raw.say(request())
        await soon(service.entered)
        drain = asyncio.ensure_future(running.drain(SOON))
        await asyncio.wait([drain], timeout=0.01)
        with pytest.raises(OSError):
            async with connected(running):
                pass
        assert (await get("/readyz"))[0] == 503
        assert (await get("/livez"))[0] == 200
        service.release.set()
        assert (await raw.answer()).status == 200
        await drain
        assert not service.cancelled


async def test_what_is_open_after_the_drain_is_told_and_cut():
    """A stream's writer tells it in the client's dialect; the body stays unterminated."""

    async def stream(exchange):
        await exchange.read()
        await exchange.out.start(200, JSON)
        try:
            await exchange.out.write(b"part")
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await exchange.out.write(exchange.cancelled.kind.encode())
            raise

    started = asyncio.Event()
    async with served(stream) as running, connected(running) as raw:
        await raw.say(request())
        await soon(started)
        await running.drain(0.01)
        await raw.head()
        assert await raw.rest() == b"4\r\npart\r\n4\r\nshed\r\n"


async def test_who_waits_for_an_answer_at_the_drains_end_is_told_to_try_again():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        await running.drain(0.01)
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (503, "overloaded")
        assert answer.headers["x-should-retry"] == "true"


async def test_a_taken_port_is_found_before_anything_is_built():
    built = []
    async with served(hello) as running:
        config = plain_config(listen=running.data_url.removeprefix("http://"))
        with pytest.raises(CannotListen):
            async with serving(config, lambda *given: built.append(given)):
                pass
    assert built == []


async def test_the_data_port_is_free_again_when_the_admin_port_is_taken():
    async with served(hello) as running:
        with pytest.raises(CannotListen):
            async with served(hello, admin=running.admin_url.removeprefix("http://")):
                pass
    async with served(hello, listen=running.data_url.removeprefix("http://")) as again:
        assert (await asked(again, request())).status == 200


async def test_a_failed_build_leaves_no_port_taken():
    listen = ""

    def build(config, clock):
        raise LookupError("no such thing")

    async with served(hello) as running:
        listen = running.data_url.removeprefix("http://")
    with pytest.raises(LookupError):
        async with serving(plain_config(listen=listen), build):
            pass
    async with served(hello, listen=listen):
        pass


def test_a_taken_port_ends_the_command_with_one_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(plain_config(listen=address), PlainApp) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"sidestep: {address} is in use")
    assert err.count("\n") == 1


PROGRAM = """
import sys
import threading
from proxy import server
from tests.unit.proxy.edge import loopback

service = loopback.Held(before=lambda exchange: exchange.read())

async def entering(exchange):
    print("entered", flush=True)
    await service(exchange)

def build(config, clock):
    return loopback.PlainApp(entering, config, clock, loopback.Log(), loopback.TimeoutSettings())

config = loopback.plain_config(drain_s=float(sys.argv[1]))
if sys.argv[2]:
    threading.Thread(target=threading.Event().wait).start()
    server.lifecycle.EXIT_S = float(sys.argv[2])
code = server.run(config, build, ready=lambda running: print(running.data_url, flush=True))
print("served", flush=True)
sys.exit(code)
"""


class Process:
    """A serving process, started by `started`."""

    def __init__(self, child, data_url):
        self.child = child
        self.data_url = data_url

    async def line(self):
        async with asyncio.timeout(SOON * 4):
            return (await self.child.stdout.readline()).decode().strip()

    def signal(self, number=signal.SIGTERM):
        self.child.send_signal(number)

    async def ended(self):
        async with asyncio.timeout(SOON * 4):
            code = await self.child.wait()
        return code, (await self.child.stderr.read()).decode()


@asynccontextmanager
async def started(drain_s, stuck=""):
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(drain_s),
        stuck,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    process = Process(child, "")
    try:
        process.data_url = await process.line()
        yield process
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def refused(process):
    """Returns once the process lets nobody in any more."""
    async with asyncio.timeout(SOON):
        try:
            while True:
                async with connected(process):
                    pass
        except OSError:
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_process_ends_well_on_a_signal(number):
    async with started(drain_s=60) as process:
        process.signal(number)
        assert await process.ended() == (0, "")


async def test_open_exchanges_are_told_when_the_drain_is_over():
    async with started(drain_s=0.05) as process, connected(process) as raw:
        await raw.say(request())
        assert await process.line() == "entered"
        process.signal()
        assert (await raw.answer()).status == 503
        assert await process.ended() == (0, "")


async def test_a_second_signal_ends_the_process_at_once():
    async with started(drain_s=600) as process, connected(process) as raw:
        await raw.say(request())
        assert await process.line() == "entered"
        process.signal()
        await refused(process)
        process.signal()
        code, err = await process.ended()
        assert (code, err) == (128 + signal.SIGTERM, "")


async def test_a_thread_that_does_not_end_does_not_keep_the_process():
    async with started(drain_s=60, stuck="0.1") as process:
        process.signal()
        assert await process.ended() == (0, "")


async def test_a_second_signal_ends_the_process_while_it_waits_for_a_thread():
    async with started(drain_s=60, stuck="600") as process:
        process.signal()
        assert await process.line() == "served"
        process.signal()
        code, err = await process.ended()
        assert (code, err) == (-signal.SIGTERM, "")
