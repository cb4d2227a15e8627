"""A proxy that has no file left: it blames no provider, stays awake, says so, and recovers by itself."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from proxy.drill.provider import ScriptedProvider
from translators.ir import Dialect

ROOT = Path(__file__).parents[2]
FILES = 60
ENTRY = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
from proxy.cli import main
sys.exit(main())
"""
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
CHAT = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
MODELS = b"GET /v1/models HTTP/1.1\r\nhost: h\r\n\r\n"
PATIENCE_S = 20.0


class Client:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Raises IncompleteReadError or ConnectionError where the proxy has closed the connection."""
        self._writer.write(request)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers, await self._reader.readexactly(int(headers["content-length"]))

    async def closed(self) -> bool:
        """Whether the proxy closes it without a word."""
        return await self._reader.read() == b""

    def leave(self) -> None:
        self._writer.close()


class Clients:
    """Whoever connects to the proxy; all leave at the test's end."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._all: list[Client] = []

    async def another(self) -> Client:
        self._all.append(Client(*await asyncio.open_connection("127.0.0.1", self._port)))
        return self._all[-1]

    async def crowd(self) -> list[Client]:
        """So many that the proxy has no file left for another."""
        crowd = []
        while True:
            crowd.append(await self.another())
            try:
                await crowd[-1].ask(MODELS)
            except (asyncio.IncompleteReadError, ConnectionError):
                return crowd

    def leave(self) -> None:
        for one in self._all:
            one.leave()


@asynccontextmanager
async def proxy(config: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """A proxy that may have so many files, and its port."""
    words = ["serve", "--config", str(config), "--port", "0", "--admin", "127.0.0.1:0"]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENTRY, *words, env=env, stdout=PIPE, stderr=PIPE
    )
    try:
        while b"serving http" not in (line := await process.stderr.readline()):
            assert line, "it did not start"
        yield process, int(line.partition(b"/v1")[0].rpartition(b":")[2])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def setting(tmp_path):
    async with AsyncExitStack() as stack:
        alpha = await stack.enter_async_context(ScriptedProvider("alpha", Dialect.OPENAI_CHAT))
        beta = await stack.enter_async_context(ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES))
        blocks = [
            f'[providers.{one.name}]\ndialect = "{one.dialect.value}"\nbase_url = "{one.base_url}"\nkeys = []'
            for one in (alpha, beta)
        ]
        chain = '[models.m]\nchain = ["alpha/demo-large", "beta/demo-claude"]\n[breaker]\nconsecutive_failures = 1\n'
        (tmp_path / "c.toml").write_text("\n".join([*blocks, chain]))
        process, port = await stack.enter_async_context(proxy(tmp_path / "c.toml"))
        clients = Clients(port)
        stack.callback(clients.leave)
        yield process, clients, alpha, beta


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
async def test_without_a_file_left_nobody_is_blamed_and_all_is_well_when_there_are_some_again(setting):
    process, clients, alpha, beta = setting
    async with asyncio.timeout(PATIENCE_S):
        kept = await clients.another()
        await kept.ask(MODELS)
        crowd = await clients.crowd()
        assert len(crowd) < FILES

        status, headers, body = await kept.ask(CHAT)
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (503, "overloaded")
        assert (headers["x-should-retry"], headers["retry-after"]) == ("true", "1")
        assert "raise its limit (ulimit -n)" in error["message"]
        assert [one["kind"] for one in error["sidestep"]["attempts"]] == ["shed", "shed"]
        assert alpha.request_count + beta.request_count == 0

        before = cpu_s(process.pid)
        refused = [await clients.another() for _ in range(20)]
        assert all([await one.closed() for one in refused]), "at once, not left waiting"
        assert cpu_s(process.pid) - before < 1.0

        for one in crowd:
            one.leave()
        status = 503
        while status == 503:
            status, headers, _ = await kept.ask(CHAT)
        assert (status, headers["x-sidestep-provider"]) == (200, "alpha"), "its breaker never opened"
        assert (await (await clients.another()).ask(MODELS))[0] == 200

        process.terminate()
        log = [json.loads(line) for line in (await process.stdout.read()).splitlines()]
    (told,) = [line["reason"] for line in log if line["event"] == "exhausted"]
    assert told in error["message"]
    assert [line for line in log if line["event"] == "breaker"] == []
