"""The clients of a run: what they ask, how they behave, and what each makes of its answer.

Ends, told apart as a person would want it: `ok`; `told`, a stream that broke after its first content and said so, which
no proxy can mend; `short`, part of an answer that looks whole, which must never be; `shed`, a refusal that says when to
come again; `error`, anything else without an answer; `left`, the client's own doing.
"""

import asyncio
import json
from dataclasses import dataclass, replace
from random import Random  # noqa: TID251 - seeded: the same seed gives the same clients
from typing import Literal

import httptools

from proxy.drill.load import CLOCK, Answered, Broken, Channel, encode
from proxy.telemetry import names
from tests.bench.pairs import CLIENTS, question

End = Literal["ok", "told", "short", "shed", "error", "left"]
Manner = Literal["plain", "slow reader", "slow sender", "leaves"]
HEADERS = {"anthropic-version": "2023-06-01"}
EMBEDDINGS = "embeddings"
READ_PAUSE_S = 1.0
SEND_PAUSE_S = 0.3
STAY_S = 0.3
"""Who leaves does so within that time."""
PATIENCE_S = 60.0
"""Nobody waits longer; every time of the proxy under test is shorter."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, encoded once and sent many times."""

    kind: str
    """Client's dialect, model, and whether it streams: `chat gemini stream`."""
    request: bytes
    stream: bool
    end: bytes
    """What is in the last event of its streams."""


def asked(base_url: str, client: str, model: str, *, stream: bool = False, padding: int = 0) -> Asked:
    """`padding` is how many bytes of text a chat's question has besides. Nobody asks for answers to be kept: what is
    kept fills its bounds for an hour, and would hide or pass for a leak."""
    if client == EMBEDDINGS:
        path, end, body = "/embeddings", "", {"model": model, "input": ["a spare tyre", "a boot"]}
    else:
        path, end = CLIENTS[client]
        body = json.loads(question(client, model, stream=stream))
        if client == "responses":
            body["store"] = False
    if padding:
        body["messages"].insert(0, {"role": "user", "content": ("spare tyre " * (padding // 11 + 1))[:padding]})
    kind = f"{client} {model}{' stream' if stream else ''}"
    return Asked(kind, encode(base_url, path, body, HEADERS), stream, end.encode())


def mix(base_url: str) -> list[Asked]:
    """Each of these equally often: every dialect of clients, whole and streamed, to every dialect of providers."""
    made = [
        asked(base_url, client, model, stream=stream)
        for client in CLIENTS
        for model in ("chat", "claude", "gemini", "responses")
        for stream in (False, True)
    ]
    made += [asked(base_url, EMBEDDINGS, "vectors")] * 3
    return made + [asked(base_url, "chat", "paced", stream=True)] * 2


@dataclass(frozen=True, slots=True)
class Outcome:
    asked: Asked
    end: End
    first_try: bool = False
    """Whether the first target answered at its first call."""
    why: str = ""
    manner: Manner = "plain"
    seconds: float = 0.0


class Line(Channel):
    """A connection whose client may be slow."""

    pause_at_first = False

    def data_received(self, data: bytes) -> None:
        if self.pause_at_first and self._transport is not None:
            self.pause_at_first = False
            self._transport.pause_reading()
            self._loop.call_later(READ_PAUSE_S, self._read_on)
        super().data_received(data)

    def _read_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    async def dribble(self, request: bytes) -> Answered:
        """Sends half of it, and the rest after a while. Raises Broken."""
        half = len(request) // 2
        self._parser = httptools.HttpResponseParser(self)
        if self._transport is not None:
            self._transport.write(request[:half])
        await CLOCK.sleep(SEND_PAUSE_S)
        return await self.send(request[half:])

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()


class Clients:
    """All of them: connections are kept and used again, the one used last first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[Line] = []

    async def ask(self, one: Asked, manner: Manner = "plain", chance: Random | None = None) -> Outcome:
        """Never raises for what the other side does."""
        stay_s = chance.uniform(0, STAY_S) if chance and manner == "leaves" else PATIENCE_S
        started = CLOCK.now()
        line: Line | None = None
        try:
            async with asyncio.timeout(stay_s):
                line = await self._line()
                line.pause_at_first = manner == "slow reader"
                answered = await (line.dribble(one.request) if manner == "slow sender" else line.send(one.request))
                found, line = judged(one, answered), self._kept(line)
        except Broken as error:
            begun = one.stream and error.answered is not None and error.answered.status == 200
            found = Outcome(one, "told" if begun else "error", why=str(error))
        except TimeoutError:
            found = Outcome(one, "left" if manner == "leaves" else "error", why=f"no answer in {stay_s:g} s")
        except OSError as error:
            found = Outcome(one, "error", why=str(error))
        finally:
            if line is not None:
                line.close()
        return replace(found, manner=manner, seconds=CLOCK.now() - started)

    def _kept(self, line: Line) -> None:
        """Keeps it for the next request."""
        self._idle.append(line)

    async def _line(self) -> Line:
        while self._idle:
            line = self._idle.pop()
            if line.usable:
                return line
        return await Line.open(self._url)

    def close(self) -> None:
        """Hangs up on every connection that is not in use."""
        while self._idle:
            self._idle.pop().close()


def judged(one: Asked, answered: Answered) -> Outcome:
    """What a whole HTTP answer amounts to."""
    tries = answered.headers.get(names.ATTEMPTS, "")
    first_try = bool(tries) and "," not in tries and names.SKIPPED not in answered.headers
    body = answered.body
    if answered.status != 200:
        end, why = _refused(answered, body)
        return Outcome(one, end, why=why)
    if one.stream:
        if one.end in body:
            return Outcome(one, "ok", first_try)
        return Outcome(one, "told" if b'"error"' in body else "short", why="the stream has no end")
    try:
        json.loads(body)
    except ValueError:
        return Outcome(one, "short", why="the body is not JSON")
    return Outcome(one, "ok", first_try)


def _refused(answered: Answered, body: bytes) -> tuple[End, str]:
    """A shed request must be told so in full; otherwise it is an error."""
    said = f"status {answered.status}: {body[:200].decode(errors='replace')}"
    if answered.status not in (503, 529) or b"overloaded" not in body:
        return "error", said
    if answered.headers.get("retry-after", "").isdigit() and answered.headers.get(names.SHOULD_RETRY) == "true":
        return "shed", ""
    return "error", f"shed without Retry-After or x-should-retry; {said}"
