"""Scripted servers on loopback that speak raw bytes, and the engines that are tested against them."""

import asyncio
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from proxy.config.values import Provider
from proxy.upstream.engines import engine_for
from proxy.upstream.seam import Call, Engine

PATIENCE_S = 5.0
"""How long a test waits for what must happen; reached only when it does not."""


async def soon(awaitable: Awaitable):
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


def call_to(
    url: str,
    *,
    stream: bool = False,
    body: bytes | AsyncIterator[bytes] = b"{}",
    length: int | None = None,
    headers: list[tuple[str, str]] | None = None,
    connect_s: float = 5.0,
    pool_s: float = 1.0,
    write_s: float = 30.0,
) -> Call:
    head = [("content-type", "application/json"), *(headers or [])]
    return Call("POST", url, head, body, stream, connect_s, pool_s, write_s, length)


class Peer:
    """The server's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """One request's head and body."""
        head = await self.head()
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        return head + await self._reader.readexactly(length)

    async def head(self) -> bytes:
        """One request's head."""
        return await self._reader.readuntil(b"\r\n\r\n")

    async def take(self, size: int) -> bytes:
        """So many bytes of a body."""
        return await self._reader.readexactly(size)

    async def chunked(self) -> bytes:
        """A body that comes in chunks."""
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return body

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def left(self) -> None:
        """Returns when the client has closed the connection."""
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    def reset(self) -> None:
        """Ends the connection with a RST."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()


Script = Callable[[Peer], Awaitable[None]]


class Wire:
    """A server that runs `script` for every connection and counts them. An error in a script fails the test."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._errors: list[Exception] = []
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        self._writers.add(writer)
        peer = Peer(reader, writer)
        try:
            await self._script(peer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - reported to the test
            self._errors.append(error)
        finally:
            self._tasks.discard(task)
            peer.close()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        if self._errors:
            raise self._errors[0]

    @property
    def base(self) -> str:
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else '127.0.0.1'}:{self.port}"

    def call(self, **more: Any) -> Call:
        return call_to(self.base + "/v1/chat", **more)


@dataclass(frozen=True)
class Certificates:
    """A CA, and a server that it vouches for as `localhost`."""

    ca_file: Path
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"),
        *("-subj", "/CN=test CA", "-addext", "basicConstraints=critical,CA:TRUE"),
    )
    openssl(
        *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr"),
        *("-subj", "/CN=localhost"),
    )
    (folder / "ext").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "server.pem", "-days", "2", "-extfile", "ext"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Certificates(folder / "ca.pem", context)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that never answers: its queue of connections is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


MakeEngine = Callable[..., Awaitable[Engine]]


@pytest.fixture(params=["native", "httpx2"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def make(kind: str) -> AsyncIterator[MakeEngine]:
    """Makes engines of this kind and closes them after the test: `make(connections=, ca_file=...)`."""
    made: list[Engine] = []

    async def make_one(*, connections: int = 2000, **provider: str) -> Engine:
        one = Provider("alpha", "openai-chat", "https://localhost", **provider)
        # In a thread, for imports and certificates are read from files; at run time that is done before serving.
        made.append(await asyncio.to_thread(engine_for, kind, one, connections=connections))
        return made[-1]

    yield make_one
    for engine in made:
        await engine.close()


@pytest.fixture
async def engine(make: MakeEngine) -> Engine:
    return await make()


@pytest.fixture
def serve() -> type[Wire]:
    return Wire


@pytest.fixture
def to() -> Callable[..., Call]:
    """`to(url, stream=, body=, headers=, connect_s=, pool_s=, write_s=)`: a call."""
    return call_to


@pytest.fixture
def says() -> Callable[..., Script]:
    """`says(*answers)`: a script that gives these answers to the requests of one connection, one each."""

    def script_of(*answers: bytes) -> Script:
        async def script(peer: Peer) -> None:
            for answer in answers:
                await peer.request()
                await peer.send(answer)
            await peer.left()

        return script

    return script_of


@pytest.fixture
def read() -> Callable[[Engine, Wire], Awaitable[bytes]]:
    """`read(engine, wire)`: the body of a call's answer."""

    async def body(engine: Engine, wire: Wire) -> bytes:
        return await (await engine.send(wire.call())).read(1000)

    return body


@pytest.fixture(name="soon")
def soon_fixture() -> Callable[[Awaitable], Awaitable]:
    return soon
