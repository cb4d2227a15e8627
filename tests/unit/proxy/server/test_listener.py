"""Sockets bound and listeners that end."""

import asyncio
import socket

import pytest

from proxy.clock import SystemClock
from proxy.server.listener import CannotListen, Listener, bind
from proxy.server.protocol import Bounds
from tests.unit.proxy.edge.loopback import Held, connected, hello, request, served, soon


def test_a_free_port_can_be_asked_for():
    with bind("127.0.0.1:0", "--port") as bound:
        assert bound.getsockname()[1] > 0


def test_a_taken_port_is_said_in_one_sentence_with_what_to_do():
    with bind("127.0.0.1:0", "--port") as first:
        first.listen()
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(CannotListen) as caught:
            bind(address, "--port")
    assert address in str(caught.value)
    assert "in use" in str(caught.value)
    assert "--port" in str(caught.value)


def test_a_port_that_another_process_keeps_for_itself_is_said_to_be_that():
    """It has to be started anew, which a sentence about any taken port would not tell."""
    with bind("127.0.0.1:0", "--port") as first:
        first.listen()
        address = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(CannotListen, match="does not share it: start that one with --reuse-port too"):
            bind(address, "--port", reuse_port=True)


def test_several_processes_may_share_a_port_when_asked_to():
    with bind("127.0.0.1:0", "--port", reuse_port=True) as first:
        first.listen()
        with bind(f"127.0.0.1:{first.getsockname()[1]}", "--port", reuse_port=True) as second:
            second.listen()
            assert second.getsockname() == first.getsockname()


@pytest.mark.parametrize("listen", ["no-such-host.invalid:0", "192.0.2.1:0"])
def test_an_address_that_is_not_of_this_machine_is_said(listen, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if listen.startswith("no-such"):
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(CannotListen, match=r"cannot listen on .*; change --host\."):
        bind(listen, "--port")
    with pytest.raises(CannotListen, match=r"; change --admin\."):
        bind(listen, "--admin")


def test_an_ipv6_address_is_told_in_brackets():
    try:
        bound = bind("[::1]:0", "--port")
    except CannotListen:
        pytest.skip("this machine has no IPv6 loopback")
    listener = Listener(hello, bound, Bounds(), SystemClock())
    bound.close()
    assert listener.address.startswith("[::1]:")


async def test_every_answer_has_a_date_and_no_server():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request())
        answer = await raw.answer()
    assert answer.headers["date"].endswith("GMT")
    assert "server" not in answer.headers


async def test_an_idle_connection_is_closed_when_the_listener_stops_accepting():
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request())
        await raw.answer()
        running._data.stop_accepting()
        assert await raw.rest() == b""


async def test_a_busy_connection_is_closed_after_its_answer():
    service = Held()
    async with served(service) as running, connected(running) as raw:
        await raw.say(request())
        await soon(service.entered)
        running._data.stop_accepting()
        service.release.set()
        answer = await raw.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await raw.rest() == b""


async def test_nobody_is_let_in_once_it_stopped():
    async with served(hello) as running:
        running._data.stop_accepting()
        with pytest.raises(OSError):
            async with connected(running):
                pass


async def test_connections_that_will_not_end_are_aborted():
    """A client that does not read its answer cannot keep the process."""

    async def service(exchange):
        await exchange.read()
        await exchange.out.answer(200, [], b"x" * 30_000_000)
        answered.set()

    answered = asyncio.Event()
    async with served(service) as running, connected(running) as raw:
        raw.writer.transport.pause_reading()
        await raw.say(request())
        await soon(answered)
        await running._data.close(flush_s=0.05)
        assert not running._data._state.connections
