"""What requests leave behind, counted in the interpreter's own blocks of memory: nothing, whatever becomes of them.

Sharper than any look at a process from outside, which sees pages: one object kept of each request is found in seconds.
"""

import asyncio
import gc
import sys
from contextlib import AsyncExitStack
from io import RawIOBase

import pytest

from proxy.app import build
from proxy.config.load import load as load_config
from proxy.drill import script as scripts
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from tests.soak.clients import Clients, mix
from tests.soak.providers import BACK, FRONT
from tests.soak.world import QUICK, config
from translators.ir import Dialect

ROUNDS = 12
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


def loaded(path, urls):
    path.write_text(config(urls, "127.0.0.1:0", "127.0.0.1:0", QUICK))
    return load_config(str(path), {"BENCH_PROVIDER_KEY": "k"}).config


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_request_leaves_no_object_behind(tmp_path, fault):
    async with AsyncExitStack() as stack:
        providers = [
            await stack.enter_async_context(ScriptedProvider(name, dialect, heard=1))
            for name, dialect in (FRONT | BACK | {"paced": Dialect.OPENAI_CHAT}).items()
        ]
        settings = await asyncio.to_thread(
            loaded, tmp_path / "left.toml", {one.name: one.base_url for one in providers}
        )
        running = await stack.enter_async_context(serving(settings, lambda *made: build(*made, Nowhere())))
        for one in providers:
            if one.name in FRONT:
                one.script = FAULTS[fault]
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
