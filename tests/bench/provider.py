"""The upstream of all measurements, in a process of its own: `python -m tests.bench.provider CERTIFICATE KEY SECONDS`.

Prints one line of JSON, name to base URL, and serves until it is ended. SECONDS is how long a `paced` stream lasts.
"""

import asyncio
import json
import ssl
import sys
from contextlib import AsyncExitStack

import uvloop

from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import Script, ok
from translators.ir import Dialect

CHUNKS_PER_S = 20
OPENAI, ANTHROPIC = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES


def scripts(seconds: float) -> dict[str, tuple[Dialect, Script, bool]]:
    """What is served: name to dialect, script, TLS."""
    return {
        "unary": (OPENAI, ok(), False),
        "unary-tls": (OPENAI, ok(), True),
        "anthropic": (ANTHROPIC, ok(), False),
        "burst": (OPENAI, ok(deltas=50), False),
        "burst-tls": (OPENAI, ok(deltas=50), True),
        "first": (OPENAI, ok(deltas=8, every_s=0.02), False),
        "paced": (OPENAI, ok(deltas=int(seconds * CHUNKS_PER_S), every_s=1 / CHUNKS_PER_S), False),
    }


async def main(certificate: str, key: str, seconds: float) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with AsyncExitStack() as stack:
        urls = {}
        for name, (dialect, script, secure) in scripts(seconds).items():
            provider = ScriptedProvider(name, dialect, script, tls=tls if secure else None)
            urls[name] = (await stack.enter_async_context(provider)).base_url
        print(json.dumps(urls), flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
