"""A short conversation with a target, through the very chain that requests take: translation, keys, timers, parsing.

The doctor asks as an OpenAI client would. Each conversation has a registry of its own, so that what one does to
breakers and keys is nothing to the next, and counts as a client's repetition, so that a target is asked once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from proxy.chain.ready import Tools
from proxy.chain.walk import Chain
from proxy.clock import Clock
from proxy.config.values import Provider
from proxy.doctor import advice
from proxy.doctor.expected import Expected
from proxy.doctor.findings import Finding, bad, good
from proxy.flow import Exchange, Headers, Refused
from proxy.jobs import Job
from proxy.resilience.targets import Registry
from proxy.service import chat_job, embeddings_job
from proxy.upstream.seam import Engine
from translators import embeddings
from translators.catalog import codec
from translators.faults import Fault, Kind, Malformed
from translators.ir import Dialect
from translators.report import Mode

PROMPT: Final = "Say OK."
TOKENS: Final = 16
"""The least bound that every vendor takes."""
TOKENS_REASONING: Final = 1024
"""For a model that thinks before it says anything."""
CHAT_S: Final = 60.0

EngineOf = Callable[[Provider], Engine]


class _Sink:
    """A client that reads everything and keeps nothing."""

    def __init__(self) -> None:
        self.started = False

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:  # noqa: ARG002 - an Output's
        self.started = True

    async def start(self, status: int, headers: Headers, length: int | None = None, first: bytes = b"") -> None:  # noqa: ARG002 - likewise
        self.started = True

    async def write(self, data: bytes) -> None:
        pass

    def push(self, data: bytes) -> bool:  # noqa: ARG002 - likewise
        return True

    async def finish(self) -> None:
        pass

    def abort(self) -> None:
        pass


def output_bound(one: Expected) -> int:
    return TOKENS_REASONING if one.target.profile.reasons else TOKENS


def cost(told: list[Expected]) -> str:
    """What `talk` with each of these may cost, in one sentence."""
    chats = [one for one in told if not one.embeds]
    parts = []
    if chats:
        most = max(map(output_bound, chats))
        each = f"2 requests of about 10 tokens, with answers of at most {most},"
        parts.append(f"{each} to each of {_count(chats)} ({_names(chats)})")
    if vectors := [one for one in told if one.embeds]:
        parts.append(f"1 request for a vector to each of {_count(vectors)} ({_names(vectors)})")
    return f"will send {'; and '.join(parts) or 'nothing: no chain has a target with a key here'}"


def _count(told: list[Expected]) -> str:
    return f"{len(told)} target{'' if len(told) == 1 else 's'}"


def _names(told: list[Expected]) -> str:
    return ", ".join(one.target.name for one in told)


async def talk(one: Expected, engine_of: EngineOf, clock: Clock, seconds: float = CHAT_S) -> list[Finding]:
    """The target asked for a whole answer and for a stream, side by side; one for vectors is asked for one."""
    kinds = ("embeddings",) if one.embeds else ("chat", "stream")
    return list(await asyncio.gather(*(_asked(kind, one, engine_of, clock, seconds) for kind in kinds)))


async def _asked(kind: str, one: Expected, engine_of: EngineOf, clock: Clock, seconds: float) -> Finding:
    name = one.target.name
    began = clock.now()
    exchange = _exchange(kind, began, seconds)
    fault = await _run(exchange, kind, one, engine_of, clock)
    ms = round((clock.now() - began) * 1000, 1)
    if fault is not None:
        return _failed(name, kind, _of_attempt(exchange, fault), one.target.provider, ms)
    return good(name, kind, _told(exchange, kind, began), ms)


def _of_attempt(exchange: Exchange, fault: Fault) -> Fault:
    """What went wrong at the target, rather than what a client is told of it."""
    attempt = exchange.attempts[-1] if exchange.attempts else None
    if attempt is None or attempt.kind in ("ok", Kind.CANCELLED):
        return fault
    return Fault(kind=Kind(attempt.kind), status=attempt.status, message=attempt.message or fault.message)


def _failed(name: str, kind: str, fault: Fault, provider: Provider, ms: float) -> Finding:
    status = f" {fault.status}" if fault.status else ""
    key = provider.keys[0] if provider.keys else None
    detail = f"{fault.kind.value}{status}: {fault.message.rstrip('.')}"
    fix = advice.of_answer(provider) if fault.kind is Kind.PROTOCOL else advice.of_fault(fault, provider, key)
    return bad(name, kind, detail, fix, ms)


def _told(exchange: Exchange, kind: str, began: float) -> str:
    parts = ["answered"]
    if kind == "stream" and exchange.first_token:
        parts = [f"first content after {(exchange.first_token - began) * 1000:.0f} ms"]
    usage = exchange.usage
    if usage is not None:
        parts.append(f"tokens {usage.input} in, {usage.output} out")
    if exchange.translation:
        parts.append(exchange.translation)
    return ", ".join(parts)


def _exchange(kind: str, now: float, seconds: float) -> Exchange:
    async def nothing() -> bytes:
        return b""

    return Exchange(
        id=f"req_doctor{kind}",
        route="embeddings" if kind == "embeddings" else "chat",
        method="POST",
        path="/v1/embeddings" if kind == "embeddings" else "/v1/chat/completions",
        headers={},
        read=nothing,
        peer="",
        out=_Sink(),
        codec=codec(Dialect.OPENAI_CHAT),
        started=now,
        deadline=now + seconds,
        commit_by=now + seconds,
        retry_count=1,
    )


async def _run(exchange: Exchange, kind: str, one: Expected, engine_of: EngineOf, clock: Clock) -> Fault | None:
    """Why it failed, or None."""
    registry = Registry(clock.uniform, b"doctor")
    tools = Tools(registry, engine_of, clock, lambda *_: None, lambda *_, **__: None)
    try:
        async with asyncio.timeout(exchange.deadline - exchange.started + 1.0):
            await Chain(tools).run(exchange, _job(kind, one), one.found, Mode.LENIENT)
    except Refused as refused:
        return refused.fault
    except Malformed as error:
        return Fault(kind=Kind.REFUSED, message=str(error))
    except TimeoutError:
        return Fault(kind=Kind.TIMEOUT, message="it did not come to an end in time")
    return exchange.fault


def _job(kind: str, one: Expected) -> Job:
    model = one.target.name
    if kind == "embeddings":
        payload: dict[str, Any] = {"model": model, "input": "OK"}
        return embeddings_job(payload, embeddings.check(payload), one.found)
    client = codec(Dialect.OPENAI_CHAT)
    payload = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_completion_tokens": output_bound(one),
        "stream": kind == "stream",
    }
    return chat_job(client, payload, client.check_envelope(payload), one.found)
