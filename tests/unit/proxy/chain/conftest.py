"""A laboratory for the chain: the real endpoints, walk, breakers and timers between a scripted client and scripted
providers, on an event loop whose time jumps. No sockets, and nobody waits.

A provider's script is a list of behaviours, one for each call, the last one for ever. A behaviour is

- `"ok"`, or `"refuse"`, `"exhausted"`, `"untaken"`, `"cut"`, `"stall"`: an answer in the provider's dialect, or none of
  one kind or another;
- a number: that error status; a tuple: status, headers, and a body (an object or bytes);
- a list: a good status and a body, piece by piece: bytes are sent, a number is a silence in seconds, `"cut"` and
  `"stall"` end it, and a function is called.
"""

import asyncio
import os
from collections import deque
from typing import Any

import orjson
import pytest

from proxy.chain.ready import Tools
from proxy.chain.walk import Chain
from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for, vendor_of, vendors
from proxy.config.spending import Price
from proxy.config.values import Config, ModelRoute, Provider, ProviderKey, Step, TimeoutSettings
from proxy.filters.deadline import Deadline
from proxy.filters.observe import Observe
from proxy.flow import Exchange, cancel, stack
from proxy.resilience.targets import Registry
from proxy.routing.resolve import Router
from proxy.service import Endpoints
from proxy.telemetry.logs import Log
from proxy.telemetry.metrics import Metrics
from proxy.tracing import Sampler, begin
from proxy.upstream.bodies import driven
from proxy.upstream.seam import Cut, Exhausted, NotTaken, Unreachable
from tests.unit.proxy.chain.jumping import Clock, JumpingLoop, pause
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.ir import Dialect

HELLO = [{"role": "user", "content": "hello"}]
JSON, EVENTS = ([("content-type", kind)] for kind in ("application/json", "text/event-stream"))
CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES


def event(value: Any) -> bytes:
    """One server-sent event; a Messages event is named by its type."""
    name = b"event: %b\n" % value["type"].encode() if "type" in value else b""
    return name + b"data: %b\n\n" % orjson.dumps(value)


def good(dialect: Dialect, name: str, *, stream: bool) -> list[Any]:
    """The pieces of a good answer that says who gave it."""
    return (_messages if dialect is MESSAGES else _chat)(f"{name} says hello", stream=stream)


def _chat(text: str, *, stream: bool) -> list[bytes]:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    if not stream:
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return [orjson.dumps({"id": "c", "model": "m", "choices": [choice], "usage": usage})]
    deltas = [({"role": "assistant", "content": ""}, None), ({"content": text}, None), ({}, "stop")]
    choices = [{"index": 0, "delta": delta, "finish_reason": finish} for delta, finish in deltas]
    chunks = [{"id": "c", "model": "m", "choices": [choice]} for choice in choices]
    return [*map(event, [*chunks, {"id": "c", "choices": [], "usage": usage}]), b"data: [DONE]\n\n"]


