"""One client's side: body in, answer out, and leaving, on real sockets."""

import asyncio

import pytest

from proxy.config.values import LimitSettings
from proxy.edge.client import Memory
from proxy.flow import Refused
from proxy.server.answering import Answering
from tests.unit.proxy.edge.loopback import JSON, Held, asked, connected, hello, request, served, soon

CHUNKED = request("POST", "/v1/embeddings", b"", "transfer-encoding: chunked", without=("content-length",))


async def test_a_body_is_read_whole_however_it_is_cut():
    async with served(hello) as running, connected(running) as raw:
        for piece in (request(body=b"x" * 50)[:-40], b"x" * 30, b"x" * 10):
            await raw.say(piece)
        assert b'"read":50' in (await raw.answer()).body


async def test_a_chunked_body_is_read_whole():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(CHUNKED + b"3\r\nabc\r\n5;ext=1\r\ndefgh\r\n0\r\n\r\n")
        assert b'"read":8' in (await raw.answer()).body


async def test_a_large_body_is_read_whole():
    """Larger than what the server reads ahead."""
    size = 3_000_000
    async with served(hello) as running:
        assert b'"read":%d' % size in (await asked(running, request(body=b"x" * size))).body


async def test_the_connection_is_kept_for_the_next_request():
    async with served(hello) as running, connected(running) as raw:
        for _ in range(3):
            await raw.say(request())
            assert (await raw.answer()).status == 200


async def test_expect_100_continue_is_answered_before_the_body_comes():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request(body=b"ab")[:-6] + b"\r\nexpect: 100-continue\r\n\r\n")
        assert (await raw.head())[0] == 100
        await raw.say(b"ab")
        assert (await raw.answer()).status == 200


async def test_a_declared_length_over_the_limit_is_refused_before_it_is_sent():
    limits = LimitSettings(body_bytes=1000)
    async with served(hello, limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 1001)[:-1001])
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (413, "body_too_large")
        assert answer.headers["connection"] == "close"


async def test_a_chunked_body_over_the_limit_is_refused_while_it_comes():
    limits = LimitSettings(body_bytes=1000)
    async with served(hello, limits=limits) as running, connected(running) as raw:
        await raw.say(CHUNKED + b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert (await raw.answer()).status == 413


async def test_who_sends_a_large_body_can_read_the_refusal():
    """The connection lingers, reading, so that no reset destroys the answer on its way."""
    limits = LimitSettings(body_bytes=1000)
    async with served(hello, limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 5_000_000))
        assert (await raw.answer()).status == 413
        assert await raw.rest() == b""


async def test_a_body_at_the_limit_is_served():
    limits = LimitSettings(body_bytes=1000)
    async with served(hello, limits=limits) as running:
        assert (await asked(running, request(body=b"x" * 1000))).status == 200


async def test_bodies_that_do_not_fit_in_memory_together_are_shed():
    """To be tried again; the room is there again once the first is served."""
    limits = LimitSettings(buffered_bytes=1500)
    first = Held(before=lambda exchange: exchange.read())

    async def service(exchange):
        await (hello if first.entered.is_set() else first)(exchange)

    async with served(service, limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 1000))
        await soon(first.entered)
        assert running.edge.buffered == 1000
        shed = await asked(running, request(body=b"x" * 1000))
        assert (shed.status, shed.error["code"]) == (503, "overloaded")
        assert (shed.headers["retry-after"], shed.headers["x-should-retry"]) == ("1", "true")
        first.release.set()
        assert (await raw.answer()).status == 200
        assert (await asked(running, request(body=b"x" * 1000))).status == 200
        assert running.edge.buffered == 0


def test_memory_refused_is_not_taken():
    memory = Memory(10)
    memory.take(10)
    with pytest.raises(Refused):
        memory.take(1)
    assert memory.held == 10


async def test_a_body_that_stops_coming_is_refused():
    limits = LimitSettings(body_idle_s=0.1)
    async with served(hello, limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 10)[:-5])
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (408, "body_too_slow")


async def test_a_body_that_drips_is_refused_when_its_time_is_up():
    limits = LimitSettings(body_idle_s=5, body_total_s=0.3)
    async with served(hello, limits=limits) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 10_000)[:-10_000])
        answer = asyncio.ensure_future(raw.answer())
        while not answer.done():
            await raw.say(b"x")
            await asyncio.wait([answer], timeout=0.05)
        assert (await answer).status == 408


