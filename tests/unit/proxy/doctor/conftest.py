"""Scripted servers for the doctor: an answer for each request, over TLS where a test gives a certificate."""

import asyncio
import json
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Self

import pytest

from proxy.clock import SystemClock
from proxy.config.hidden import Secret
from proxy.config.profiles import vendors
from proxy.config.values import Config, ModelRoute, Provider, ProviderKey, Step
from proxy.doctor.findings import Finding
from translators.ir import Dialect

CANARY = "sk-canary-5d21"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ") or self.headers.get("x-api-key", "")


Reply = bytes | None
"""None: silence."""


def reply(status: int, body: object, kind: str = "application/json", **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {kind}", f"content-length: {len(content)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def models(*names: str, **headers: str) -> bytes:
    return reply(200, {"object": "list", "data": [{"id": name} for name in names]}, **headers)


def error(status: int, message: str = "No.", code: str | None = None) -> bytes:
    return reply(status, {"error": {"message": message, "type": "some_error", "code": code}})


@dataclass
class Server:
    """Answers each request with what `answer` says of it."""

    answer: Callable[[Asked], Reply]
    tls: ssl.SSLContext | None = None
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                method, path, _ = first.split(" ")
                self.asked.append(Asked(method, path, headers, body))
                answer = self.answer(self.asked[-1])
                if answer is None:
                    await reader.read()
                    break
                writer.write(answer)
                await writer.drain()
        writer.transport.abort()

    @property
    def base_url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{'localhost' if self.tls else '127.0.0.1'}:{self.port}/v1"


@dataclass(frozen=True)
class Certificates:
    """A CA, and the contexts of servers by what is the matter with their certificate."""

    ca_file: str
    folder: Path

    def server(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / "server.key")
        return context


SIGNED = {
    "good": ("localhost", "90"),
    "soon": ("localhost", "3"),
    "expired": ("localhost", "-1"),
    "other": ("x.test", "9"),
}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("doctor-tls")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "99"),
        *("-subj", "/CN=test CA", "-addext", "basicConstraints=critical,CA:TRUE"),
    )
    openssl("genrsa", "-out", "server.key", "2048")
    for name, (host, days) in SIGNED.items():
        openssl("req", "-new", "-key", "server.key", "-out", "server.csr", "-subj", f"/CN={host}")
        (folder / "ext").write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n")
        openssl(
            *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", days, "-extfile", "ext"),
        )
    return Certificates(str(folder / "ca.pem"), folder)


class Kit:
    """What the tests make things with."""

    Server = Server
    reply = staticmethod(reply)
    models = staticmethod(models)
    error = staticmethod(error)
    clock = SystemClock()
    canary = CANARY

    @staticmethod
    def key(value: str = CANARY, source: str = "env:ALPHA_KEY") -> ProviderKey:
        return ProviderKey(source, Secret(value))

    @staticmethod
    def date(seconds: float = 0.0) -> str:
        """A Date header, so many seconds from now."""
        return formatdate(SystemClock().wall() + seconds, usegmt=True)

    @staticmethod
    def provider(base_url: str, name: str = "alpha", **more) -> Provider:
        given = {"dialect": Dialect.OPENAI_CHAT, "keys": (Kit.key(),)} | more
        return Provider(name=name, base_url=base_url, **given)

    @staticmethod
    def config(*providers: Provider, model: str = "large", **more) -> Config:
        steps = tuple(Step(provider.name, model) for provider in providers)
        return Config({one.name: one for one in providers}, {"m": ModelRoute("m", steps)}, **more)

    @staticmethod
    def only(found: list[Finding], check: str) -> Finding:
        [finding] = [one for one in found if one.check == check]
        return finding

    @staticmethod
    def closed_port() -> int:
        """A port of this machine where nothing listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return taken.getsockname()[1]


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture(scope="session", autouse=True)
def rows_are_read() -> None:
    """What a load of the configuration has read before any of this runs."""
    vendors()
