"""Every engine gives a body to a sink, piece by piece, while the task that asked for it sleeps."""

import asyncio

import pytest

from proxy.upstream.seam import Cut
from tests.unit.proxy.upstream.answers import CHUNKED

LAST = b"0\r\n\r\n"


class Sink:
    """Takes pieces; after `enough` of them in a row it wants no more, and `raises` on one that is b"bad"."""

    def __init__(self, enough: int = 1000) -> None:
        self.pieces: list[bytes] = []
        self.came = asyncio.Event()
        self.enough = enough

    def __call__(self, piece: bytes) -> bool:
        if piece == b"bad":
            raise ValueError("a piece that is bad")
        self.pieces.append(piece)
        self.came.set()
        return len(self.pieces) < self.enough


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def telling(*data: bytes, then_leaves: bool = False):
    """A script that sends one piece each time it is `told`."""
    told = asyncio.Semaphore(0)

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED)
        for one in data:
            await told.acquire()
            await peer.send(one)
        if not then_leaves:
            await peer.left()

    return script, told


async def test_each_piece_is_given_where_it_arrives_up_to_the_end(serve, engine, soon):
    script, told = telling(chunk(b"one"), chunk(b"two"), LAST)
    sink = Sink()
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        task = asyncio.ensure_future(upstream.drive(sink))
        for known in ([b"one"], [b"one", b"two"]):
            sink.came.clear()
            told.release()
            await soon(sink.came.wait())
            assert sink.pieces == known and not task.done()
        told.release()
        assert await soon(task) is False
        assert await soon(upstream.drive(sink)) is False
        await upstream.close()


async def test_a_sink_that_has_enough_gets_no_more_until_it_asks_again(serve, engine, soon):
    script, told = telling(chunk(b"one"), chunk(b"two"), LAST)
    sink = Sink(enough=1)
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        told.release()
        assert await soon(upstream.drive(sink)) is True
        told.release()
        told.release()
        assert sink.pieces == [b"one"]
        sink.enough = 1000
        assert await soon(upstream.drive(sink)) is False
        assert b"".join(sink.pieces) == b"onetwo"


async def test_what_the_sink_raises_is_raised_where_it_is_waited_for(serve, engine, soon):
    script, told = telling(chunk(b"one"), chunk(b"bad"), chunk(b"two"))
    sink = Sink()
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        task = asyncio.ensure_future(upstream.drive(sink))
        told.release()
        await soon(sink.came.wait())
        told.release()
        with pytest.raises(ValueError, match="bad"):
            await soon(task)
        told.release()
        await upstream.close()
    assert sink.pieces == [b"one"]


async def test_a_body_that_breaks_off_gives_what_came_and_is_cut(serve, engine, soon):
    script, told = telling(chunk(b"one") + b"5\r\ntw", then_leaves=True)
    sink = Sink()
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        told.release()
        with pytest.raises(Cut):
            await soon(upstream.drive(sink))
        assert b"".join(sink.pieces) in (b"one", b"onetw")
        await upstream.close()


async def test_a_cancelled_wait_closes_the_connection_and_gives_nothing_more(serve, engine, soon):
    left = asyncio.Event()
    told = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + chunk(b"one"))
        await told.wait()
        await peer.left()
        left.set()

    sink = Sink()
    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        task = asyncio.ensure_future(upstream.drive(sink))
        await soon(sink.came.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.close()
        told.set()
        await soon(left.wait())
    assert sink.pieces == [b"one"]