async def test_a_client_that_leaves_while_sending_ends_its_exchange():
    reading = asyncio.Event()

    async def read(exchange):
        reading.set()
        await exchange.read()

    service = Held(before=read)
    async with served(service) as running, connected(running) as raw:
        await raw.say(request(body=b"x" * 10)[:-5])
        await soon(reading)
        raw.leave()
        await soon(service.ended)
        assert not service.entered.is_set()


async def _stream_one(exchange):
    await exchange.read()
    await exchange.out.start(200, JSON)
    await exchange.out.write(b"one")


WINDOWS = {
    "waiting for a unary answer": lambda exchange: exchange.read(),
    "before the body is read": None,
    "in the middle of a stream": _stream_one,
}


@pytest.mark.parametrize("window", WINDOWS)
async def test_a_client_that_leaves_cancels_its_exchange(window):
    service = Held(before=WINDOWS[window])
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        raw.leave()
        await soon(service.ended)
        assert service.cancelled


async def test_a_half_closed_connection_counts_as_left():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        raw.writer.write_eof()
        await soon(service.ended)
        assert service.cancelled


async def test_leaving_after_the_answer_cancels_nothing():
    """The answer is complete; what the service still does is its own."""
    service = Held(before=lambda exchange: exchange.out.answer(200, JSON, b"{}"))
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        assert (await raw.answer()).status == 200
        raw.leave()
        service.release.set()
        await soon(service.ended)
        assert not service.cancelled


async def test_a_stream_ends_with_its_last_chunk():
    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, [("content-type", "text/event-stream")])
        await exchange.out.write(b"data: 1\n\n")
        await exchange.out.finish()

    async with served(service) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/chat/completions", b"{}", "connection: close"))
        status, headers = await raw.head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert await raw.rest() == b"9\r\ndata: 1\n\n\r\n0\r\n\r\n"


async def test_the_first_piece_of_a_stream_leaves_in_one_write_with_its_head(monkeypatch):
    written = []

    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, [("content-type", "text/event-stream")], None, b"data: 1\n\n")
        await exchange.out.finish()

    class Noting:
        def __init__(self, transport):
            self._transport = transport

        def __getattr__(self, name):
            return getattr(self._transport, name)

        def write(self, data):
            written.append(bytes(data))
            self._transport.write(data)

    begin = Answering.begin

    def noted(self, *answer, **more):
        self.transport = Noting(self.transport)
        begin(self, *answer, **more)

    monkeypatch.setattr(Answering, "begin", noted)
    async with served(service) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/chat/completions", b"{}", "connection: close"))
        assert (await raw.head())[0] == 200
        assert await raw.rest() == b"9\r\ndata: 1\n\n\r\n0\r\n\r\n"
    assert [data.endswith(b"9\r\ndata: 1\n\n\r\n") for data in written] == [True, False]


async def test_what_is_pushed_is_part_of_the_stream_until_the_client_reads_no_more():
    taken = []

    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, [("content-type", "text/event-stream")])
        block = b"x" * 0x10000
        while exchange.out.push(block):
            taken.append(block)
        await exchange.out.write(b"y")
        await exchange.out.finish()

    async with served(service) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/chat/completions", b"{}", "connection: close"))
        await raw.head()
        body = (await raw.rest()).replace(b"10000\r\n", b"").replace(b"\r\n", b"")
    assert 0 < len(taken) < 1000
    assert body == b"".join(taken) + b"1y0"


async def test_what_is_pushed_after_the_end_goes_nowhere():
    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, JSON)
        await exchange.out.write(b"part")
        exchange.out.abort()
        assert exchange.out.push(b"never sent")

    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await raw.head()
        assert await raw.rest() == b"4\r\npart\r\n"


async def test_an_aborted_stream_is_left_unterminated(caplog):
    """So that no client takes it for complete; and it is no error of the server's."""

    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, JSON)
        await exchange.out.write(b"part")
        exchange.out.abort()
        await exchange.out.write(b"never sent")

    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await raw.head()
        assert await raw.rest() == b"4\r\npart\r\n"
    assert not caplog.records


async def test_a_stream_that_nobody_ended_is_cut(caplog):
    """A service that returns in the middle has not given a whole answer."""

    async def service(exchange):
        await exchange.read()
        await exchange.out.start(200, JSON)
        await exchange.out.write(b"part")

    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await raw.head()
        assert await raw.rest() == b"4\r\npart\r\n"
    assert not caplog.records


async def test_values_that_cannot_stand_in_a_header_are_made_harmless():
    async def service(exchange):
        await exchange.out.answer(200, [("x-name", "a\r\nx-evil: 1\u4e2d")], b"")

    async with served(service) as running:
        answer = await asked(running, request())
        assert answer.headers["x-name"] == "a??x-evil: 1?"
        assert "x-evil" not in answer.headers
