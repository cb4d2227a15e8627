"""A small client of the OpenAI API on a bare asyncio protocol: for the demo without the openai SDK, and for benchmarks.

It trusts nothing: an answer that is cut short, holds an error event, or lacks its finish or its `[DONE]` is not ok,
also where a vendor's SDK would take it for a success. Plain HTTP only, since it talks to a proxy on this machine.
"""

import asyncio
import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

import httptools
import orjson

from proxy.clock import Clock, SystemClock
from proxy.telemetry import names
from proxy.upstream.timers import Stalled, Watchdog

Kind = Literal["unary", "stream", "tools", "embeddings"]
KINDS: tuple[Kind, ...] = ("unary", "stream", "tools", "embeddings")
TIMEOUT_S = 60.0
CLOCK = SystemClock()
"""Not the loop's own time: that of uvloop counts whole milliseconds."""
MODEL, EMBED_MODEL = "demo-large", "demo-embed"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a client saw of one request."""

    ok: bool
    error: str = ""
    """One clause; empty when ok."""
    text: str = ""
    """The answer's text; the name of the tool it calls; the length of its vector."""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    seconds: float = 0.0
    first_token_s: float | None = None
    """Until the first content of a stream."""

    @property
    def served_by(self) -> str:
        """`provider/model` as the answer's headers say; empty where they do not."""
        provider, model = self.headers.get(names.PROVIDER, ""), self.headers.get(names.MODEL, "")
        return f"{provider}/{model}" if provider else ""


class Answered:
    """An answer as it arrived: `pieces` are (clock time, bytes) of the decoded body."""

    __slots__ = ("ended", "headers", "pieces", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[tuple[float, bytes]] = []
        self.ended = 0.0

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)


class Broken(Exception):
    """The connection ended before the answer did; `answered` is what had arrived by then."""

    def __init__(self, why: str, answered: Answered | None = None) -> None:
        super().__init__(why)
        self.answered = answered


class Left(Broken):
    """The client itself had enough of the silence."""


