"""What the targets share: the ways one input is cut, and the providers and jobs it is tried with.

Everything that varies is chosen by a checksum of the input, so that an input means the same wherever it is run.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from proxy.config.profiles import profile_for, vendors
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from proxy.opaque import MemoryStore, Past
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import Dialect

CLIENTS = (Dialect.OPENAI_CHAT, Dialect.OPENAI_COMPLETIONS, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES)
"""Dialects that clients of the data port speak."""
UPSTREAMS = (Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI)
LIMIT = 1 << 22
CUT = Fault(kind=Kind.PROTOCOL, message="The stream was cut.")

_MODELS = {
    Dialect.OPENAI_CHAT: ("gpt-5.4", "gpt-4o", "o3", "deepseek-v4-pro", "grok-4.5", "mistral-medium-latest", "qwen3"),
    Dialect.OPENAI_RESPONSES: ("gpt-5.4", "gpt-4o"),
    Dialect.ANTHROPIC_MESSAGES: ("claude-sonnet-5", "claude-opus-4-1", "claude-3-5-haiku-latest"),
    Dialect.GEMINI: ("gemini-3.6-flash", "gemini-2.5-pro", "gemini-2.0-flash"),
}


def target_of(dialect: Dialect, seed: int) -> Target:
    """A target that speaks `dialect`: of some vendor, or plain."""
    owners = [one.name for one in vendors().values() if one.dialect is dialect]
    vendor = ["", *owners][seed % (len(owners) + 1)]
    models = _MODELS[dialect]
    model = models[seed // 31 % len(models)]
    provider = Provider("p", dialect, "https://api.test/v1", vendor=vendor)
    profile = profile_for(provider, model)
    return Target(provider, model, profile, BreakerSettings(), RetrySettings(), TimeoutSettings())


def context_of(seed: int) -> Context:
    return Context(id="id-1", created=5, model="m-1", include_usage=bool(seed & 1), named_tool=bool(seed & 2))


def job_of(client: Dialect, payload: dict[str, Any], *, stream: bool = False, bound: int | None = None) -> ChatJob:
    past = Past(MemoryStore(lambda: 0.0, b"s" * 16), "client")
    return ChatJob(codec(client), payload, stream=stream, usage=stream, bound=bound, past=past, fan_out=True)


def seed_of(data: bytes) -> int:
    return zlib.crc32(data)


def cuttings(data: bytes) -> Iterator[Sequence[bytes]]:
    """The input whole, byte by byte where that is not too long, and in pieces of three other sizes."""
    yield [data]
    if len(data) <= 600:
        yield [data[at : at + 1] for at in range(len(data))]
    seed = seed_of(data)
    for turn in range(3):
        yield list(_pieces(data, seed >> (8 * turn)))


def _pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """Pieces of up to 64 bytes, empty ones among them, by a linear congruence."""
    at = 0
    while at < len(data):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        size = (seed >> 16) % 64
        yield data[at : at + size]
        at += size
