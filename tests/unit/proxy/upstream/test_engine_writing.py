"""How every engine gets a request out: whole, however long it is, and only to an upstream that takes it."""

import asyncio

import pytest

from proxy.clock import SystemClock
from proxy.upstream.seam import Cut, NotTaken
from tests.unit.proxy.upstream.answers import HI

LONG = bytes(range(256)) * 200_000
"""More than the buffers of two sockets hold."""


@pytest.fixture(params=["plain", "tls"])
def tls(request, certificates):
    return certificates.server if request.param == "tls" else None


@pytest.fixture
async def engine(make, certificates):
    return await make(ca_file=str(certificates.ca_file))


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 131_072, 200_001, 6_000_000])
async def test_a_body_arrives_as_it_is(serve, engine, soon, tls, size):
    body = LONG[:size]

    async def script(peer):
        for _ in range(2):
            head, _, arrived = (await peer.request()).partition(b"\r\n\r\n")
            assert head.lower().count(b"content-length: %d" % size) == 1
            assert b"transfer-encoding" not in head.lower()
            assert arrived == body
            await peer.send(HI)
        await peer.left()

    async with serve(script, tls) as wire:
        for _ in range(2):
            assert await soon((await soon(engine.send(wire.call(body=body)))).read(10)) == b"hi"
        assert wire.connections == 1


async def test_an_upstream_that_stops_taking_a_request_is_given_up(serve, engine, soon, tls):
    left = asyncio.Event()

    async def script(peer):
        await peer.head()
        await given_up.wait()
        await peer.left()
        left.set()

    given_up = asyncio.Event()
    async with serve(script, tls) as wire:
        with pytest.raises(NotTaken, match="did not take the request in time"):
            await soon(engine.send(wire.call(body=LONG, write_s=0.1)))
        given_up.set()
        await soon(left.wait())


async def test_an_upstream_that_takes_a_request_slowly_gets_its_time(serve, engine, soon):
    """The time is one for each piece, not for the whole."""
    loop = asyncio.get_running_loop()
    took = 0.0

    async def script(peer):
        nonlocal took
        begin = loop.time()
        await peer.head()
        for start in range(0, len(LONG), 1_000_000):
            await peer.take(len(LONG[start : start + 1_000_000]))
            await SystemClock().sleep(0.03)
        took = loop.time() - begin
        await peer.send(HI)
        await peer.left()

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(body=LONG, write_s=0.7)))
        assert await soon(upstream.read(10)) == b"hi"
        assert took > 0.7


async def test_an_upstream_that_leaves_while_it_is_written_to_is_cut(serve, engine, soon, tls):
    async def script(peer):
        await peer.head()
        peer.reset()

    async with serve(script, tls) as wire:
        with pytest.raises(Cut) as caught:
            await soon(engine.send(wire.call(body=LONG)))
        assert not isinstance(caught.value, NotTaken)


async def test_a_call_cancelled_while_it_is_written_ends_at_the_upstream(serve, engine, soon, tls):
    begun, left = asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.head()
        begun.set()
        await gone.wait()
        await peer.left()
        left.set()

    gone = asyncio.Event()
    async with serve(script, tls) as wire:
        task = asyncio.ensure_future(engine.send(wire.call(body=LONG)))
        await soon(begun.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gone.set()
        await soon(left.wait())
