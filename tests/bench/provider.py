"""The upstream of all measurements, in a process of its own: `python -m tests.bench.provider CERTIFICATE KEY SECONDS`.

Prints one line of JSON, name to base URL, and serves until it is ended. SECONDS is how long a `paced` stream lasts.
Answers are rendered at the first question and played again from memory, each event a write of its own.
"""

import asyncio
import json
import ssl
import sys
from contextlib import AsyncExitStack

import uvloop

from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import Script, ok, status
from translators.ir import Dialect

CHUNKS_PER_S = 20
CHUNKS = 200
CHUNK_EVERY_S = 0.005
"""Of the streams by which dialects are compared."""
OPENAI, ANTHROPIC = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
SPOKEN = {
    "chat": OPENAI,
    "responses": Dialect.OPENAI_RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": Dialect.GEMINI,
}
"""The providers of the ordered pairs."""


def scripts(seconds: float) -> dict[str, tuple[Dialect, Script, bool]]:
    """What is served: name to dialect, script, TLS."""
    return {
        "unary": (OPENAI, ok(), False),
        "failing": (OPENAI, status(404), False),
        "unary-tls": (OPENAI, ok(), True),
        "anthropic": (ANTHROPIC, ok(), False),
        "burst": (OPENAI, ok(deltas=50), False),
        "burst-tls": (OPENAI, ok(deltas=50), True),
        "first": (OPENAI, ok(deltas=8, every_s=0.02), False),
        "paced": (OPENAI, ok(deltas=int(seconds * CHUNKS_PER_S), every_s=1 / CHUNKS_PER_S), False),
    }


def pair_scripts() -> dict[str, tuple[Dialect, Script, bool]]:
    """The same, for the pairs: of each dialect short answers and streams of many chunks."""
    streamed = ok(deltas=CHUNKS, every_s=CHUNK_EVERY_S)
    return {f"pair-{name}": (dialect, ok(), False) for name, dialect in SPOKEN.items()} | {
        f"pair-{name}-stream": (dialect, streamed, False) for name, dialect in SPOKEN.items()
    }


def dialect_of(name: str) -> Dialect:
    """Of the provider of that name."""
    return (scripts(0.0) | pair_scripts())[name][0]


async def main(certificate: str, key: str, seconds: float) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with AsyncExitStack() as stack:
        urls = {}
        for name, (dialect, script, secure) in (scripts(seconds) | pair_scripts()).items():
            provider = ScriptedProvider(name, dialect, script, tls=tls if secure else None)
            urls[name] = (await stack.enter_async_context(provider)).base_url
        print(json.dumps(urls), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
