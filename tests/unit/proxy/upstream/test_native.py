"""The pool of Sidestep's own engine, and how a call becomes a request."""

import asyncio
import gc
import weakref
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from proxy.clock import SystemClock
from proxy.upstream import native
from proxy.upstream.seam import Cut, Unreachable
from tests.unit.proxy.upstream.answers import CHUNKED, HI


@pytest.fixture
def kind():
    return "native"


async def test_a_connection_idle_for_too_long_is_not_used_again(serve, engine, soon, monkeypatch, says, read):
    monkeypatch.setattr(native, "IDLE_S", 0.0)
    async with serve(says(HI, HI)) as wire:
        assert await soon(read(engine, wire)) == b"hi"
        assert await soon(read(engine, wire)) == b"hi"
        assert wire.connections == 2


async def test_a_connection_idle_for_too_long_is_closed_though_nobody_asks(serve, engine, soon, monkeypatch, read):
    """After a crowd there may be more than anybody will ever need again."""
    monkeypatch.setattr(native, "IDLE_S", 0.01)
    left = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(HI)
        await peer.left()
        left.set()

    async with serve(script) as wire:
        assert await soon(read(engine, wire)) == b"hi"
        await soon(left.wait())
    assert not any(engine._idle.values())
    assert engine._sweep is None


async def test_a_connection_is_closed_at_the_moment_it_was_to_be(engine, monkeypatch):
    """Be that moment, less the time it was idle, a little before it was: else the timer would ring for ever."""
    since = next(t for n in range(1_000) if (t := 1_000 + n / 7) > (t + native.IDLE_S) - native.IDLE_S)
    connection = Mock(idle_since=since)
    engine._idle = {"origin": {connection: None}}
    loop = SimpleNamespace(time=lambda: since + native.IDLE_S)
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "get_running_loop", lambda: loop)
        engine._swept()
    assert (engine._idle, engine._sweep) == ({"origin": {}}, None)


async def test_a_connection_that_ends_while_it_is_idle_is_forgotten_at_once(serve, engine, soon, monkeypatch, read):
    """And waits for nobody, the collector included."""
    gone, forget = asyncio.Event(), engine._gone
    monkeypatch.setattr(engine, "_gone", lambda *which: (forget(*which), gone.set()))
    end = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(HI)
        await end.wait()

    gc.disable()
    try:
        async with serve(script) as wire:
            assert await soon(read(engine, wire)) == b"hi"
            (idle,) = engine._idle.values()
            kept = weakref.ref(next(iter(idle)))
            end.set()
            await soon(gone.wait())
        assert not idle
        await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.01)  # the loop lets go of it, too
        assert kept() is None
    finally:
        gc.enable()


async def test_closing_the_engine_ends_what_is_under_way(serve, engine, soon, says):
    async with serve(says(CHUNKED + b"2\r\nhi\r\n")) as wire:
        chunks = (await soon(engine.send(wire.call(stream=True)))).chunks()
        assert await soon(anext(chunks)) == b"hi"
        await engine.close()
        with pytest.raises(Cut):
            await soon(anext(chunks))


async def test_a_call_cancelled_while_it_connects_gives_its_place_back(serve, make, soon, says, read, to, silent):
    engine = await make(connections=1)
    task = asyncio.ensure_future(engine.send(to(f"http://127.0.0.1:{silent}/")))
    await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with serve(says(HI)) as wire:
        assert await soon(read(engine, wire)) == b"hi"


async def test_a_call_cancelled_while_it_waits_for_a_place_takes_none(serve, make, soon, says, read):
    engine = await make(connections=1)
    async with serve(says(CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", HI)) as wire:
        hold = asyncio.Event()

        async def script(peer):
            await peer.request()
            await peer.send(CHUNKED + b"2\r\nhi\r\n")
            await hold.wait()
            await peer.send(b"0\r\n\r\n")

        async with serve(script) as slow:
            holder = await soon(engine.send(slow.call(stream=True)))
            task = asyncio.ensure_future(engine.send(wire.call(pool_s=60.0)))
            await asyncio.wait([task], timeout=0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hold.set()
            assert await soon(holder.read(10)) == b"hi"
        assert await soon(read(engine, wire)) == b"hi"


@pytest.mark.parametrize(
    "url", ["ftp://host/", "http:///path", "http://host:port/", "/path", "http://host/a b", "http://host/ä", "http://["]
)
async def test_a_url_that_cannot_be_called_is_unreachable(engine, url, to):
    with pytest.raises(Unreachable, match="URL"):
        await engine.send(to(url))


async def test_the_query_and_the_port_are_part_of_the_request(serve, engine, soon, to):
    requests = []

    async def script(peer):
        requests.append(await peer.request())
        await peer.send(HI)

    async with serve(script) as wire:
        url = f"http://user:secret@127.0.0.1:{wire.port}?api-version=1"
        await soon(engine.send(to(url)))
    assert (
        requests[0] == b"POST /?api-version=1 HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n"
        b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}" % wire.port
    )


async def test_nothing_more_is_asked_of_a_body_whose_upstream_has_refused_it(serve, engine, soon):
    """Though it would take it; and the connection, whose other end waits for the rest, is not used again."""
    refused = asyncio.Event()
    pieces = 0

    async def body():
        nonlocal pieces
        yield b"x" * 1000
        await refused.wait()
        while True:
            pieces += 1
            yield b"x"
            await SystemClock().sleep(0.001)

    async def script(peer):
        await peer.head()
        await peer.take(1000)
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        refused.set()
        await peer.left()

    async with serve(script) as wire:
        for _ in range(2):
            upstream = await soon(engine.send(wire.call(body=body(), length=1_000_000_000)))
            assert (upstream.status, await soon(upstream.read(10))) == (413, b"no")
        assert wire.connections == 2
        assert pieces < 100
