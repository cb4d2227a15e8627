"""What every engine makes of answers that arrive."""

import asyncio

import pytest

from proxy.upstream.seam import Cut, TooLarge
from tests.unit.proxy.upstream.answers import CHUNKED, OK


def says(answer: bytes):
    """A script that gives this answer to every request."""

    async def script(peer):
        while True:
            await peer.request()
            await peer.send(answer)

    return script


def sized(body: bytes) -> bytes:
    return OK + b"content-length: %d\r\n\r\n" % len(body) + body


async def test_a_unary_answer_gives_status_headers_and_body(serve, engine, soon):
    async with serve(says(b"HTTP/1.1 404 Not Found\r\nX-Request-Id: r1\r\nContent-Length: 2\r\n\r\nno")) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert upstream.status == 404
        assert upstream.headers == [("x-request-id", "r1"), ("content-length", "2")]
        assert await soon(upstream.read(100)) == b"no"
        await upstream.close()


async def test_repeated_headers_are_kept_in_order(serve, engine, soon):
    async with serve(says(OK + b"x-a: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n")) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert [value for name, value in upstream.headers if name == "x-a"] == ["1", "2"]
        assert await soon(upstream.read(100)) == b""


async def test_a_header_with_a_value_outside_ascii_is_left_out_and_harms_nothing(serve, engine, soon):
    head = OK + b"x-odd: caf\xc3\xa9\r\nx-raw: \xff\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nhi"
    async with serve(says(head)) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert upstream.headers == [("x-a", "1"), ("x-a", "2"), ("content-length", "2")]
        assert await soon(upstream.read(100)) == b"hi"


async def test_the_request_is_sent_as_it_was_given_and_asks_for_nothing_more(serve, engine, soon):
    requests = []

    async def script(peer):
        requests.append(await peer.request())
        await peer.send(sized(b""))

    headers = [("authorization", "Bearer k"), ("accept", "application/json"), ("user-agent", "sidestep/test")]
    async with serve(script) as wire:
        call = wire.call(body=b'{"a":1}', headers=[*headers, ("accept-encoding", "identity")])
        await soon((await soon(engine.send(call))).read(100))
    head, _, body = requests[0].partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    assert line == b"POST /v1/chat HTTP/1.1"
    assert body == b'{"a":1}'
    assert dict(one.lower().split(b": ", 1) for one in lines) == {
        b"host": b"127.0.0.1:%d" % wire.port,
        b"content-length": b"7",
        b"content-type": b"application/json",
        b"authorization": b"bearer k",
        b"accept": b"application/json",
        b"accept-encoding": b"identity",
        b"user-agent": b"sidestep/test",
    }
    assert len(lines) == 7


async def test_compressed_bytes_pass_as_they_came(serve, engine, soon):
    async with serve(says(OK + b"content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(100)) == b"abc"


async def test_a_redirect_is_returned_and_not_followed(serve, engine, soon):
    async with serve(says(b"HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n")) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert (upstream.status, ("location", "/other") in upstream.headers) == (302, True)
        await soon(upstream.read(100))
        assert wire.connections == 1


async def test_an_interim_answer_is_skipped(serve, engine, soon):
    async with serve(says(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + sized(b"hi"))) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert upstream.status == 200
        assert await soon(upstream.read(100)) == b"hi"


async def test_a_body_without_length_ends_with_the_connection(serve, engine, soon):
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(100)) == b"hello"


async def test_a_chunked_unary_answer_is_put_together(serve, engine, soon):
    async with serve(says(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(5)) == b"hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_long_body_arrives_whole(serve, engine, soon, stream):
    body = bytes(range(256)) * 4096
    async with serve(says(sized(body))) as wire:
        upstream = await soon(engine.send(wire.call(stream=stream)))
        assert await soon(upstream.read(len(body))) == body


async def test_a_long_request_body_is_sent_whole(serve, engine, soon):
    body = bytes(range(256)) * 16384
    got = asyncio.get_running_loop().create_future()

    async def script(peer):
        got.set_result(await peer.request())
        await peer.send(sized(b"ok"))

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(body=body)))
        assert await soon(upstream.read(10)) == b"ok"
        assert got.result().partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("head", [CHUNKED, OK + b"content-length: 1000000000000000\r\n\r\n"])
async def test_a_body_over_the_limit_is_too_large_and_closes_the_connection(serve, engine, soon, head, stream):
    left = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(head)
        try:
            while True:
                await peer.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        finally:
            left.set()

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=stream)))
        with pytest.raises(TooLarge, match="100000 bytes"):
            await soon(upstream.read(100_000))
        await soon(left.wait())


