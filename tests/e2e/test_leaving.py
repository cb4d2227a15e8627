"""A client that leaves ends its upstream call at once, in every window; and what a proxy that stops does to streams."""

import asyncio

import httpx2
import orjson
import pytest

from proxy.drill import script

HELLO = {"model": "solo", "messages": [{"role": "user", "content": "a b c d e f"}]}


class Raw:
    """A client that can leave whenever it likes."""

    @classmethod
    async def ask(cls, world, body) -> "Raw":
        self = cls()
        host, port = world.url.removeprefix("http://").removesuffix("/v1").split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        content = orjson.dumps(body)
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        return self

    async def leave(self) -> None:
        self.writer.transport.abort()


@pytest.mark.parametrize("model", ["solo", "claude"])
@pytest.mark.parametrize("window", ["unary", "before the first token", "mid-stream"])
async def test_a_client_that_leaves_takes_its_upstream_call_with_it(world, window, model):
    provider = world.alpha if model == "solo" else world.beta
    provider.script = script.hold(after=2) if window == "mid-stream" else script.hold()
    before = provider.cancelled
    client = await Raw.ask(world, HELLO | {"model": model, "stream": window != "unary"})
    await provider.wait_for_requests(provider.request_count + (0 if provider.requests else 1))
    if window == "mid-stream":
        assert b"200 OK" in await client.reader.readuntil(b"demo")
    await client.leave()
    await asyncio.wait_for(provider.wait_for_cancelled(before + 1), 5)
    assert world.calls()[provider.name] == 1, "nobody is asked on behalf of a client that left"


async def test_a_client_that_leaves_frees_everything_it_held(world):
    world.alpha.script = script.hold()
    client = await Raw.ask(world, HELLO)
    await world.alpha.wait_for_requests(world.alpha.request_count + (0 if world.alpha.requests else 1))
    await client.leave()
    await asyncio.wait_for(world.alpha.wait_for_cancelled(world.alpha.cancelled + 1), 5)
    async with httpx2.AsyncClient(trust_env=False) as admin:
        for _ in range(200):
            state = (await admin.get(world.admin + "/state")).json()
            if state["in_flight"] == 0:
                break
        assert state["in_flight"] == 0
        assert all(target["in_flight"] == 0 for target in state["targets"])
        assert all(key["in_flight"] == 0 for keys in state["providers"].values() for key in keys)


async def test_a_stream_cut_by_the_proxys_end_is_told_and_left_unterminated(make_world):
    """The error event comes in the client's dialect, without `[DONE]`, and the chunked body has no end."""
    async with make_world() as world:
        world.alpha.script = script.hold(after=2)
        client = await Raw.ask(world, HELLO | {"stream": True})
        await client.reader.readuntil(b"demo")
    rest = await client.reader.read()
    assert b'"error"' in rest and b"shutting down" in rest
    assert b"[DONE]" not in rest and not rest.endswith(b"0\r\n\r\n")
    client.writer.close()
