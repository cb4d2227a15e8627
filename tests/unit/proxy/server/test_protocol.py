"""One connection within its bounds, on real sockets."""

import asyncio
import socket

import pytest

from proxy.server import Bounds
from tests.unit.proxy.edge.loopback import JSON, Held, Log, asked, connected, hello, request, served, soon, turn

SHORT = Bounds(header_s=0.2, write_s=0.3)


async def test_a_head_of_64_fields_is_served_and_one_of_65_refused():
    fields = [f"x-{n}: 1" for n in range(61)]
    async with served(hello) as running:
        assert (await asked(running, request("POST", "/v1/embeddings", b"{}", *fields))).status == 200
        answer = await asked(running, request("POST", "/v1/embeddings", b"{}", *fields, "x-one: 1"))
        assert (answer.status, answer.headers["connection"]) == (431, "close")


async def test_a_head_over_16_kib_is_refused():
    async with served(hello) as running:
        assert (await asked(running, request("POST", "/v1/embeddings", b"{}", f"x: {'a' * 15_000}"))).status == 200
        assert (await asked(running, request("POST", "/v1/embeddings", b"{}", f"x: {'a' * 16_400}"))).status == 431


@pytest.mark.parametrize("pieces", [1, 2, 500])
async def test_the_bound_on_a_head_is_the_same_however_it_comes(pieces):
    """All of its bytes count. Come at once with a body, what stands between its parts is not told apart: 64 fields of
    one byte each, and the first line's."""
    bare = len(request("GET", "/v1/models", b"", "x: ", without=("content-type", "content-length")))
    for size, status in ((16_384, 200), (16_384 + 64 + 32, 431)):
        head = request(
            "GET", "/v1/models", b"", f"x: {'a' * (size - bare)}", without=("content-type", "content-length")
        )
        assert len(head) == size
        async with served(hello) as running, connected(running) as raw:
            answer = asyncio.ensure_future(raw.answer())
            for at in range(0, size, size // pieces + 1):
                if not answer.done():
                    await raw.say(head[at : at + size // pieces + 1])
                    await turn()
            assert (await answer).status == status


async def test_a_small_head_with_a_large_body_in_one_go_is_served():
    """Only the head counts."""
    async with served(hello) as running:
        assert (await asked(running, request(body=b"x" * 60_000))).status == 200


@pytest.mark.parametrize(
    "start", [b"POST /v1/embeddings HTTP/1.1\r\nx: ", b"GET /", b"POST / HTTP/1.1\r\n" + b"x: y\r\n" * 30]
)
async def test_an_endless_head_is_cut_off(start):
    """Whatever part of it is endless, it is not kept in memory."""
    log = Log()
    async with served(hello, log=log) as running, connected(running) as raw:
        answer = asyncio.ensure_future(raw.answer())
        await raw.say(start)
        while not answer.done():
            await raw.say(b"a" * 1000)
            await asyncio.wait([answer], timeout=0.01)
        assert (await answer).status == 431
    assert [(line["route"], line["status"]) for line in log.lines()] == [("other", 431)]


async def test_a_head_that_drips_is_timed_out():
    async with served(hello, bounds=SHORT) as running, connected(running) as raw:
        answer = asyncio.ensure_future(raw.answer())
        for byte in request():
            await raw.say(bytes([byte]))
            if (await asyncio.wait([answer], timeout=0.05))[0]:
                break
        assert (await answer).status == 408


async def test_a_head_that_drips_on_a_kept_connection_is_timed_out():
    async with served(hello, bounds=SHORT) as running, connected(running) as raw:
        await raw.say(request())
        assert (await raw.answer()).status == 200
        await raw.say(b"POST /v1/chat")
        assert (await raw.answer()).status == 408


async def test_a_connection_that_never_says_anything_is_closed_silently():
    log = Log()
    async with served(hello, bounds=SHORT, log=log) as running, connected(running) as raw:
        assert await raw.rest() == b""
    assert log.lines() == []


async def test_the_time_for_a_head_ends_with_the_head():
    """However long the answer takes."""
    service = Held()
    async with served(service) as running, connected(running) as raw:
        await raw.say(request()[:-10])
        await raw.say(request()[-10:])
        await soon(service.entered)
        connection = next(iter(running._data._state.connections))
        assert connection._head_timer is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost : x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n\x00host: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 1x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET http://elsewhere/v1/models HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /v1/\xffmodels HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_what_is_no_acceptable_request_is_answered_and_closed(garbage, caplog):
    """With an OpenAI-shaped error, one log line, and nothing from the server underneath."""
    log = Log()
    async with served(hello, log=log) as running, connected(running) as raw:
        await raw.say(garbage)
        answer = await raw.answer()
        assert (answer.status, answer.error["code"]) == (400, "invalid_http")
        assert await raw.rest() == b""
    assert [line["status"] for line in log.lines()] == [400]
    assert not caplog.records


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0"])
async def test_other_versions_are_refused(version):
    async with served(hello) as running, connected(running) as raw:
        await raw.say(b"GET /v1/models " + version + b"\r\nhost: x\r\n\r\n")
        assert (await raw.answer()).status in {400, 505}


CHUNKED = request("POST", "/v1/embeddings", b"", "transfer-encoding: chunked", without=("content-length",))


@pytest.mark.parametrize("body", [b"zz\r\nabc\r\n", b"3\r\nabcdef", b"-1\r\n"])
async def test_a_body_that_breaks_its_framing_is_refused(body):
    async with served(hello) as running, connected(running) as raw:
        await raw.say(CHUNKED)
        await raw.say(body)
        assert (await raw.answer()).status == 400
        assert await raw.rest() == b""


async def test_trailers_are_not_taken_for_headers():
    seen = []

    async def service(exchange):
        await hello(exchange)
        seen.append(exchange.headers)

    async with served(service) as running, connected(running) as raw:
        await raw.say(CHUNKED + b"2\r\n{}\r\n0\r\nauthorization: Bearer x\r\n\r\n")
        assert (await raw.answer()).status == 200
    assert "authorization" not in seen[0]


@pytest.mark.parametrize("start", [b"2\r\n{}\r\n0\r\nx: ", b"2;x="])
async def test_endless_trailers_and_chunk_extensions_are_cut_off(start):
    async with served(hello) as running, connected(running) as raw:
        answer = asyncio.ensure_future(raw.answer())
        await raw.say(CHUNKED + start)
        while not answer.done():
            await raw.say(b"a" * 1000)
            await asyncio.wait([answer], timeout=0.01)
        assert (await answer).status == 400


async def test_after_a_pipelined_request_the_first_is_answered_and_the_connection_closed():
    served_paths = []

    async def service(exchange):
        served_paths.append(exchange.path)
        await hello(exchange)

    async with served(service) as running, connected(running) as raw:
        await raw.say(request() + request("POST", "/v1/embeddings"))
        answer = await raw.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await raw.rest() == b""
    assert served_paths == ["/v1/chat/completions"]


async def test_a_pipelined_request_does_not_hide_that_the_client_left():
    service = Held(before=lambda exchange: exchange.read())
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        await raw.say(request() * 50)
        raw.leave()
        await soon(service.ended)
        assert service.cancelled


async def test_an_offered_upgrade_is_not_followed():
    """Some clients offer HTTP/2 on every connection; the request, its body and the next one are served as they are."""
    offer = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA")
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/embeddings", b"x" * 20, *offer))
        assert b'"read":20' in (await raw.answer()).body
        await raw.say(request())
        assert (await raw.answer()).status == 200


async def test_an_offered_upgrade_on_a_connection_that_is_to_close_is_not_followed():
    offer = ("connection: Upgrade, close", "upgrade: h2c")
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request("POST", "/v1/embeddings", b"x" * 20, *offer))
        answer = await raw.answer()
        assert b'"read":20' in answer.body
        assert answer.headers["connection"] == "close"
        assert await raw.rest() == b""


async def test_a_reader_that_stops_is_cut_off():
    """Its exchange is cancelled once the answer has not moved for the time allowed."""

    async def flood(exchange):
        await exchange.read()
        await exchange.out.start(200, JSON)
        while True:
            await exchange.out.write(b"x" * 65_536)

    service = Held(before=flood)
    async with served(service, bounds=SHORT) as running, connected(running) as raw:
        raw.writer.transport.pause_reading()
        await raw.say(request())
        await soon(service.ended)
        assert service.cancelled
        assert running.edge.in_flight == 0


class Still:
    """A transport whose buffer holds what it is told."""

    def __init__(self):
        self.held = 0
        self.aborted = False

    def get_write_buffer_size(self):
        return self.held

    def get_extra_info(self, name):
        return None

    def abort(self):
        self.aborted = True


@pytest.fixture
async def still():
    async with served(hello) as running:
        connection = running._data._connection()
        connection.connection_made(Still())
        yield connection
        connection.connection_lost(OSError())


async def test_an_answer_that_moves_is_waited_for(still):
    """A large answer to a slow reader takes longer than one write may; it must not stand still for that long."""
    still.transport.held = 10_000_000
    still.pause_writing()
    still.transport.held = 9_900_000
    still._stalled()
    assert not still.transport.aborted
    still.transport.held = 9_899_999
    still._stalled()
    assert still.transport.aborted


async def test_small_answers_are_not_delayed():
    """TCP_NODELAY is set on what is accepted."""
    service = Held()
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        connection = next(iter(running._data._state.connections))
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
