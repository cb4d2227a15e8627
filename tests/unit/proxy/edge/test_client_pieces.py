"""A body that is read as it comes, and an answer of a known length, on real sockets."""

import asyncio

from proxy.clock import SystemClock
from proxy.config.values import LimitSettings
from proxy.edge.client import Memory
from tests.unit.proxy.edge.loopback import JSON, asked, connected, request, served, soon

CHUNKED = request("POST", "/v1/embeddings", b"", "transfer-encoding: chunked", without=("content-length",))
MB = 1024 * 1024


class Counting:
    """A service that reads piece by piece and answers with what it read."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.ended = asyncio.Event()

    async def __call__(self, exchange) -> None:
        try:
            async for piece in exchange.out.pieces():
                self.pieces.append(len(piece))
                self.begun.set()
                await self.goes_on.wait()
            exchange.status = 200
            await exchange.out.answer(200, JSON, b"%d" % sum(self.pieces))
        finally:
            self.ended.set()


async def test_a_body_comes_in_pieces_and_none_of_it_is_held_afterwards():
    service = Counting()
    async with served(service) as running:
        assert (await asked(running, request(body=b"x" * 3 * MB))).body == b"%d" % (3 * MB)
        assert len(service.pieces) > 3 and 0 not in service.pieces
        assert running.edge.buffered == 0


async def test_a_body_in_chunks_and_an_empty_one_are_read_too():
    async with served(Counting()) as running, connected(running) as raw:
        await raw.say(CHUNKED + b"3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n")
        assert (await raw.answer()).body == b"8"
    async with served(Counting()) as running:
        assert (await asked(running, request(body=b""))).body == b"0"


async def test_who_does_not_take_the_next_piece_holds_the_client_back():
    service = Counting()
    service.goes_on.clear()
    async with served(service) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 64 * MB)[: -64 * MB])
        sending = asyncio.ensure_future(raw.say(b"x" * 64 * MB))
        await soon(service.begun)
        await asyncio.wait([sending], timeout=0.2)
        assert not sending.done()
        assert 0 < running.edge.buffered < MB
        service.goes_on.set()
        assert (await raw.answer()).body == b"%d" % (64 * MB)


async def test_the_limit_is_its_own_and_holds_for_lengths_told_and_untold():
    limits = LimitSettings(body_bytes=1024, passthrough_bytes=2000)
    async with served(Counting(), limits=limits) as running:
        assert (await asked(running, request(body=b"x" * 2000))).status == 200
        told = await asked(running, request(body=b"x" * 2001))
        assert (told.status, told.error["code"]) == (413, "body_too_large")
    async with served(Counting(), limits=limits) as running, connected(running) as raw:
        await raw.say(CHUNKED + b"7d1\r\n" + b"x" * 2001)
        assert (await raw.answer()).status == 413


async def test_a_pause_is_bounded_and_the_whole_is_not():
    """By anything but the request's own time, which a filter sees to."""
    limits = LimitSettings(body_idle_s=0.3, body_total_s=0.3)
    async with served(Counting(), limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"xxxx")[:-4])
        for _ in range(4):
            await SystemClock().sleep(0.12)
            await raw.say(b"x")
        assert (await raw.answer()).status == 200
    async with served(Counting(), limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"xxxx")[:-2])
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (408, "body_too_slow")


async def test_pieces_count_against_what_all_bodies_together_may_hold(monkeypatch):
    held = []
    take = Memory.take

    def watched(memory, size):
        take(memory, size)
        held.append(memory.held)

    monkeypatch.setattr(Memory, "take", watched)
    limits = LimitSettings(body_bytes=1024, buffered_bytes=1024)
    async with served(Counting(), limits=limits) as running:
        answer = await asked(running, request(body=b"x" * 2000))
        assert (answer.status, answer.error["code"]) == (503, "overloaded")
        assert running.edge.buffered == 0


async def test_a_client_that_leaves_ends_the_reading():
    service = Counting()
    async with served(service) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 1000)[:-500])
        await soon(service.begun)
        raw.leave()
        await soon(service.ended)


async def test_an_answer_of_known_length_is_framed_by_it_and_the_connection_serves_again():
    async def service(exchange):
        await exchange.read()
        exchange.status = 200
        await exchange.out.start(200, JSON, 6)
        await exchange.out.write(b"one")
        await exchange.out.write(b"two")
        await exchange.out.finish()

    async with served(service) as running, connected(running) as raw:
        for _ in range(2):
            await raw.say(request())
            answer = await raw.answer()
            assert (answer.status, answer.body) == (200, b"onetwo")
            assert "transfer-encoding" not in answer.headers


async def test_a_streamed_answer_before_the_end_of_the_body_ends_the_connection_and_can_be_read():
    async def service(exchange):
        exchange.status = 200
        await exchange.out.start(200, JSON, 2)
        await exchange.out.write(b"ok")
        await exchange.out.finish()

    async with served(service) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 5 * MB))
        answer = await raw.answer()
        assert (answer.body, answer.headers["connection"]) == (b"ok", "close")
        assert await raw.rest() == b""
