"""What one connection of Sidestep's own engine takes for an answer, and when it may be used again."""

import asyncio

import pytest

from proxy.upstream.seam import Cut
from tests.unit.proxy.upstream.answers import CHUNKED, HI, OK


@pytest.fixture
def kind():
    return "native"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"hi"),
        (HI + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"hi"),
        (HI + b"HTTP/1.1 200 OK\r\nx-half", b"hi"),
    ],
    ids=["closed", "http-1.0", "second-answer", "half-an-answer"],
)
async def test_a_connection_is_not_used_again_after(serve, engine, soon, answer, body, says, read):
    async with serve(says(answer, HI)) as wire:
        assert await soon(read(engine, wire)) == body
        assert await soon(read(engine, wire)) == body
        assert wire.connections == 2


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_by_its_status_ends_with_its_head(serve, engine, soon, status, says, read):
    async with serve(says(b"HTTP/1.1 %d X\r\n\r\n" % status, HI)) as wire:
        assert await soon(read(engine, wire)) == b""
        assert await soon(read(engine, wire)) == b"hi"
        assert wire.connections == 1


async def test_trailers_are_skipped(serve, engine, soon, says, read):
    async with serve(says(CHUNKED + b"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n", HI)) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(10)) == b"hi"
        assert upstream.headers == [("transfer-encoding", "chunked")]
        assert await soon(read(engine, wire)) == b"hi"
        assert wire.connections == 1


@pytest.mark.parametrize(
    ("start", "more"),
    [(b"0\r\n", b"x: y\r\n" * 1000), (b"0\r\nx: ", b"y" * 10_000), (b"2;", b"x" * 10_000)],
    ids=["trailers", "trailer", "chunk-extension"],
)
async def test_what_stands_between_two_parts_of_a_body_is_bounded(serve, engine, soon, start, more, read):
    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + b"2\r\nhi\r\n" + start)
        while True:
            await peer.send(more)

    async with serve(script) as wire:
        with pytest.raises(Cut):
            await soon(read(engine, wire))


async def test_switching_protocols_is_refused(serve, engine, soon, says, read):
    async with serve(says(b"HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nbytes")) as wire:
        with pytest.raises(Cut):
            await soon(read(engine, wire))


async def test_two_lengths_at_once_are_refused(serve, engine, soon, says, read):
    both = OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    async with serve(says(both)) as wire:
        with pytest.raises(Cut):
            await soon(read(engine, wire))


async def test_bytes_that_nobody_asked_for_close_an_idle_connection(serve, engine, soon, read):
    left = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(HI)
        if wire.connections == 1:
            await again.wait()
            await peer.send(HI)
            await peer.left()
            left.set()

    again = asyncio.Event()
    async with serve(script) as wire:
        assert await soon(read(engine, wire)) == b"hi"
        again.set()
        await soon(left.wait())
        assert await soon(read(engine, wire)) == b"hi"
        assert wire.connections == 2


async def test_an_answer_before_the_request_was_sent_in_full_ends_the_connection(serve, engine, soon):
    """What is left of the request would be taken for the next one's beginning."""

    answered = asyncio.Event()

    async def script(peer):
        await peer.head()
        await peer.send(HI)
        await answered.wait()
        await peer.left()

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(body=b"x" * 50_000_000)))
        assert await soon(upstream.read(10)) == b"hi"
        answered.set()
        assert await soon((await soon(engine.send(wire.call()))).read(10)) == b"hi"
        assert wire.connections == 2


async def test_an_upstream_that_answers_first_takes_the_rest_in_its_own_time(serve, engine, soon):
    told = asyncio.Event()

    async def script(peer):
        await peer.head()
        await peer.send(CHUNKED + b"2\r\nhi\r\n")
        await told.wait()
        await peer.send(b"2\r\nho\r\n0\r\n\r\n")
        await peer.left()

    async with serve(script) as wire:
        chunks = (await soon(engine.send(wire.call(stream=True, body=b"x" * 50_000_000, write_s=0.05)))).chunks()
        assert await soon(anext(chunks)) == b"hi"
        waiting = asyncio.ensure_future(anext(chunks))
        assert (await asyncio.wait([waiting], timeout=0.15))[0] == set()
        told.set()
        assert await soon(waiting) == b"ho"
