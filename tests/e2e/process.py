"""`sidestep serve` as a process of its own over a file that a test writes, and clients of every dialect that stream."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import orjson

from proxy.drill.load import Answered, Broken, Channel, encode, once
from proxy.drill.provider import ScriptedProvider

ROOT = Path(__file__).parents[2]
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"
PATIENCE_S = 60.0
"""Only a failing test waits that long."""

MESSAGES = [{"role": "user", "content": "a b c d e f"}]
ASKING: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"messages": MESSAGES}),
    "messages": ("/messages", {"messages": MESSAGES, "max_tokens": 99}),
    "responses": ("/responses", {"input": "a b c d e f"}),
    "completions": ("/completions", {"prompt": "a b c d e f"}),
}
"""Path and body of a client's dialect, but for `model` and `stream`."""
ENDS = {"chat": b"[DONE]", "messages": b"message_stop", "responses": b"response.completed", "completions": b"[DONE]"}


class Process:
    """One `sidestep serve`."""

    def __init__(self, child: asyncio.subprocess.Process, path: Path) -> None:
        self.child = child
        self.path = path
        self.url = self.admin = ""
        self.log: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())
        self._news = asyncio.Event()

    async def _read(self) -> None:
        async for line in self.child.stdout:
            self.log.append(orjson.loads(line))
            self._news.set()

    async def started(self) -> Self:
        """Once both ports accept."""
        while b"serving http" not in (line := await self.child.stderr.readline()):
            assert line, "it did not start"
        self.url, self.admin = (part.decode().rstrip(",") for part in line.split() if part.startswith(b"http://"))
        await self.child.stderr.readline()
        return self

    def write(self, text: str) -> None:
        """Another file in the place of the one there is, whole at once."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def signal(self, number: int = signal.SIGHUP) -> None:
        self.child.send_signal(number)

    async def told(self, event: str, count: int = 1) -> dict[str, Any]:
        """The log's line number `count` of this event, when it is there."""
        async with asyncio.timeout(PATIENCE_S):
            while len(lines := [line for line in self.log if line["event"] == event]) < count:
                self._news.clear()
                await self._news.wait()
        return lines[count - 1]

    async def reloaded(self, text: str | None = None) -> dict[str, Any]:
        """What is told of a reload, of the file as it is or as `text`."""
        if text is not None:
            self.write(text)
        before = sum(line["event"] == "reload" for line in self.log)
        self.signal()
        return await self.told("reload", before + 1)

    async def page(self, path: str) -> Any:
        return (await once(self.admin, path)).body

    async def state(self) -> dict[str, Any]:
        return orjson.loads(await self.page("/state"))

    async def metric(self, name: str) -> float:
        lines = (await self.page("/metrics")).decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    async def ask(self, model: str = "m", **headers: str) -> Answered:
        """A unary chat request on a connection of its own."""
        path, body = ASKING["chat"]
        return await once(self.url, path, body | {"model": model}, headers)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.child.wait()

    async def close(self) -> None:
        if self.child.returncode is None:
            self.child.kill()
            await self.child.wait()
        await self._reading


@asynccontextmanager
async def serving(
    path: Path,
    *words: str,
    ports: tuple[str, str] = ("0", "127.0.0.1:0"),
    command: str = "serve",
    patience_s: float = PATIENCE_S,
    **env: str,
) -> AsyncIterator[Process]:
    """Serves what is written at `path`."""
    port, admin = ports
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENTRY, command, "--config", str(path), "--port", port, "--admin", admin, *words),
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | env,
        stdout=PIPE,
        stderr=PIPE,
    )
    process = Process(child, path)
    try:
        async with asyncio.timeout(patience_s):
            yield await process.started()
    finally:
        await process.close()


class Stream:
    """A client whose streamed answer is under way."""

    def __init__(self, dialect: str, model: str, channel: Channel) -> None:
        self.dialect = dialect
        self.model = model
        self.body = b""
        self.whole = False
        """Whether the body came to its regular end."""
        self.status = 0
        self._begun = asyncio.Event()
        self._channel = channel
        channel.on_piece = self._piece

    def _piece(self, data: bytes) -> None:
        self.body += data
        self._begun.set()

    @classmethod
    async def begun(cls, process: Process, dialect: str, model: str = "m") -> Self:
        """Once the first content is there."""
        self = cls(dialect, model, await Channel.open(process.url))
        path, body = ASKING[dialect]
        self.task = asyncio.create_task(self._run(encode(process.url, path, body | {"model": model, "stream": True})))
        async with asyncio.timeout(PATIENCE_S):
            await self._begun.wait()
        return self

    async def _run(self, request: bytes) -> None:
        with suppress(Broken):
            self.status = (await self._channel.send(request)).status
            self.whole = True
        self._channel.close()

    @property
    def complete(self) -> bool:
        """Ended by the rules of HTTP and of its dialect."""
        return self.whole and ENDS[self.dialect] in self.body

    @property
    def told(self) -> bool:
        """Told in its dialect that it is not complete, and cut: no client takes it for a regular end."""
        return not self.whole and b"shutting down" in self.body and ENDS[self.dialect] not in self.body

    async def end(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.task


def provider(scripted: ScriptedProvider, name: str = "", **fields: str) -> str:
    """A provider's block; `fields` are TOML."""
    lines = {"dialect": f'"{scripted.dialect.value}"', "base_url": f'"{scripted.base_url}"', "keys": "[]"} | fields
    return "\n".join([f"[providers.{name or scripted.name}]", *(f"{key} = {value}" for key, value in lines.items())])


def models(**chains: str) -> str:
    """`models(m="alpha/large beta/claude")`."""
    return "\n".join(
        f"[models.{name}]\nchain = {orjson.dumps(chain.split()).decode()}" for name, chain in chains.items()
    )
