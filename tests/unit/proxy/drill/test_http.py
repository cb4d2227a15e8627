"""One connection: parsing under any split, keep-alive, pipelining, bounds, back-pressure."""

import asyncio

import pytest

from proxy.drill import http
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import big_event, hold, ok
from translators.ir import Dialect

OPENAI = Dialect.OPENAI_CHAT


def request(*lines: str) -> bytes:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
    head = ["POST /v1/chat/completions HTTP/1.1", "host: x", f"content-length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def test_a_request_may_come_byte_by_byte(connect):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        data = request("connection: close")
        for position in range(len(data)):
            peer.writer.write(data[position : position + 1])
            await peer.writer.drain()
        assert (await peer.all()).startswith(b"HTTP/1.1 200 OK")


async def test_a_connection_is_kept_for_the_next_request(connect):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        for _ in range(2):
            peer.writer.write(request())
            await peer.until(b"fp_demo")
        assert (provider.request_count, provider.open_connections) == (2, 1)


async def test_pipelined_requests_are_answered_one_after_the_other(connect):
    async with ScriptedProvider("alpha", OPENAI, hold().then(ok())) as provider:
        peer = await connect(provider.url)
        peer.writer.write(request() + request("connection: close"))
        await provider.wait_for_requests(1)
        assert provider.request_count == 1
        provider.release()
        assert (await peer.all()).count(b"HTTP/1.1 200 OK") == 2


async def test_a_peer_that_leaves_cancels_its_pipelined_requests_too(connect):
    async with ScriptedProvider("alpha", OPENAI, hold()) as provider:
        peer = await connect(provider.url)
        peer.writer.write(request() + request())
        await provider.wait_for_requests(1)
        await peer.leave()
        await provider.wait_for_cancelled(2)


@pytest.mark.parametrize(
    "garbage",
    [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nx: " + b"y" * http.HEADER_BYTES + b"\r\n\r\n"],
    ids=["no http", "headers over the bound"],
)
async def test_garbage_gets_a_400_and_the_end_of_the_connection(connect, garbage):
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        peer.writer.write(garbage)
        assert (await peer.all()).startswith(b"HTTP/1.1 400 Bad Request")
        assert provider.request_count == 0


async def test_a_body_over_the_bound_gets_a_400(connect, monkeypatch):
    monkeypatch.setattr(http, "BODY_BYTES", 10)
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        peer.writer.write(request())
        assert (await peer.all()).startswith(b"HTTP/1.1 400 Bad Request")


async def test_a_slow_reader_gets_all_of_a_large_answer(connect):
    async with ScriptedProvider("alpha", OPENAI, big_event(20_000_000)) as provider:
        peer = await connect(provider.url)
        peer.writer.write(request("connection: close"))
        await provider.wait_for_requests(1)
        assert len(await peer.all()) > 20_000_000
        assert provider.cancelled == 0


class Broken:
    """A transport whose peer turns out to be gone at the first write."""

    writes = 0

    def is_closing(self) -> bool:
        return self.writes > 0

    def write(self, _: bytes) -> None:
        self.writes += 1


class Talkative:
    """A provider that has a hundred things to say at once."""

    cancelled = 0

    def joined(self, connection: http.Connection) -> None: ...

    def plan(self, _: http.Request) -> list[bytes]:
        return [b"x"] * 100

    def left(self, _: http.Connection, *, cancelled: int) -> None:
        self.cancelled += cancelled


async def test_nothing_is_written_to_a_peer_that_is_known_to_be_gone():
    """The loop would warn of each such write on standard error. The request still counts as cancelled."""
    host, transport = Talkative(), Broken()
    connection = http.Connection(host, asyncio.get_running_loop())
    connection.connection_made(transport)
    connection.data_received(request())
    assert transport.writes == 1
    connection.connection_lost(None)
    assert host.cancelled == 1


async def test_an_offered_upgrade_gets_a_400(connect):
    """Nobody offers one to a scripted provider; it must not end in a traceback."""
    async with ScriptedProvider("alpha", OPENAI) as provider:
        peer = await connect(provider.url)
        peer.writer.write(request("connection: upgrade", "upgrade: h2c"))
        assert (await peer.all()).startswith(b"HTTP/1.1 400 Bad Request")
