"""A provider of OpenAI's other paths, on a socket of its own: files, speech, moderations, images.

Its bodies are read as they come and never kept, so that a test may send as much as it likes. `script` takes the place
of all its answers.
"""

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self

import openai
import orjson

from proxy.app import build
from proxy.config.hidden import Secret
from proxy.config.values import (
    BreakerSettings,
    Config,
    ModelRoute,
    PassthroughSettings,
    Provider,
    ProviderKey,
    RetrySettings,
    ServerSettings,
    Step,
    TimeoutSettings,
)
from proxy.server import Running, serving
from translators.ir import Dialect

KEY = "sk-shelf-canary-51aa"

SPEECH = bytes(range(256)) * 2000
FILE = b"{}\n" * 400_000
PICTURE = {"created": 1, "data": [{"b64_json": "aGk="}]}
VERDICT = {"id": "modr-1", "model": "omni", "results": [{"flagged": False, "categories": {}, "category_scores": {}}]}


@dataclass
class Asked:
    """One request's head, and its body to be read."""

    method: str
    target: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    size: int = 0
    digest: str = ""
    start: bytes = b""

    async def pieces(self) -> AsyncIterator[bytes]:
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\n"), 16):
                yield await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
            return
        left = int(self.headers.get("content-length", 0))
        while left:
            piece = await self.reader.read(min(left, 65_536))
            if not piece:
                raise ConnectionError("the body broke off")
            left -= len(piece)
            yield piece

    async def take(self) -> None:
        """The whole body: its size, its digest and how it begins."""
        digest = hashlib.sha256()
        async for piece in self.pieces():
            digest.update(piece)
            self.start = (self.start + piece)[:2000]
            self.size += len(piece)
        self.digest = digest.hexdigest()

    async def left(self) -> None:
        """Returns when the other side has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, kind: str = "application/json", status: int = 200, *more: str) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-type: {kind}", f"content-length: {len(body)}", *more]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def json(self, value: object, status: int = 200, *more: str) -> None:
        await self.answer(orjson.dumps(value), "application/json", status, *more)

    def reset(self) -> NoReturn:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise ConnectionError("it was reset")


@dataclass
class Shelf:
    script: Callable[[Asked], Awaitable[None]] | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    errors: list[Exception] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.errors:
            raise self.errors[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().rstrip().split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                asked = Asked(method, target, headers, reader, writer)
                self.asked.append(asked)
                await (self.script or _usual)(asked)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - reported to the test
            self.errors.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()


async def _usual(asked: Asked) -> None:
    await asked.take()
    path = asked.target.partition("?")[0].removeprefix("/v1")
    file = {"id": "file-1", "object": "file", "bytes": asked.size, "created_at": 1, "filename": "f", "purpose": "batch"}
    if asked.method == "DELETE":
        await asked.json({"id": path.split("/")[2], "object": "file", "deleted": True})
    elif path.endswith("/content"):
        await asked.answer(FILE, "application/octet-stream", 200, 'content-disposition: attachment; filename="f"')
    elif path == "/files":
        await asked.json(file if asked.method == "POST" else {"object": "list", "data": [file], "has_more": False})
    elif path == "/audio/speech":
        await asked.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(SPEECH), 100_000):
            piece = SPEECH[start : start + 100_000]
            await asked.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await asked.send(b"0\r\n\r\n")
    elif path == "/audio/transcriptions":
        await asked.json({"text": f"{asked.size} bytes", "usage": {"type": "duration", "seconds": 1}})
    else:
        await asked.json(VERDICT if path == "/moderations" else PICTURE)


World = tuple[Shelf, Running, openai.AsyncOpenAI]


@asynccontextmanager
async def a_shelf(
    engine: str = "native",
    passthrough: PassthroughSettings | None = None,
    timeouts: TimeoutSettings | None = None,
    **more: Any,
) -> AsyncIterator[World]:
    """A proxy before one provider; gives the provider, the proxy, and a client made for it."""
    async with Shelf() as shelf:
        provider = Provider(
            "shelf",
            Dialect.OPENAI_CHAT,
            shelf.base_url,
            keys=(ProviderKey("env:KEY", Secret(KEY)),),
            breaker=BreakerSettings(consecutive_failures=1_000_000),
            retry=RetrySettings(base_s=0.001, cap_s=0.002),
            timeouts=timeouts or TimeoutSettings(),
        )
        config = Config(
            {"shelf": provider},
            {"*": ModelRoute("*", (Step("shelf", "*"),))},
            server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2, engine=engine),
            passthrough=passthrough or PassthroughSettings("shelf"),
            timeouts=timeouts or TimeoutSettings(),
            **more,
        )
        async with serving(config, build) as running:
            client = openai.AsyncOpenAI(base_url=running.data_url + "/v1", api_key="none", max_retries=0)
            async with client:
                yield shelf, running, client
