"""A service behind the real edge and server on loopback, and a client that says exactly the bytes it is told to."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from proxy.clock import Clock
from proxy.config.errors import ConfigError, ConfigErrors
from proxy.config.values import Client, Config, LimitSettings, ServerSettings, TimeoutSettings
from proxy.filters.admission import Admission
from proxy.filters.auth import Auth
from proxy.filters.deadline import Deadline
from proxy.filters.observe import Observe
from proxy.flow import Exchange, Service, Turnstile, stack
from proxy.server import Bounds, Running, serving
from proxy.telemetry import logs
from proxy.telemetry.logs import LogWriter
from proxy.telemetry.metrics import Metrics
from translators.faults import Fault, Kind
from translators.ir import Dialect

SOON = 5.0
"""Seconds within which anything awaited here happens; only a failing test waits that long."""
JSON = [("content-type", "application/json")]


class PlainCodec:
    """Renders faults the way OpenAI does, keeping a refusal's own status."""

    dialect = Dialect.OPENAI_CHAT

    def render_fault(self, fault: Fault, extra: Any = None) -> tuple[int, bytes]:
        outcome = fault.outcome
        status = fault.status if fault.kind is Kind.REFUSED and fault.status else outcome.status
        error = {
            "message": fault.message,
            "type": fault.type or outcome.type,
            "param": fault.param,
            "code": fault.code or outcome.code,
        }
        return status, orjson.dumps({"error": error | ({"sidestep": extra} if extra else {})})


class Log(io.BytesIO):
    """What was logged; readable after the end."""

    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.getvalue().splitlines()]


@dataclass
class PlainApp:
    """The filters around one service, as the composition root would put them."""

    innermost: Service
    config: Config
    clock: Clock
    stream: Log
    timeouts: TimeoutSettings
    metrics: Metrics = field(default_factory=lambda: Metrics(["alpha"], ["m"]))
    freed: int = 0
    """How often it was asked to take keys back into use."""
    retired: "asyncio.Queue[Config]" = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.writer = LogWriter(self.stream)
        self.log = logs.Log(self.writer, self.clock)
        self._stack()

    def _stack(self) -> None:
        observe = Observe(self.metrics, self.log, self.clock)
        self.recent = observe.recent
        outer = [observe, Auth(self.config.clients)]
        admission = Admission(self.config.limits, self.clock)
        self.service = stack([*outer, Deadline(self.timeouts, self.clock), admission], self.innermost)
        self.turnstile = Turnstile(admission, stack(outer, admission.shed), observe.alike)

    learning = None

    def codec_for(self, route: str) -> PlainCodec:
        return PlainCodec()

    def state(self, most: int = 0) -> dict[str, Any]:
        return {"source": "file", "targets": [], "providers": {}}

    async def budgets_now(self) -> dict[str, Any]:
        return self.budgets()

    async def budgets_watched(self) -> None:
        pass

    def budgets(self) -> dict[str, Any]:
        return {"budgets": [], "store": None}

    def trip(self, target: str, by: str) -> dict[str, Any]:
        raise LookupError("There is no target here.")

    def unfit(self) -> str:
        return ""

    async def prepare(self, config: Config) -> Config:
        if config.source == "broken":
            raise ConfigErrors([ConfigError("providers.alpha.ca_file", "holds no certificate", config.source)])
        return config

    def adopt(self, config: Config) -> Config:
        before, self.config = self.config, config
        self._stack()
        return before

    def free_keys(self) -> None:
        self.freed += 1

    async def retire(self, before: Config) -> None:
        self.retired.put_nowait(before)

    async def open(self) -> None: ...

    async def close(self) -> None:
        await self.writer.close()


def plain_config(
    limits: LimitSettings | None = None, clients: dict[str, Client] | None = None, **server: Any
) -> Config:
    settings = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "drain_s": 5.0} | server
    return Config({}, {}, clients=clients or {}, limits=limits or LimitSettings(), server=ServerSettings(**settings))


@asynccontextmanager
async def served(
    service: Service,
    *,
    limits: LimitSettings | None = None,
    clients: dict[str, Client] | None = None,
    bounds: Bounds | None = None,
    log: Log | None = None,
    timeouts: TimeoutSettings | None = None,
    **server: Any,
) -> AsyncIterator[Running]:
    def build(config: Config, clock: Clock) -> PlainApp:
        return PlainApp(service, config, clock, log or Log(), timeouts or TimeoutSettings())

    async with serving(plain_config(limits, clients, **server), build, bounds=bounds) as running:
        yield running


async def hello(exchange: Exchange) -> None:
    """Reads the request and answers with what it read."""
    body = await exchange.read()
    exchange.status = 200
    await exchange.out.answer(200, JSON, orjson.dumps({"read": len(body), "path": exchange.path}))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return orjson.loads(self.body)["error"]


class Raw:
    """One connection; `say` sends bytes as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(SOON):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *rest = text.rstrip().split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in rest)

    async def answer(self) -> Answer:
        """The next whole answer with a content-length."""
        status, headers = await self.head()
        async with asyncio.timeout(SOON):
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(status, headers, body)

    async def rest(self) -> bytes:
        """Everything until the connection ends, by FIN or by reset."""
        data = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(SOON):
                while more := await self.reader.read(65536):
                    data += more
        return data

    def leave(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected(running: Running) -> AsyncIterator[Raw]:
    host, port = running.data_url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def request(
    method: str = "POST",
    target: str = "/v1/chat/completions",
    body: bytes = b"{}",
    *more: str,
    without: tuple[str, ...] = (),
) -> bytes:
    """A whole request; `more` are header lines, `without` names of those usually sent."""
    lines = {"host": "localhost", "content-type": "application/json", "content-length": str(len(body))}
    fields = [f"{name}: {value}" for name, value in lines.items() if name not in without]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *fields, *more, "", ""]).encode("latin-1") + body


async def asked(running: Running, data: bytes) -> Answer:
    async with connected(running) as raw:
        await raw.say(data)
        return await raw.answer()


class Held:
    """A service that waits until it is let go or cancelled, and tells which."""

    def __init__(self, before: Callable[[Exchange], Any] | None = None) -> None:
        self.entered = asyncio.Event()
        self.ended = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled = False
        self._before = before

    async def __call__(self, exchange: Exchange) -> None:
        try:
            if self._before is not None:
                await self._before(exchange)
            self.entered.set()
            await self.release.wait()
            if not exchange.out.started:
                exchange.status = 200
                await exchange.out.answer(200, JSON, b"{}")
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(SOON):
        await event.wait()


async def turn() -> None:
    """One round of the loop."""
    await asyncio.sleep(0)  # noqa: TID251 - no time passes
