"""What every engine makes of upstreams that cannot be reached, break off, or send what is not HTTP."""

import asyncio
import socket

import pytest

from proxy.upstream.seam import ConnectTimeout, Cut, Unreachable
from tests.unit.proxy.upstream.answers import CHUNKED, OK

BOTH = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


def breaks(data: bytes, *, reset: bool = False):
    """A script that answers with `data` and ends the connection."""

    async def script(peer):
        await peer.request()
        await peer.send(data)
        if reset:
            peer.reset()

    return script


async def test_a_refused_connection_is_unreachable(engine, soon, to):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        await soon(engine.send(to(f"http://127.0.0.1:{port}/v1")))
    assert type(caught.value) is Unreachable
    assert str(port) not in str(caught.value)


async def test_a_name_that_does_not_resolve_is_unreachable(engine, soon, to):
    """A label this long is refused by the resolver itself, so that nothing is asked of a network."""
    with pytest.raises(Unreachable) as caught:
        await soon(engine.send(to(f"http://{'a' * 64}.invalid/v1")))
    assert type(caught.value) is Unreachable


async def test_a_connection_that_is_never_accepted_times_out(make, soon, to, silent):
    with pytest.raises(ConnectTimeout):
        await soon((await make()).send(to(f"http://127.0.0.1:{silent}/v1", connect_s=0.1)))


async def test_a_handshake_that_is_never_answered_times_out(serve, make, soon, to):
    async def script(peer):
        await peer.left()

    async with serve(script) as wire:
        with pytest.raises(ConnectTimeout):
            await soon((await make()).send(to(f"https://127.0.0.1:{wire.port}/v1", connect_s=0.1)))


async def test_a_full_pool_is_a_connect_timeout_and_a_place_is_free_after_the_answer(serve, make, soon):
    engine = await make(connections=1)
    tried = asyncio.Event()

    async def script(peer):
        while True:
            await peer.request()
            await peer.send(CHUNKED + b"2\r\nhi\r\n")
            await tried.wait()
            await peer.send(b"0\r\n\r\n")

    async with serve(script) as wire:
        first = await soon(engine.send(wire.call(stream=True)))
        with pytest.raises(ConnectTimeout, match="pool"):
            await soon(engine.send(wire.call(pool_s=0.05)))
        tried.set()
        assert [chunk async for chunk in first.chunks()] == [b"hi"]
        await first.close()
        second = await soon(engine.send(wire.call()))
        assert await soon(second.read(10)) == b"hi"


@pytest.mark.parametrize("header", [("x-a", "b\r\nx-evil: 1"), ("x a", "b"), ("x-a", "\x00")])
async def test_a_header_that_would_break_the_request_is_not_sent(serve, engine, soon, header):
    requests = []

    async def script(peer):
        requests.append(await peer.request())

    async with serve(script) as wire:
        with pytest.raises(Unreachable):
            await soon(engine.send(wire.call(headers=[header])))
        assert requests == []


async def test_tls_with_the_operators_own_ca_works(serve, make, soon, certificates):
    async def script(peer):
        await peer.request()
        await peer.send(OK + b"content-length: 2\r\n\r\nhi")

    async with serve(script, certificates.server) as wire:
        upstream = await soon((await make(ca_file=str(certificates.ca_file))).send(wire.call()))
        assert await soon(upstream.read(10)) == b"hi"


async def test_an_untrusted_certificate_is_unreachable(serve, engine, soon, certificates):
    requests = []

    async def script(peer):
        requests.append(await peer.request())

    async with serve(script, certificates.server) as wire:
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await soon(engine.send(wire.call()))
        assert requests == []


async def test_a_certificate_for_another_name_is_unreachable(serve, make, soon, certificates, to):
    async with serve(breaks(b""), certificates.server) as wire:
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            await soon((await make(ca_file=str(certificates.ca_file))).send(to(f"https://127.0.0.1:{wire.port}/v1")))


