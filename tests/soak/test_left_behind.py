"""What requests leave behind, counted in the interpreter's own blocks of memory: nothing, whatever becomes of them.

Sharper than any look at a process from outside, which sees pages: one object kept of each request is found in seconds.

And what they leave is gone at once. Objects that know each other in a circle wait for the collector, which counts
objects and not bytes: an exception that is kept knows by its traceback everything it went through, a prompt of many
megabytes among it, and hundreds of those may wait.
"""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from io import RawIOBase
from pathlib import Path

import pytest

import proxy
from proxy.app import build
from proxy.config.load import load as load_config
from proxy.drill import script as scripts
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from tests.soak.clients import Clients, mix
from tests.soak.providers import BACK, FRONT
from tests.soak.weather import FAULTS as FAULTS_OF_A_SOAK
from tests.soak.world import QUICK, config
from translators.ir import Dialect

ROOT = Path(proxy.__file__).parents[1]
ROUNDS = 24
BLOCKS_EACH = 0.5
"""Of memory, for each request, in one of the rounds: a leak is in each of them, what settles is not."""
FAULTS = {
    "well": scripts.ok(),
    "a cut after the first content": scripts.cut(1),
}


class Nowhere(RawIOBase):
    """A log that nobody keeps."""

    def writable(self):
        return True

    def write(self, data):
        return len(data)


def loaded(path, urls, more):
    path.write_text(config(urls, "127.0.0.1:0", "127.0.0.1:0", more))
    return load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config


async def served(stack, path, more):
    """A proxy and its providers; `more` is TOML for its configuration."""
    providers = [
        await stack.enter_async_context(ScriptedProvider(name, dialect, heard=1))
        for name, dialect in (FRONT | BACK | {"paced": Dialect.OPENAI_CHAT}).items()
    ]
    settings = await asyncio.to_thread(loaded, path, {one.name: one.base_url for one in providers}, more)
    return await stack.enter_async_context(serving(settings, lambda *made: build(*made, Nowhere()))), providers


def suffer(providers, script):
    for one in providers:
        if one.name in FRONT:
            one.script = script


def collected():
    """What of the proxy's own had to wait for the collector, by name."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    names = {named(one) for one in gc.garbage}
    gc.garbage.clear()
    ours = {name for name in names if name.startswith(("proxy.", "uvicorn.")) and not name.startswith("proxy.drill.")}
    return ours - {"proxy.upstream.connection.Connection"}  # the loop may still be about to close it


def named(one):
    """Where its type is from; of a frame or a coroutine, where its code is from."""
    code = getattr(one, "f_code", None) or getattr(one, "cr_code", None)
    if code is None:
        return f"{type(one).__module__}.{type(one).__qualname__}"
    place = Path(code.co_filename)
    parts = place.relative_to(ROOT).with_suffix("").parts if place.is_relative_to(ROOT) else place.parts[-1:]
    return f"{'.'.join(parts)}.{code.co_qualname}"


HASTY = """
[timeouts]
deadline_s = 30
progress_s = 0.5
progress_unary_s = 0.5
first_token_reasoning_s = 0.5
idle_s = 0.5
[breaker]
consecutive_failures = 1000
[retry]
base_s = 0.01
cap_s = 0.01
"""
"""So that every request meets the fault, and silence does not last."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_request_leaves_no_object_behind(tmp_path, fault):
    async with AsyncExitStack() as stack:
        running, providers = await served(stack, tmp_path / "left.toml", QUICK)
        suffer(providers, FAULTS[fault])
        clients, asked = Clients(f"{running.data_url}/v1"), mix(f"{running.data_url}/v1")
        held = []
        while len(held) < 3 or (held[-1] - held[-2]) / (len(asked) * 2) >= BLOCKS_EACH:
            assert len(held) < ROUNDS, held
            for one in asked * 2:
                assert (await clients.ask(one)).end in {"ok", "told"}
            clients.close()
            await running.edge.drained()
            gc.collect()
            held.append(sys.getallocatedblocks())


async def test_nothing_of_a_request_waits_for_the_collector(tmp_path):
    """Under any fault that a provider may have, whoever asks and however it ends."""
    async with AsyncExitStack() as stack:
        running, providers = await served(stack, tmp_path / "circles.toml", HASTY)
        clients = Clients(f"{running.data_url}/v1")
        asked = [one for one in mix(f"{running.data_url}/v1") if one.kind.split()[1] == "chat"]
        stack.callback(gc.enable)
        gc.collect()
        gc.disable()
        waited = {}
        for fault, script in {"well": scripts.ok(), **FAULTS_OF_A_SOAK}.items():
            suffer(providers, script)
            await asyncio.gather(*(clients.ask(one) for one in asked))
            clients.close()
            await running.edge.drained()
            if names := collected():
                waited[fault] = names
        assert waited == {}
