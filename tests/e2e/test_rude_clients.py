"""Clients that are slow, leave, lie or never stop, against a whole proxy: others are served meanwhile, and nothing of
them is left: no task, no descriptor, no exchange, no byte of a body, no call to a provider.
"""

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import orjson
import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.values import LimitSettings, ModelRoute, Step
from proxy.drill import script
from proxy.drill.provider import ScriptedProvider
from proxy.server import Bounds, serving
from tests.unit.proxy.edge.loopback import connected, request, turn
from translators.ir import Dialect

SOON = 10.0
BOUNDS = Bounds(header_s=0.3, write_s=0.3)
LIMITS = LimitSettings(body_bytes=100_000, body_idle_s=0.3, body_total_s=1.0)
PATH = "/v1/chat/completions"
MANY = 60


def body(**more) -> bytes:
    return orjson.dumps({"model": "solo", "messages": [{"role": "user", "content": "a b c d e f"}]} | more)


def asking(**more) -> bytes:
    return request("POST", PATH, body(**more))


class Place:
    """A proxy, and its provider."""

    def __init__(self, running, provider) -> None:
        self.running = running
        self.provider = provider

    def left(self) -> tuple[int, int]:
        """Tasks and descriptors there are, without the connections to the provider that are kept to serve again."""
        return len(asyncio.all_tasks()), sum(
            1 for _ in Path("/proc/self/fd").iterdir()
        ) - 2 * self.provider.open_connections

    async def serves(self) -> None:
        """Somebody else is served now."""
        async with connected(self.running) as raw:
            await raw.say(request("GET", "/v1/models", b"", without=("content-type", "content-length")))
            assert (await raw.answer()).status == 200

    async def emptied(self, before: tuple[int, int]) -> None:
        """Returns when all is as it was before."""
        running = self.running
        async with asyncio.timeout(SOON):
            while running._data._state.connections or running.edge.in_flight or running.edge.buffered:
                await turn()
            while any(now > then for now, then in zip(self.left(), before, strict=True)):
                await turn()


@pytest.fixture
async def place(configured):
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha:
        config = configured(alpha, limits=LIMITS, models={"solo": ModelRoute("solo", (Step("alpha", "m"),))})
        async with serving(structs.replace(config, embeddings={}), build, bounds=BOUNDS) as running:
            made = Place(running, alpha)
            await made.serves()
            before = made.left()
            yield made
            alpha.release()
            await made.emptied(before)


