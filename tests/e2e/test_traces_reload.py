"""A real process is told of another collector, or of none, while it serves."""

import pytest

from proxy.drill import script
from tests.e2e.collector import Collected
from tests.e2e.process import Stream, models, provider, serving

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BROUGHT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture
async def one():
    async with Collected() as made:
        yield made


@pytest.fixture
async def two():
    async with Collected() as made:
        yield made


@pytest.fixture
def text(alpha):
    def made(collector=None, more="", **fields):
        telemetry = "" if collector is None else f'[telemetry]\notlp = "{collector.url}"'
        return "\n".join([telemetry, more, provider(alpha, **fields), models(m="alpha/demo-large")])

    return made


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


async def test_an_exchange_is_told_to_the_collector_it_began_with(file, text, alpha, one, two):
    """The old one is sent what waits though another has taken its place, and nothing of what came later."""
    file.write_text(text(one))
    async with serving(file) as process:
        alpha.script = script.hold(after=2)
        stream = await Stream.begun(process, "chat")
        assert (await process.reloaded(text(two)))["applied"]
        alpha.script = script.ok()
        asked = (await process.ask()).headers["x-request-id"]
        assert (await process.state())["in_flight_before_reload"] == 1
        assert not one.bodies
        alpha.release()
        await stream.end()
        assert stream.complete
        [exchange, _] = await one.spans(2)
        assert exchange["sidestep.request_id"] != asked
        process.signal(15)
        assert await process.ended() == 0
    [exchange, _] = await two.spans(2)
    assert exchange["sidestep.request_id"] == asked
    assert len(one.bodies) == 1


async def test_spans_follow_when_they_are_asked_for_and_when_they_are_not_any_more(file, text, one):
    file.write_text(text())
    async with serving(file) as process:
        await process.ask()
        await process.reloaded(text(one))
        asked = (await process.ask()).headers["x-request-id"]
        await process.reloaded(text(one, more="[timeouts]\nidle_s = 9"))
        again = (await process.ask()).headers["x-request-id"]
        await process.reloaded(text())
        spans = await one.spans(4)
        assert {span["sidestep.request_id"] for span in spans if not span.parent} == {asked, again}
        await process.ask()
        assert await process.metric("sidestep_spans_dropped_total") == 0
        process.signal(15)
        assert await process.ended() == 0
    assert not one.taken


async def test_who_is_told_of_traces_follows(file, text, alpha):
    file.write_text(text())
    async with serving(file) as process:
        for told in ("true", "false"):
            await process.ask(**BROUGHT)
            await process.reloaded(text(trace=told))
            await process.ask(**BROUGHT)
    traces = [request.headers.get("traceparent") for request in alpha.requests]
    assert traces == [None, BROUGHT["traceparent"], BROUGHT["traceparent"], None]


async def test_an_address_that_cannot_be_used_changes_nothing(file, text, one):
    file.write_text(text(one))
    async with serving(file) as process:
        told = await process.reloaded(text(one).replace(one.url, "ftp://nowhere"))
        assert not told["applied"]
        [error] = told["errors"]
        assert "telemetry.otlp" in error
        await process.ask()
        process.signal(15)
        assert await process.ended() == 0
    await one.spans(2)
