"""What the edge asks of a connection; most of it is seen in the tests of the edge and of the protocol."""

import logging

from tests.unit.proxy.edge.loopback import JSON, connected, hello, request, served


async def test_a_failure_that_nobody_told_is_a_500_and_the_end_of_the_connection(caplog):
    async def broken(exchange):
        raise RuntimeError("unforeseen")

    async with served(hello) as running, connected(running) as raw:
        running.edge._shift.service = broken
        with caplog.at_level(logging.ERROR, "uvicorn.error"):
            await raw.say(request())
            answer = await raw.answer()
        assert (answer.status, answer.headers["connection"], answer.body) == (500, "close", b"Internal Server Error")
        assert await raw.rest() == b""
        assert running.edge.in_flight == 0
    assert [record.exc_info[1].args for record in caplog.records] == [("unforeseen",)]


async def test_a_failure_after_the_answer_began_cuts_it(caplog):
    async def broken(exchange):
        await exchange.out.start(200, JSON)
        await exchange.out.write(b"part")
        raise RuntimeError("unforeseen")

    async with served(hello) as running, connected(running) as raw:
        running.edge._shift.service = broken
        with caplog.at_level(logging.ERROR, "uvicorn.error"):
            await raw.say(request())
            assert (await raw.head())[0] == 200
            assert await raw.rest() == b"4\r\npart\r\n"
