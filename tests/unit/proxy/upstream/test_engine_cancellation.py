"""Cancelling the task that waits for an upstream closes the connection, whatever it waits for."""

import asyncio

import pytest

from tests.unit.proxy.upstream.answers import CHUNKED


class Watched:
    """A script that sends `data` to the first request, then tells when the client has left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, peer) -> None:
        await peer.request()
        if self._data:
            await peer.send(self._data)
        self.asked.set()
        await peer.left()
        self.left.set()


async def begun(task) -> None:
    """Returns when the task has run up to its first wait."""
    await asyncio.wait([task], timeout=0)


async def cancel(task) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_while_waiting_for_the_head(serve, engine, soon, stream):
    script = Watched(b"")
    async with serve(script) as wire:
        task = asyncio.ensure_future(engine.send(wire.call(stream=stream)))
        await soon(script.asked.wait())
        await cancel(task)
        await soon(script.left.wait())


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("data", [CHUNKED, CHUNKED + b"2\r\nhi\r\n"], ids=["before-first", "mid-body"])
async def test_while_waiting_for_a_whole_body(serve, engine, soon, data, stream):
    script = Watched(data)

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=stream)))
        task = asyncio.ensure_future(upstream.read(1000))
        await begun(task)
        await cancel(task)
        await soon(script.left.wait())


async def test_while_waiting_for_the_first_chunk(serve, engine, soon):
    script = Watched(CHUNKED)
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        task = asyncio.ensure_future(anext(upstream.chunks()))
        await begun(task)
        await cancel(task)
        await soon(script.left.wait())


async def test_while_waiting_for_the_second_chunk(serve, engine, soon):
    script = Watched(CHUNKED + b"2\r\nhi\r\n")
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        chunks = upstream.chunks()
        assert await soon(anext(chunks)) == b"hi"
        task = asyncio.ensure_future(anext(chunks))
        await begun(task)
        await cancel(task)
        await soon(script.left.wait())


async def test_a_cancelled_call_gives_its_place_in_the_pool_back(serve, make, soon):
    engine = await make(connections=1)
    script = Watched(b"")
    async with serve(script) as wire:
        for _ in range(3):
            script.asked.clear()
            task = asyncio.ensure_future(engine.send(wire.call()))
            await soon(script.asked.wait())
            await cancel(task)


async def test_closing_an_answer_closes_its_connection(serve, engine, soon):
    script = Watched(CHUNKED + b"2\r\nhi\r\n")
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        await upstream.close()
        await soon(script.left.wait())