def _messages(text: str, *, stream: bool) -> list[bytes]:
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "m"}
    if not stream:
        message |= {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        return [orjson.dumps(message | {"usage": {"input_tokens": 3, "output_tokens": 2}})]
    events = [
        {"type": "message_start", "message": message | {"usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    return [*map(event, events)]


class Answer:
    """The client's side of one exchange, and the exchange: an Output that keeps what it was told, in order."""

    exchange: Exchange

    def __init__(self, write_s: float = 0.0) -> None:
        self._write_s = write_s
        self.started = False
        self.told: list[str] = []
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []

    async def answer(self, status, headers, body) -> None:
        await self.start(status, headers)
        self.told[-1] = "answer"
        self.pieces.append(body)

    async def start(self, status, headers, length=None, first=b"") -> None:
        assert not self.told, "an answer begins once"
        self.started = True
        self.told.append("start")
        self.status, self.headers = status, dict(headers)
        assert len(self.headers) == len(headers), "no header is sent twice"
        if first:
            await self.write(first)

    async def write(self, data) -> None:
        if self._write_s:
            await pause(self._write_s)
        assert self._took(data)

    def push(self, data) -> bool:
        return not self._write_s and self._took(data)

    def _took(self, data) -> bool:
        assert self.started and self.told[-1] not in ("finish", "abort")
        self.told.append("write")
        self.pieces.append(data)
        return True

    async def finish(self) -> None:
        self.told.append("finish")

    def abort(self) -> None:
        self.told.append("abort")

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """Of an answer that is one, or at the end of a stream that broke."""
        lines = self.body.strip().split(b"\n")
        return orjson.loads(lines[-1].removeprefix(b"data: "))["error"]

    @property
    def kinds(self) -> list[str]:
        """How each attempt ended."""
        return [attempt.kind for attempt in self.exchange.attempts]


class Upstream:
    def __init__(self, status, headers, pieces) -> None:
        self.status = status
        self.headers = headers
        self.closed = False
        self._pieces = pieces
        self._going = self.chunks()

    async def drive(self, sink) -> bool:
        return await driven(self._going, sink)

    async def read(self, limit: int) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self):
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            elif isinstance(piece, int | float):
                await pause(piece)
            elif callable(piece):
                piece()
            elif piece == "cut":
                raise Cut("its answer broke off")
            else:
                await asyncio.get_running_loop().create_future()

    async def close(self) -> None:
        self.closed = True


class Engine:
    """A provider: plays its script and keeps the calls it got, each with its time."""

    def __init__(self, lab: "Lab", provider: Provider) -> None:
        self.script = deque(["ok"])
        self.calls: list[Any] = []
        self.times: list[float] = []
        self.answers: list[Upstream] = []
        self._lab = lab
        self._provider = provider

    async def send(self, call) -> Upstream:
        self._lab.called.append(self._provider.name)
        self.calls.append(call)
        self.times.append(self._lab.clock.time)
        upstream = await self._play(self.script.popleft() if len(self.script) > 1 else self.script[0], call)
        self.answers.append(upstream)
        return upstream

    async def _play(self, behaviour, call) -> Upstream:
        headers = EVENTS if call.stream else JSON
        match behaviour:
            case "refuse":
                raise Unreachable("connection refused")
            case "exhausted":
                raise Exhausted("there are no more files to open")
            case "untaken":
                raise NotTaken("it did not take the request in time")
            case "cut":
                raise Cut("the connection broke")
            case "stall":
                await asyncio.get_running_loop().create_future()
            case "ok":
                behaviour = good(self._provider.dialect, self._provider.name, stream=call.stream)
            case int():
                behaviour = (behaviour, {}, {"error": {"message": f"said {self._provider.name}"}})
        if isinstance(behaviour, list):
            return Upstream(200, headers, behaviour)
        status, more, body = behaviour
        return Upstream(status, [*JSON, *more.items()], [body if isinstance(body, bytes) else orjson.dumps(body)])

    async def close(self) -> None:
        raise AssertionError("an engine lives as long as the process")


class Lines(list[dict[str, Any]]):
    """What was logged."""

    def msg(self, line: bytes) -> None:
        self.append(orjson.loads(line))

    info = warning = error = msg


class Lab:
    """Providers and routes are stated first, then `ask` as often as one likes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.loop = JumpingLoop(self.clock)
        self.providers: dict[str, Provider] = {}
        self.routes: dict[str, ModelRoute] = {}
        self.timeouts = TimeoutSettings()
        self.engines: dict[str, Engine] = {}
        self.called: list[str] = []
        """Providers in the order of the calls they got."""
        self.prices: dict[str, Price] = {}
        self.alerts: list[tuple[str, dict[str, Any]]] = []
        self.counted: list[tuple[str, str, str]] = []
        self.changes: list[tuple[str, str, str]] = []
        """What breakers did: target, state before, state after."""
        self.lines = Lines()
        self.log = Log(self.lines, self.clock)
        self.write_s = 0.0
        """How long the client takes to read each piece."""
        self.current: tuple[Exchange, Any] | None = None
        self._service = None
        self.registry = Registry(
            self.clock.uniform, b"k", lambda name, *states: self.changes.append((name, *map(repr, states[:2])))
        )

    # -- stating the world

    def provider(self, name: str, dialect: Dialect = CHAT, *, keys: int = 1, **more: Any) -> Engine:
        """A provider with so many keys; its one model is `large`."""
        secrets = tuple(ProviderKey(f"env:{name}{n}", Secret(f"sk-{name}-{n}")) for n in range(keys))
        made = Provider(name, dialect, f"https://{name}.test", keys=secrets, **more)
        self.providers[name] = made
        engine = self.engines[name] = Engine(self, made)
        return engine

    def route(self, name: str, *providers: str, **more: Any) -> None:
        self.routes[name] = ModelRoute(name, tuple(Step(one, "large") for one in providers), **more)

    def chain(self, *names: str, **more: Any) -> list[Engine]:
        """The route `m` over providers that are made here; one called `...claude` speaks the Messages dialect."""
        engines = [self.provider(name, MESSAGES if name.endswith("claude") else CHAT, **more) for name in names]
        self.route("m", *names)
        return engines

    def router(self) -> Router:
        return Router(
            Config(self.providers, self.routes), profile_for, vendor_of, lambda at, _: self.prices.get(at.name)
        )

    def breaker(self, name: str):
        """The breaker of a provider's model, once it was met."""
        return next(state.breaker for state in self.registry.targets() if state.name == f"{name}/large")

    # -- asking

    def ask(self, body: dict[str, Any] | None = None, **more: Any) -> Answer:
        return self.run(self.send(body, **more))

    def begin(self, **more: Any) -> "asyncio.Task[Answer]":
        """A request under way: its first call is made."""

        async def under_way() -> "asyncio.Task[Answer]":
            before = len(self.called)
            task = asyncio.ensure_future(self.send(**more))
            while len(self.called) == before:
                await pause(0)
            return task

        return self.run(under_way())

    def end(self, task: "asyncio.Task[Answer]") -> None:
        """Its client leaves."""
        task.cancel()
        self.run(asyncio.wait([task]))

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def wait(self, seconds: float) -> None:
        self.run(pause(seconds))

    async def send(
        self,
        body: dict[str, Any] | None = None,
        *,
        stream: bool = False,
        headers: dict[str, str] | None = None,
        route: str = "chat",
    ) -> Answer:
        if self._service is None:
            self._service = self._stack()
        out = Answer(self.write_s)
        asked = {"model": "m", **({"input": "hi"} if route == "embeddings" else {"messages": HELLO}), **(body or {})}
        content = orjson.dumps(asked | {"stream": True} if stream else asked)

        async def read() -> bytes:
            return content

        out.exchange = Exchange(
            id="req_1", route=route, method="POST", path=f"/v1/{route}", headers=headers or {}, read=read, peer="",
            out=out, codec=codec(MESSAGES if route == "messages" else CHAT), started=self.clock.now(),
        )  # fmt: skip
        self.current = out.exchange, asyncio.current_task()
        await self._service(out.exchange)
        return out

    def cancel(self, kind: Kind) -> None:
        """What the edge does when the client leaves, or the process drains."""
        cancel(*self.current, Fault(kind=kind, message="It is over."))

    def _stack(self):
        tools = Tools(
            registry=self.registry,
            engine=lambda provider: self.engines[provider.name],
            clock=self.clock,
            count=lambda *labels: self.counted.append(labels),
            alert=lambda name, /, **facts: self.alerts.append((name, facts)),
        )
        filters = [Observe(Metrics(), self.log, self.clock), Deadline(self.timeouts, self.clock)]
        return stack(filters, Endpoints(self.router(), Chain(tools), self.clock))


@pytest.fixture
def lab():
    vendors()  # read outside the loop
    made = Lab()
    yield made
    made.loop.close()


@pytest.fixture
def traced(lab, monkeypatch):
    """Every exchange of the lab has a trace."""
    plain = lab._stack

    def with_traces():
        service = plain()

        async def serve(exchange):
            exchange.trace = begin(Sampler(), exchange.headers, os.urandom)
            await service(exchange)

        return serve

    monkeypatch.setattr(lab, "_stack", with_traces)
