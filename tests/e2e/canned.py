"""A provider that says exactly what a test gives it, byte for byte, and a proxy that asks it in every dialect.

The scripted providers of `proxy.drill` answer well or wrong in known ways; here it is the test that knows what a vendor
said, or what a client sent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from proxy.app import build
from proxy.config.load import load
from proxy.server import serving

UNTIL_READ = object()
JSON, EVENTS = "application/json", "text/event-stream"
DIALECTS = {
    "chat": "openai-chat",
    "responses": "openai-responses",
    "messages": "anthropic-messages",
    "gemini": "gemini",
}
PATHS = {"chat": "chat/completions", "responses": "responses", "messages": "messages", "completions": "completions"}
"""Where the clients of each dialect ask."""


@dataclass
class Canned:
    """`answers` are given in turn, the last one for ever: a status, a content type and a body each."""

    url: str = ""
    proxy: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in order."""
    answers: list[tuple[int, str, list[bytes]]] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the client has read something of a stream."""

    def says(self, *answers: object, status: int = 200) -> None:
        """A dict is a whole answer, a list the data of a stream's events, bytes are a body of JSON. At `UNTIL_READ` a
        stream stands still."""
        self.heard.clear()
        self.reached.clear()
        self.answers = [(status, *_said(one)) for one in answers]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        self.heard.append(orjson.loads(await reader.readexactly(int(length.partition(":")[2]))))
        status, kind, pieces = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        writer.write(b"HTTP/1.1 %d X\r\ncontent-type: %b\r\nconnection: close\r\n" % (status, kind.encode()))
        writer.write(b"content-length: %d\r\n\r\n" % sum(map(len, pieces)))
        for at, piece in enumerate(pieces):
            if at:
                await asyncio.wait_for(self.reached.wait(), 10)
            writer.write(piece)
        writer.close()

    async def ask(self, client: str, body: dict[str, Any] | bytes, **headers: str) -> httpx2.Response:
        """As a client of `chat`, `responses`, `messages` or `completions`, or at another path."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"content-type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await http.post(f"{self.proxy}/v1/{PATHS.get(client, client)}", content=content, headers=sent)

    async def listen(self, client: str, body: dict[str, Any] | bytes, **headers: str) -> tuple[int, str, bool]:
        """The same of a stream: its status, all that came of it, and whether that was cut off."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent, told = {"content-type": JSON} | {name.replace("_", "-"): one for name, one in headers.items()}, b""
        async with httpx2.AsyncClient(trust_env=False) as http:
            url = f"{self.proxy}/v1/{PATHS.get(client, client)}"
            async with http.stream("POST", url, content=content, headers=sent) as answer:
                try:
                    async for piece in answer.aiter_raw():
                        told += piece
                        self.reached.set()
                except httpx2.TransportError:
                    return answer.status_code, told.decode(), True
        return answer.status_code, told.decode(), False


def _said(answer: object) -> tuple[str, list[bytes]]:
    if not isinstance(answer, list):
        return JSON, [answer if isinstance(answer, bytes) else orjson.dumps(answer)]
    pieces = [b""]
    for one in answer:
        if one is UNTIL_READ:
            pieces.append(b"")
        else:
            pieces[-1] += _event(one)
    return EVENTS, pieces


def _event(data: object) -> bytes:
    name = data["type"].encode() if isinstance(data, dict) and isinstance(data.get("type"), str) else b""
    said = data if isinstance(data, bytes) else orjson.dumps(data)
    return (b"event: %b\n" % name if name else b"") + b"data: %b\n\n" % said


def events_of(stream: str) -> list[Any]:
    """The data of a streamed answer's events; a mark that is no JSON stands as its text."""
    lines = [line[6:] for line in stream.splitlines() if line.startswith("data: ")]
    return [orjson.loads(line) if line[:1] in "{[" and line != "[DONE]" else line for line in lines]


@asynccontextmanager
async def canned(folder: Any, more: str = "") -> AsyncIterator[Canned]:
    """A model of each dialect's name goes to a provider that speaks it; `more` is more configuration, in which
    `{url}` is the provider's address."""
    made = Canned()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        text = '[server]\nlisten = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n[retry]\nattempts_per_target = 1\n'
        for name, dialect in DIALECTS.items():
            text += f'[providers.{name}]\ndialect = "{dialect}"\nbase_url = "{made.url}"\nkeys = ["env:CANNED_KEY"]\n'
            text += f'[models.{name}]\nchain = ["{name}/m"]\n'
        file = folder / "canned.toml"
        file.write_text(text + more.replace("{url}", made.url))
        config = (await asyncio.to_thread(load, str(file), {"CANNED_KEY": "canary"})).config
        async with serving(config, build) as running:
            made.proxy = running.data_url
            yield made