@asynccontextmanager
async def many(place: Place, count: int = MANY):
    """So many connections at once, each left at the end however it stands."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(place.running)) for _ in range(count)]


async def test_heads_that_drip_are_told_so_and_hold_up_nobody(place):
    async with many(place) as raws:
        answers = [asyncio.ensure_future(raw.answer()) for raw in raws]
        sent, at = asking(), 0
        while not all(answer.done() for answer in answers):
            for raw, answer in zip(raws, answers, strict=True):
                if not answer.done():
                    with suppress(ConnectionError):
                        await raw.say(sent[at : at + 1])
            at = min(at + 1, 20)
            await place.serves()
        assert {(await answer).status for answer in answers} == {408}
    assert place.provider.request_count == 0


async def test_bodies_that_drip_or_stop_are_told_so(place):
    """Whether the whole takes too long or one piece of it."""
    async with many(place, 20) as raws:
        answers = [asyncio.ensure_future(raw.answer()) for raw in raws]
        head, _, rest = asking(user="u" * 5_000).partition(b"\r\n\r\n")
        for raw in raws:
            await raw.say(head + b"\r\n\r\n" + rest[:10])
        at = 10
        while not all(answer.done() for answer in answers):
            for raw, answer in list(zip(raws, answers, strict=True))[::2]:
                if not answer.done():
                    with suppress(ConnectionError):
                        await raw.say(rest[at : at + 1])
            at += 1
            await asyncio.wait(answers, timeout=0.05)
        assert {((await one).status, (await one).error["code"]) for one in answers} == {(408, "body_too_slow")}
    assert place.provider.request_count == 0


@pytest.mark.parametrize("told", [10, 100_000])
async def test_a_body_that_ends_before_its_length_is_nobodys_request(place, told):
    """Its sender leaves: what came of it is not asked."""
    async with connected(place.running) as raw:
        await raw.say(b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n" % PATH.encode())
        await raw.say(b"content-length: %d\r\n\r\n{}" % told)
        raw.writer.write_eof()
        assert await raw.rest() == b""
    assert place.provider.request_count == 0


async def test_a_body_that_goes_on_after_its_length_is_no_second_request(place):
    """What is beyond it ends the connection, be it a request."""
    async with connected(place.running) as raw:
        await raw.say(asking() + asking())
        answer = await raw.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await raw.rest() == b""
    assert place.provider.request_count == 1


async def test_giant_bodies_are_refused_by_what_they_say_or_by_what_they_are(place):
    """The one before any of it came, the other once more came than may."""
    start = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n" % PATH.encode()
    for head in (b"content-length: 100000000000\r\n\r\n", b"content-length: 100001\r\n\r\n"):
        async with connected(place.running) as raw:
            await raw.say(start + head)
            assert (await raw.answer()).status == 413
    async with connected(place.running) as raw:
        answer = asyncio.ensure_future(raw.answer())
        await raw.say(start + b"transfer-encoding: chunked\r\n\r\n")
        while not answer.done():
            with suppress(ConnectionError):
                await raw.say(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            await turn()
        assert (await answer).status == 413
    assert place.provider.request_count == 0


async def test_readers_that_stop_reading_are_cut_off_and_take_their_calls_along(place):
    """Though they stay connected: what they were to read is more than the buffers on its way hold."""
    place.provider.script = script.ok(deltas=30_000)
    async with many(place, 2) as raws:
        for raw in raws:
            raw.writer.transport.pause_reading()
            raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await raw.say(asking(stream=True))
        await place.provider.wait_for_requests(2)
        assert place.running.edge.in_flight == 2
        await place.serves()
        async with asyncio.timeout(SOON):
            while place.running.edge.in_flight:
                await turn()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_half_closed_client_has_left(place, stream):
    place.provider.script = script.hold(after=1) if stream else script.hold()
    async with connected(place.running) as raw:
        await raw.say(asking(stream=stream))
        await place.provider.wait_for_requests(1)
        raw.writer.write_eof()
        await asyncio.wait_for(place.provider.wait_for_cancelled(1), SOON)


async def test_a_flood_of_clients_that_leave_in_every_window_leaves_nothing(place):
    """While they connect, in a head, in a body, while they wait, in the middle of an answer, and after it."""
    place.provider.script = script.hold(after=1)
    unary, stream = asking(), asking(stream=True)
    for _ in range(5):
        async with many(place) as raws:
            for at, raw in enumerate(raws):
                data = (b"", unary[:30], unary[:-5], unary, stream, stream + stream)[at % 6]
                await raw.say(data)
            await place.provider.wait_for_requests(1)
        await place.serves()
    await asyncio.wait_for(place.provider.wait_for_cancelled(place.provider.request_count), SOON)


async def test_requests_in_a_row_never_get_each_others_answers(place):
    """On one connection, each sent once the one before is answered; whoever does not wait gets the first alone."""
    async with connected(place.running) as raw:
        for number in range(20):
            await raw.say(request("GET", f"/v1/models/m{number}", b"", without=("content-type", "content-length")))
            assert f"'m{number}'" in (await raw.answer()).error["message"]
        await raw.say(b"".join(request("GET", f"/v1/models/n{number}", b"") for number in range(20)))
        assert "'n0'" in (await raw.answer()).error["message"]
        assert await raw.rest() == b""


async def test_a_client_that_waits_for_100_continue_and_leaves_is_nobodys_request(place):
    head, _, _ = asking().partition(b"\r\n\r\n")
    async with connected(place.running) as raw:
        await raw.say(head + b"\r\nexpect: 100-continue\r\n\r\n")
        assert (await raw.head())[0] == 100
    assert place.provider.request_count == 0


async def test_a_refused_request_is_not_told_to_send_its_body(place):
    """Its answer comes instead of a 100."""
    async with connected(place.running) as raw:
        head = b"POST /v1/nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n"
        await raw.say(head)
        answer = await raw.answer()
        assert (answer.status, answer.headers["connection"]) == (404, "close")
