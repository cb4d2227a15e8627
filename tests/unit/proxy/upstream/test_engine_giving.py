"""How every engine sends a body that comes from elsewhere: as it comes, no faster than it is taken, and no further than
it is wanted."""

import asyncio

import pytest

from proxy.upstream.seam import Cut, NotTaken, Unreachable
from tests.unit.proxy.upstream.answers import HI

NO = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"
PIECE = bytes(range(256)) * 256
MANY = 800
"""Pieces: more than the buffers of two sockets hold."""


class Source:
    """A body of so many pieces, which tells how many were asked for."""

    def __init__(self, pieces: int, piece: bytes = PIECE, ends: BaseException | None = None) -> None:
        self.left = pieces
        self.given = 0
        self.closed = False
        self._piece = piece
        self._ends = ends

    @property
    def size(self) -> int:
        return self.left * len(self._piece)

    async def __aiter__(self):
        try:
            while self.left:
                self.left -= 1
                self.given += 1
                yield self._piece
            if self._ends is not None:
                raise self._ends
        finally:
            self.closed = True


@pytest.fixture(params=["plain", "tls"])
def tls(request, certificates):
    return certificates.server if request.param == "tls" else None


@pytest.fixture
async def engine(make, certificates):
    return await make(ca_file=str(certificates.ca_file))


def given(wire, source, *, length=None, **more):
    return wire.call(body=aiter(source), length=length, **more)


async def test_a_body_of_known_length_is_sent_under_it_and_the_connection_serves_again(serve, engine, soon, tls):
    async def script(peer):
        for _ in range(2):
            head, _, arrived = (await peer.request()).partition(b"\r\n\r\n")
            assert head.lower().count(b"content-length: %d" % (5 * len(PIECE))) == 1
            assert b"transfer-encoding" not in head.lower()
            assert arrived == PIECE * 5
            await peer.send(HI)
        await peer.left()

    async with serve(script, tls) as wire:
        for _ in range(2):
            source = Source(5)
            upstream = await soon(engine.send(given(wire, source, length=source.size)))
            assert await soon(upstream.read(10)) == b"hi"
        assert wire.connections == 1


async def test_a_body_of_unknown_length_is_sent_in_chunks_and_the_connection_serves_again(serve, engine, soon):
    async def script(peer):
        for _ in range(2):
            head = (await peer.head()).lower()
            assert b"transfer-encoding: chunked" in head and b"content-length" not in head
            assert await peer.chunked() == PIECE * 5
            await peer.send(HI)
        await peer.left()

    async with serve(script) as wire:
        for _ in range(2):
            assert await soon((await soon(engine.send(given(wire, Source(5))))).read(10)) == b"hi"
        assert wire.connections == 1


async def test_a_piece_is_sent_before_the_next_one_is_there(serve, engine, soon):
    first = asyncio.Event()

    async def body():
        yield b"one"
        await first.wait()
        yield b"two"

    async def script(peer):
        await peer.head()
        assert await peer.take(3) == b"one"
        first.set()
        assert await peer.take(3) == b"two"
        await peer.send(HI)
        await peer.left()

    async with serve(script) as wire:
        assert await soon((await soon(engine.send(wire.call(body=body(), length=6)))).read(10)) == b"hi"


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
async def test_an_upstream_that_takes_nothing_is_sent_no_more_than_the_buffers_hold(serve, engine, soon, tls, length):
    async def script(peer):
        await peer.head()
        await given_up.wait()
        await peer.left()

    given_up = asyncio.Event()
    async with serve(script, tls) as wire:
        source = Source(MANY)
        with pytest.raises(NotTaken, match="did not take the request in time"):
            await soon(engine.send(given(wire, source, length=source.size if length else None, write_s=0.1)))
        given_up.set()
    assert 0 < source.left < MANY


async def test_a_refusal_before_the_end_of_the_body_is_the_answer(serve, engine, soon):
    """And the connection is not used again."""

    async def script(peer):
        await peer.head()
        await peer.take(len(PIECE))
        await peer.send(NO)
        await peer.left()

    async with serve(script) as wire:
        for _ in range(2):
            source = Source(MANY)
            upstream = await soon(engine.send(given(wire, source, length=source.size)))
            assert (upstream.status, await soon(upstream.read(10))) == (413, b"no")
            await upstream.close()


async def test_an_upstream_that_leaves_before_the_end_of_the_body_is_cut(serve, engine, soon, tls):
    async def script(peer):
        await peer.head()
        peer.reset()

    async with serve(script, tls) as wire:
        source = Source(MANY)
        with pytest.raises(Cut) as caught:
            await soon(engine.send(given(wire, source, length=source.size)))
        assert not isinstance(caught.value, NotTaken)


class Left(Exception):
    """What a body raises whose client has left."""


@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
async def test_what_the_body_raises_ends_the_call_at_the_upstream(serve, engine, soon, length):
    left = asyncio.Event()

    async def script(peer):
        await peer.head()
        await peer.left()
        left.set()

    async with serve(script) as wire:
        source = Source(3, ends=Left())
        with pytest.raises(Left):
            await soon(engine.send(given(wire, source, length=source.size + 1 if length else None)))
        await soon(left.wait())


async def test_a_call_cancelled_while_it_waits_for_the_body_ends_at_the_upstream(serve, engine, soon):
    begun, left = asyncio.Event(), asyncio.Event()

    async def body():
        yield b"one"
        begun.set()
        await asyncio.get_running_loop().create_future()

    async def script(peer):
        await peer.head()
        await peer.left()
        left.set()

    async with serve(script) as wire:
        task = asyncio.ensure_future(engine.send(wire.call(body=body(), length=6)))
        await soon(begun.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await soon(left.wait())


async def test_a_call_cancelled_while_the_upstream_takes_nothing_ends_at_the_upstream(serve, engine, soon):
    left, gone, begun = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.head()
        begun.set()
        await gone.wait()
        await peer.left()
        left.set()

    async with serve(script) as wire:
        source = Source(MANY)
        task = asyncio.ensure_future(engine.send(given(wire, source, length=source.size)))
        await soon(begun.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gone.set()
        await soon(left.wait())


async def test_a_body_is_not_touched_without_a_connection(engine, soon, to):
    source = Source(1)
    with pytest.raises(Unreachable):
        await soon(engine.send(to("http://127.0.0.1:1/", body=aiter(source), length=source.size)))
    assert source.given == 0
