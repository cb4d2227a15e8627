"""Another configuration while serving: for whom it counts, and when the one before is done with."""

import asyncio
from hashlib import sha256

import pytest
from msgspec import structs

from proxy.config.errors import ConfigErrors
from proxy.config.values import AdminSettings, Client, LimitSettings, PassthroughSettings
from proxy.server.running import FLUSH_S
from tests.unit.proxy.edge.loopback import SOON, Held, asked, connected, hello, request, served, soon

KEY = "sk-app"
CLIENTS = {"app": Client("app", (sha256(KEY.encode()).hexdigest(),))}


@pytest.fixture
def held():
    return Held(before=lambda exchange: exchange.read())


async def test_new_requests_meet_the_new_configuration_and_open_ones_the_old(held):
    """A request that needs no client key ends well after keys were asked for."""
    async with served(held) as running, connected(running) as raw:
        before = running.config
        await raw.say(request())
        await soon(held.entered)
        await running.adopt(structs.replace(before, clients=CLIENTS))
        assert (await asked(running, request())).status == 401
        state = running.state()
        assert (state["in_flight"], state["in_flight_before_reload"]) == (1, 1)
        assert running.app.retired.empty()
        held.release.set()
        assert (await raw.answer()).status == 200
        async with asyncio.timeout(SOON):
            assert await running.app.retired.get() is before
        assert running.state()["in_flight_before_reload"] == 0


async def test_a_connection_that_is_kept_serves_its_next_request_by_the_new_configuration():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request())
        assert (await raw.answer()).status == 200
        await running.adopt(structs.replace(running.config, clients=CLIENTS))
        await raw.say(request())
        assert (await raw.answer()).status == 401


async def test_limits_and_passing_paths_follow():
    async with served(hello) as running:
        assert (await asked(running, request(target="/v1/files"))).status == 404
        limits = LimitSettings(body_bytes=1024, buffered_bytes=1024)
        passing = PassthroughSettings("alpha", ("/v1/files",))
        await running.adopt(structs.replace(running.config, limits=limits, passthrough=passing))
        assert (await asked(running, request(target="/v1/files"))).status == 200
        assert (await asked(running, request(body=b"x" * 1025))).status == 413


async def test_what_cannot_be_made_ready_changes_nothing():
    async with served(hello) as running:
        before = running.config
        with pytest.raises(ConfigErrors):
            await running.adopt(structs.replace(before, clients=CLIENTS, source="broken"))
        assert running.config is before
        assert (await asked(running, request())).status == 200


async def test_admin_tokens_follow():
    async with served(hello) as running:
        admin = AdminSettings((sha256(b"st").hexdigest(),))
        await running.adopt(structs.replace(running.config, admin=admin))
        host, port = running.admin_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /state HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b" 401 " in await reader.readuntil(b"\r\n")
        writer.transport.abort()


async def test_a_drain_ends_the_exchanges_of_every_configuration(held):
    async with served(held) as running, connected(running) as old, connected(running) as new:
        await old.say(request())
        await soon(held.entered)
        await running.adopt(running.config)
        held.entered.clear()
        await new.say(request())
        await soon(held.entered)
        await running.drain(0.01)
        for raw in (old, new):
            assert (await raw.answer()).status == 503


async def test_closing_does_not_wait_for_a_configuration_whose_exchanges_never_end(monkeypatch):
    """The application closes all that is left in any case."""
    for name in ("TELL_S", "FLUSH_S"):
        monkeypatch.setattr(f"proxy.server.running.{name}", 0.01)

    async def stubborn(exchange):
        entered.set()
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                refused.set()

    entered, refused, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with served(stubborn) as running, connected(running) as raw:
        await raw.say(request())
        await soon(entered)
        await running.adopt(running.config)
        async with asyncio.timeout(SOON):
            await running.close()
        assert refused.is_set()
        over.set()


async def test_who_looks_sees_the_last_request_and_is_let_go_at_the_end():
    """A stream that is open does not hold up the way down."""
    async with served(hello) as running:
        assert running.overview().example.startswith(f"curl -i {running.data_url}/v1/")
        await asked(running, request())
        assert [one.route for one in running.overview().requests] == ["chat"]
        reader, writer = await asyncio.open_connection(*running.admin_url.removeprefix("http://").split(":"))
        writer.write(b"GET /events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")
        await reader.readuntil(b"event: snapshot")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < FLUSH_S
    async with asyncio.timeout(SOON):
        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
    writer.close()