async def test_a_server_that_does_not_speak_tls_is_unreachable(serve, engine, soon, to):
    async def script(peer):
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serve(script) as wire:
        with pytest.raises(Unreachable):
            await soon(engine.send(to(f"https://127.0.0.1:{wire.port}/v1")))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        OK + b"content-len",
        b"garbage\r\n\r\n",
        b"<html>not http</html>\r\n\r\n",
        OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nx",
        OK + b"content-length: x\r\n\r\n",
    ],
)
@BOTH
async def test_an_answer_without_a_proper_head_is_cut(serve, engine, soon, data, stream):
    async with serve(breaks(data)) as wire:
        with pytest.raises(Cut):
            await soon(engine.send(wire.call(stream=stream)))


@pytest.mark.parametrize("data", [b"", OK + b"content-len"])
@BOTH
async def test_a_reset_before_the_end_of_the_head_is_cut(serve, engine, soon, data, stream):
    async with serve(breaks(data, reset=True)) as wire:
        with pytest.raises(Cut):
            await soon(engine.send(wire.call(stream=stream)))


@pytest.mark.parametrize("line", [b"x-a: b\r\n" * 1000, b"x" * 10000], ids=["many", "one"])
@BOTH
async def test_endless_headers_are_cut(serve, engine, soon, line, stream):
    left = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(OK)
        try:
            while True:
                await peer.send(line)
        finally:
            left.set()

    async with serve(script) as wire:
        with pytest.raises(Cut):
            await soon(engine.send(wire.call(stream=stream)))
        await soon(left.wait())


@pytest.mark.parametrize(
    "data",
    [
        OK + b"content-length: 10\r\n\r\nshort",
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    ],
    ids=["short", "mid-chunk", "no-last-chunk", "bad-size"],
)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@BOTH
async def test_a_body_that_breaks_off_is_cut(serve, engine, soon, data, reset, stream):
    async with serve(breaks(data, reset=reset)) as wire:
        with pytest.raises(Cut):
            await soon((await soon(engine.send(wire.call(stream=stream)))).read(1000))


async def test_what_arrived_before_a_stream_broke_off_is_given_first(serve, engine, soon):
    async with serve(breaks(CHUNKED + b"5\r\nhello\r\n")) as wire:
        chunks = (await soon(engine.send(wire.call(stream=True)))).chunks()
        assert await soon(anext(chunks)) == b"hello"
        with pytest.raises(Cut):
            await soon(anext(chunks))


async def test_proxies_named_in_the_environment_are_ignored(serve, make, soon, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    async with serve(breaks(OK + b"content-length: 2\r\n\r\nhi")) as wire:
        upstream = await soon((await make()).send(wire.call()))
        assert await soon(upstream.read(10)) == b"hi"


async def test_a_configured_proxy_is_used(serve, make, soon, to):
    seen = asyncio.get_running_loop().create_future()

    async def script(peer):
        seen.set_result(await peer.request())
        await peer.send(OK + b"content-length: 2\r\n\r\nhi")

    async with serve(script) as wire:
        upstream = await soon((await make(proxy=wire.base)).send(to("http://provider.test/v1/chat")))
        assert await soon(upstream.read(10)) == b"hi"
        assert seen.result().startswith(b"POST http://provider.test/v1/chat HTTP/1.1\r\n")


async def test_a_proxy_that_cannot_be_reached_is_unreachable(make, soon, to):
    with pytest.raises(Unreachable):
        await soon((await make(proxy="http://127.0.0.1:1")).send(to("http://provider.test/v1/chat")))


async def test_a_proxy_that_refuses_the_tunnel_is_unreachable(serve, make, soon, to):
    async with serve(breaks(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")) as wire:
        with pytest.raises(Unreachable):
            await soon((await make(proxy=wire.base)).send(to("https://provider.test/v1/chat")))