async def test_a_body_of_exactly_the_limit_is_read(serve, engine, soon):
    async with serve(says(sized(b"x" * 100))) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(100)) == b"x" * 100
        upstream = await soon(engine.send(wire.call()))
        with pytest.raises(TooLarge):
            await soon(upstream.read(99))


async def test_a_stream_gives_its_first_chunk_before_the_second_is_sent(serve, engine, soon):
    seen = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + b"5\r\nfirst\r\n")
        await seen.wait()
        await peer.send(b"6\r\nsecond\r\n0\r\n\r\n")

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        chunks = upstream.chunks()
        assert await soon(anext(chunks)) == b"first"
        seen.set()
        assert await soon(anext(chunks)) == b"second"
        with pytest.raises(StopAsyncIteration):
            await soon(anext(chunks))
        await upstream.close()


async def test_a_stream_gives_its_headers_before_any_chunk_is_sent(serve, engine, soon):
    seen = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED)
        await seen.wait()
        await peer.send(b"2\r\nhi\r\n0\r\n\r\n")

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        assert upstream.status == 200
        seen.set()
        assert [chunk async for chunk in upstream.chunks()] == [b"hi"]


async def test_a_reader_that_stops_stops_the_sender(serve, engine, soon):
    """What is not read is not taken from the network without bound."""
    sent = 0
    stuck = asyncio.Event()
    mib = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"

    async def script(peer):
        nonlocal sent
        await peer.request()
        await peer.send(CHUNKED)
        while sent < 256:
            try:
                async with asyncio.timeout(0.2):
                    await peer.send(mib)
            except TimeoutError:
                stuck.set()
                return
            sent += 1

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        assert await soon(anext(upstream.chunks()))
        await soon(stuck.wait())
        await upstream.close()
        assert sent < 64


async def test_five_hundred_streams_are_open_at_once(serve, engine, soon):
    everyone = asyncio.Event()
    open_now = 0

    async def script(peer):
        nonlocal open_now
        await peer.request()
        await peer.send(CHUNKED + b"2\r\nhi\r\n")
        open_now += 1
        if open_now == 500:
            everyone.set()
        await everyone.wait()
        await peer.send(b"3\r\nbye\r\n0\r\n\r\n")

    async def one():
        upstream = await engine.send(wire.call(stream=True, connect_s=20.0, pool_s=20.0))
        return b"".join([chunk async for chunk in upstream.chunks()])

    async with serve(script) as wire, asyncio.timeout(30):
        answers = await asyncio.gather(*[one() for _ in range(500)])
        assert answers == [b"hibye"] * 500
        assert open_now == 500


async def test_a_connection_is_used_again_once_its_answer_was_read(serve, engine, soon):
    async with serve(says(sized(b"hi"))) as wire:
        for stream in (False, True, False):
            upstream = await soon(engine.send(wire.call(stream=stream)))
            assert b"".join([chunk async for chunk in upstream.chunks()]) == b"hi"
            await upstream.close()
        assert wire.connections == 1


@pytest.mark.parametrize("size", [100_000, 5_000_000])
async def test_a_connection_that_carried_a_long_answer_hears_the_next_one(serve, engine, soon, size):
    """An answer larger than the buffer tells the upstream to wait; that must end with the answer."""
    async with serve(says(sized(b"x" * size))) as wire:
        for _ in range(4):
            upstream = await soon(engine.send(wire.call(stream=True)))
            assert sum([len(chunk) async for chunk in upstream.chunks()]) == size
            await upstream.close()
        assert wire.connections == 1


async def test_a_connection_whose_answer_was_left_unread_is_not_used_again(serve, engine, soon):
    left = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(CHUNKED + b"2\r\nhi\r\n")
        await peer.left()
        left.set()

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call(stream=True)))
        assert await soon(anext(upstream.chunks())) == b"hi"
        await upstream.close()
        await soon(left.wait())
        await upstream.close()


async def test_a_stale_connection_is_replaced_before_anything_is_sent_on_it(serve, engine, soon):
    gone = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(sized(b"hi"))
        peer.close()
        gone.set()

    async with serve(script) as wire:
        for _ in range(2):
            gone.clear()
            upstream = await soon(engine.send(wire.call()))
            assert await soon(upstream.read(10)) == b"hi"
            await soon(gone.wait())
        assert wire.connections == 2


async def test_a_request_that_was_sent_on_a_kept_connection_is_never_sent_twice(serve, engine, soon):
    requests = 0

    async def script(peer):
        nonlocal requests
        await peer.request()
        requests += 1
        await peer.send(sized(b"hi"))
        await peer.request()
        requests += 1

    async with serve(script) as wire:
        upstream = await soon(engine.send(wire.call()))
        assert await soon(upstream.read(10)) == b"hi"
        with pytest.raises(Cut):
            await soon(engine.send(wire.call()))
        assert (requests, wire.connections) == (2, 1)
