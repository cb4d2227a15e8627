"""Virtual time does not pass while a busy machine has yet to deliver what was sent."""

import asyncio
import selectors
import socket

import pytest

from tests import virtual

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the system does not tell what is on its way")


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as made:
        yield made


def watched(*ends):
    selector = selectors.DefaultSelector()
    for end in ends:
        selector.register(end, selectors.EVENT_READ)
    return selector


def test_what_was_sent_and_not_read_has_arrived(listening):
    with socket.create_connection(listening.getsockname()) as here:
        there, _ = listening.accept()
        with there:
            here.sendall(b"x" * 1000)
            assert not virtual.under_way(watched(here, there, listening))
            assert not virtual.under_way(watched(here))


def test_an_end_that_has_not_arrived_and_a_connection_that_is_not_made_are_on_their_way(listening):
    with socket.create_connection(listening.getsockname()) as here:
        assert virtual.under_way(watched(here)), "who accepts it is not there yet"
        with socket.socket() as waiting:
            waiting.settimeout(0)
            with pytest.raises(BlockingIOError):
                waiting.connect(listening.getsockname())
            assert virtual.under_way(watched(waiting, listening)), "the queue is full"


def test_time_stands_still_until_all_has_arrived(monkeypatch):
    looks = [True, True, False]
    monkeypatch.setattr(virtual, "under_way", lambda _: looks.pop(0))

    async def main():
        await asyncio.sleep(5)  # noqa: TID251 - the loop's own time is what is tested
        return asyncio.get_running_loop().time()

    assert virtual.played(main()) == 1_005.0
    assert looks == []


def test_what_never_arrives_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(virtual, "under_way", lambda _: True)
    monkeypatch.setattr(virtual, "ROUNDS", 3)

    async def main():
        await asyncio.sleep(5)  # noqa: TID251 - the loop's own time is what is tested

    virtual.played(main())