class Channel(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock) -> None:
        self._loop = loop
        self._now = clock.now
        self._parser: httptools.HttpResponseParser
        self._transport: asyncio.Transport | None = None
        self.answer = Answered()
        """As far as it has come."""
        self._done: asyncio.Future[Answered] | None = None
        self.on_piece: Callable[[bytes], None] | None = None
        """Called with each piece of a body in place of keeping it."""
        self.on_sign: Callable[[], object] | None = None
        """Called whenever anything came."""

    @classmethod
    async def open(cls, url: str, clock: Clock = CLOCK) -> Self:
        """A connection to the host of `url`. Raises OSError."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(lambda: cls(loop, clock), parts.hostname or "", parts.port or 80)
        return channel

    async def send(self, request: bytes) -> Answered:
        """The whole answer to `request`. Raises Broken."""
        if self._transport is None or self._transport.is_closing():
            raise Broken("the connection was closed")
        self.answer = Answered()
        self._parser = httptools.HttpResponseParser(self)
        self._done = self._loop.create_future()
        self._transport.write(request)
        return await self._done

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(str(exc) if exc else "the connection was closed before the answer's end")

    def data_received(self, data: bytes) -> None:
        if self.on_sign:
            self.on_sign()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer is not HTTP: {error}")

    def _fail(self, why: str) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(Broken(why, self.answer))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self.on_piece:
            self.on_piece(body)
        else:
            self.answer.pieces.append((self._now(), body))

    def on_message_complete(self) -> None:
        self.answer.ended = self._now()
        if self._done and not self._done.done():
            self._done.set_result(self.answer)


def encode(base_url: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """A request for `base_url` + `path`: a POST of `body` as JSON, or a GET without one."""
    parts = urlsplit(base_url + path)
    told = {"host": parts.netloc, **(headers or {})}
    data = b""
    if body is not None:
        data = orjson.dumps(body)
        told |= {"content-type": "application/json", "content-length": str(len(data))}
    lines = [f"{'GET' if body is None else 'POST'} {parts.path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data


def question(kind: Kind, text: str = "Say something short.") -> tuple[str, dict[str, Any]]:
    """Path and body of a request of that kind."""
    if kind == "embeddings":
        return "/embeddings", {"model": EMBED_MODEL, "input": text, "encoding_format": "base64"}
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    if kind == "stream":
        body["stream"] = True
    if kind == "tools":
        body["tools"] = [TOOL]
    return "/chat/completions", body


async def ask(
    base_url: str,
    kind: Kind,
    headers: Mapping[str, str] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    clock: Clock = CLOCK,
) -> Result:
    """One request on a connection of its own. Never raises for what the other side does."""
    path, body = question(kind)
    started = clock.now()
    try:
        async with asyncio.timeout(timeout_s):
            answered = await once(base_url, path, body, headers, clock)
    except (OSError, Broken, TimeoutError) as error:
        said = str(error) or type(error).__name__
        return Result(ok=False, error=said, seconds=clock.now() - started)
    return judged(kind, answered, started)


async def once(
    base_url: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    clock: Clock = CLOCK,
    silence_s: float = math.inf,
) -> Answered:
    """One exchange on a connection of its own, given up when nothing has come for `silence_s`, as by the official SDK
    for Python. Raises OSError, Broken or Left."""
    channel = await Channel.open(base_url, clock)
    try:
        with Watchdog(silence_s) as dog:
            if silence_s < math.inf:
                channel.on_sign = partial(dog.rearm, silence_s)
            return await channel.send(encode(base_url, path, body, headers))
    except Stalled:
        raise Left(f"the client left: nothing came for {silence_s:.3g} s", channel.answer) from None
    finally:
        channel.close()


def judged(kind: Kind, answered: Answered, started: float) -> Result:
    """What `answered` amounts to; `started` is the clock time at which it was asked for."""
    error, text, first_token = "", "", None
    try:
        if answered.status != 200:
            error = f"status {answered.status}: {_message(answered.body)}"
        elif kind == "stream":
            text, at = read_stream(answered.pieces)
            first_token = at - started
        else:
            text = _unary(kind, orjson.loads(answered.body))
    except (ValueError, KeyError, IndexError, TypeError) as wrong:
        error = str(wrong) or type(wrong).__name__
    seconds = answered.ended - started
    return Result(error == "", error, text, answered.status, answered.headers, seconds, first_token)


def _message(body: bytes) -> str:
    try:
        return str(orjson.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "no error object in the body"


def _unary(kind: Kind, body: Any) -> str:
    """The answer's text. Raises ValueError, KeyError, IndexError or TypeError where it is not whole."""
    if kind == "embeddings":
        return f"{len(base64.b64decode(body['data'][0]['embedding'])) // 4} numbers"
    choice = body["choices"][0]
    if choice["finish_reason"] not in ("stop", "tool_calls"):
        raise ValueError(f"finish_reason is {choice['finish_reason']}")
    if kind == "tools":
        return str(choice["message"]["tool_calls"][0]["function"]["name"])
    return str(choice["message"]["content"])


def read_stream(pieces: list[tuple[float, bytes]]) -> tuple[str, float]:
    """Text of a stream and the time of its first content. Raises ValueError where it is not whole."""
    text, first, finish, rest = "", 0.0, None, b""
    for at, piece in pieces:
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            data = event.removeprefix(b"data: ")
            if data == b"[DONE]":
                if finish is None:
                    raise ValueError("the stream ended without a finish_reason")
                return text, first or at
            if data.startswith(b"{"):
                delta, ended = _delta(orjson.loads(data))
                first = first or (at if delta else 0.0)
                text, finish = text + delta, ended or finish
    raise ValueError("the stream ended without [DONE]")


def _delta(event: Any) -> tuple[str, str | None]:
    if event.get("error"):
        raise ValueError(f"error event: {event['error'].get('message')}")
    if not event["choices"]:
        return "", None
    choice = event["choices"][0]
    return choice["delta"].get("content") or "", choice["finish_reason"]
