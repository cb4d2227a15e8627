"""Raw sockets to talk to scripted providers with, so that tests see the very bytes."""

import asyncio
import contextlib
import subprocess
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "one two three"}]}
CLAUDE = {**CHAT, "max_tokens": 100}


class Peer:
    """One connection, opened by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def ask(self, body: Any = None, *, path: str | None = None, close: bool = True, **more: Any) -> None:
        """Sends a request: a chat of the OpenAI dialect unless told otherwise."""
        data = orjson.dumps({**(CHAT if body is None else body), **more})
        target = path or ("/v1/messages" if "max_tokens" in (body or {}) else "/v1/chat/completions")
        lines = [
            f"POST {target} HTTP/1.1",
            "host: drill",
            "anthropic-version: 2023-06-01",
            f"content-length: {len(data)}",
        ]
        lines += ["connection: close"] if close else []
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    async def all(self) -> bytes:
        """Everything until the connection ends."""
        async with asyncio.timeout(10):
            return await self.reader.read(-1)

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(mark)

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


Connect = Callable[[str], Any]


@pytest.fixture
async def connect():
    """`await connect(url)` gives a Peer; all are closed at the end."""
    peers: list[Peer] = []

    async def opened(url: str) -> Peer:
        parts = urlsplit(url)
        peers.append(Peer(*await asyncio.open_connection(parts.hostname, parts.port, limit=2**26)))
        return peers[-1]

    yield opened
    for peer in peers:
        await peer.leave()


@pytest.fixture
def chat() -> dict[str, Any]:
    return dict(CHAT)


@pytest.fixture
def claude() -> dict[str, Any]:
    return dict(CLAUDE)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """Paths of a certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=drill"
    command += " -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
    command += f" -keyout {key} -out {certificate}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate, key
