"""Nothing is served that another reader would see end elsewhere, on real sockets.

`smuggling` lists the requests. Each stands before another, hidden one, which is never served: what follows a request
before its answer ends the connection, and so does whatever is wrong with it.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from tests.security import smuggling
from tests.unit.proxy.edge.loopback import JSON, Answer, Raw, connected, served, turn

HIDDEN = smuggling.HIDDEN


class Port:
    """A data port, and what it served."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.running = None

    async def __call__(self, exchange) -> None:
        self.taken.append((exchange.method, exchange.path, body := await exchange.read()))
        exchange.status = 200
        await exchange.out.answer(200, JSON, b'{"read":%d}' % len(body))

    def connected(self):
        self.taken.clear()
        return connected(self.running)


@pytest.fixture(scope="module")
async def port():
    one = Port()
    async with served(one) as one.running:
        async with one.connected() as raw:  # the first connection opens what the loop then keeps
            await raw.say(next(iter(smuggling.SERVED.values()))[0])
            await raw.answer()
        yield one


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(autouse=True)
async def nothing_is_left(port):
    """After each: no task, no exchange, no byte of a body and no descriptor more than before."""
    tasks, open_files = len(asyncio.all_tasks()), descriptors()
    yield
    async with asyncio.timeout(5):
        while (len(asyncio.all_tasks()), descriptors()) != (tasks, open_files) or port.running._data._state.connections:
            await turn()
    assert (port.running.edge.in_flight, port.running.edge.buffered) == (0, 0)


async def told(raw: Raw) -> tuple[Answer, bytes]:
    """The answer, and what comes after it until the connection ends."""
    return await raw.answer(), await raw.rest()


@pytest.mark.parametrize("name", smuggling.SERVED)
async def test_a_plain_request_is_served_and_the_connection_with_it(port, name):
    """Once, with the body that is meant; and the next one on the same connection is what follows it."""
    data, body = smuggling.SERVED[name]
    async with port.connected() as raw:
        for _ in range(2):
            await raw.say(data)
            answer = await raw.answer()
            assert answer.status == 200, answer.body
    assert [one[2] for one in port.taken] == [body, body]


@pytest.mark.parametrize("name", smuggling.SERVED)
async def test_what_follows_a_request_before_its_answer_is_not_served(port, name):
    data, body = smuggling.SERVED[name]
    async with port.connected() as raw:
        await raw.say(data + HIDDEN)
        answer, rest = await told(raw)
    assert (answer.status, answer.headers["connection"], rest) == (200, "close", b"")
    assert [one[2] for one in port.taken] == [body]


@pytest.mark.parametrize("name", smuggling.REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(port, name):
    data, status = smuggling.REFUSED[name]
    async with port.connected() as raw:
        await raw.say(data + HIDDEN)
        answer, rest = await told(raw)
    assert (answer.status, answer.headers["connection"], rest) == (status, "close", b"")
    assert answer.error["message"] and answer.error["type"] == "invalid_request_error"
    assert port.taken == []


@pytest.mark.parametrize("name", smuggling.REFUSED)
async def test_a_refusal_does_not_depend_on_how_the_bytes_come(port, name):
    """Each in a segment of its own, as far as the network keeps them apart."""
    data, status = smuggling.REFUSED[name]
    async with port.connected() as raw:
        told_all = asyncio.ensure_future(told(raw))
        with suppress(ConnectionError):
            for byte in data:
                await raw.say(bytes([byte]))
                await turn()
                if told_all.done():
                    break
        answer, rest = await told_all
    assert (answer.status, rest) == (status, b"")
    assert port.taken == []


@pytest.mark.parametrize("name", smuggling.UNHEARD)
async def test_what_says_nothing_gets_no_answer(port, name):
    async with port.connected() as raw:
        await raw.say(smuggling.UNHEARD[name])
        raw.writer.write_eof()
        assert await raw.rest() == b""
    assert port.taken == []
