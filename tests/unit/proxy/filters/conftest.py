"""An exchange without sockets, a clock that stands still, and a log that can be read."""

from typing import Any

import orjson
import pytest

from proxy.flow import Exchange
from proxy.telemetry.logs import Log
from proxy.telemetry.metrics import Metrics
from translators.faults import Fault, Kind
from translators.ir import Dialect


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time + 1.7e9

    def uniform(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Told:
    """An Output that keeps what it was told."""

    def __init__(self) -> None:
        self.started = False
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.aborted = False

    async def answer(self, status, headers, body) -> None:
        await self.start(status, headers)
        self.body = body

    async def start(self, status, headers) -> None:
        self.started = True
        self.status = status
        self.headers = dict(headers)

    async def write(self, data) -> None:
        self.body += data

    async def finish(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    @property
    def error(self) -> dict[str, Any]:
        return orjson.loads(self.body)["error"]


class PlainCodec:
    dialect = Dialect.OPENAI_CHAT

    def render_fault(self, fault: Fault, extra: Any = None) -> tuple[int, bytes]:
        outcome = fault.outcome
        status = fault.status if fault.kind is Kind.REFUSED and fault.status else outcome.status
        error = {"message": fault.message, "param": fault.param, "code": fault.code or outcome.code}
        return status, orjson.dumps({"error": error})


class Lines:
    """What a logger wrote, parsed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def msg(self, line: bytes) -> None:
        self.written.append(line)

    info = warning = error = msg

    def all(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.written]

    def one(self) -> dict[str, Any]:
        (line,) = self.all()
        return line


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines, clock):
    return Log(lines, clock)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["alpha"], ["m"])


@pytest.fixture
def exchange_of(clock):
    def make(**fields: Any) -> Exchange:
        async def read() -> bytes:
            return b"{}"

        values = {
            "id": "req_1",
            "route": "chat",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": {},
            "read": read,
            "peer": "127.0.0.1",
            "out": Told(),
            "codec": PlainCodec(),
            "started": clock.now(),
        }
        return Exchange(**(values | fields))

    return make


@pytest.fixture
def exchange(exchange_of) -> Exchange:
    return exchange_of()
