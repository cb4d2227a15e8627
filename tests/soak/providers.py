"""The providers of a run, in a process of their own: `python -m tests.soak.providers LATENCY_S`.

Prints one line of JSON, name to base URL, then does what lines on its standard input say: `storm SEED` begins the
weather, `calm` ends it and drops every connection, so that whoever kept some has them no more.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

import uvloop

from proxy.drill.load import CLOCK
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import Script, ok, refuse
from tests.soak.weather import spells
from translators.ir import Dialect

FRONT = {"front-chat": Dialect.OPENAI_CHAT, "front-messages": Dialect.ANTHROPIC_MESSAGES}
"""Those that the weather is for."""
BACK = {
    "back-chat": Dialect.OPENAI_CHAT,
    "back-messages": Dialect.ANTHROPIC_MESSAGES,
    "back-gemini": Dialect.GEMINI,
    "back-responses": Dialect.OPENAI_RESPONSES,
}
"""Those that are always well."""
PACED = "paced"
"""Its streams take their time: `STREAM_S` for `CHUNKS` chunks."""
CHUNKS, STREAM_S = 20, 1.0


def played(latency_s: float) -> dict[str, tuple[Dialect, Script]]:
    """What is served: name to dialect and script in good weather."""
    well = ok(first_s=latency_s) if latency_s else ok()
    named = {name: (dialect, well) for name, dialect in (FRONT | BACK).items()}
    return {**named, PACED: (Dialect.OPENAI_CHAT, ok(deltas=CHUNKS, every_s=STREAM_S / CHUNKS))}


async def weather(provider: ScriptedProvider, seed: int) -> None:
    for spell in spells(seed, provider.name):
        provider.script = spell.script
        await CLOCK.sleep(spell.seconds)


async def main(latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with AsyncExitStack() as stack:
        served = played(latency_s)
        providers = [
            await stack.enter_async_context(ScriptedProvider(name, dialect, script, heard=1))
            for name, (dialect, script) in served.items()
        ]
        print(json.dumps({one.name: one.base_url for one in providers}), flush=True)
        storm: list[asyncio.Task[None]] = []
        async for line in lines:
            word, *rest = line.decode().split()
            for task in storm:
                task.cancel()
            storm = []
            if word == "storm":
                storm = [loop.create_task(weather(one, int(rest[0]))) for one in providers if one.name in FRONT]
            else:
                for one in providers:
                    one.script = refuse()  # resets what is open
                    one.script = served[one.name][1]


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1])))
