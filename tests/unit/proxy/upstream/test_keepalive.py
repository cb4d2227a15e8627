"""Pings to a client whose stream is silent."""

import pytest

from proxy.upstream.keepalive import PING_S, Pings
from tests.virtual import VirtualClock, played

PING = b"event: ping\n\n"


class Out:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.room = True

    def push(self, data: bytes) -> bool:
        self.written += [data] if self.room else []
        return self.room


@pytest.fixture
def out() -> Out:
    return Out()


def test_a_silent_stream_is_pinged_again_and_again(out):
    async def scene() -> None:
        clock = VirtualClock()
        pings = Pings(out, PING)
        pings.written()
        await clock.sleep(PING_S - 1)
        assert out.written == []
        await clock.sleep(2)
        assert out.written == [PING]
        await clock.sleep(PING_S)
        assert out.written == [PING, PING]

    played(scene())


def test_whatever_is_written_puts_the_ping_off(out):
    async def scene() -> None:
        clock = VirtualClock()
        pings = Pings(out, PING)
        pings.written()
        await clock.sleep(PING_S - 1)
        pings.written()
        await clock.sleep(2)
        assert out.written == []
        await clock.sleep(PING_S - 2)
        assert out.written == [PING]

    played(scene())


def test_nothing_is_written_before_the_commit_or_after_the_end(out):
    async def scene() -> None:
        clock = VirtualClock()
        pings = Pings(out, PING)
        await clock.sleep(PING_S * 2)
        pings.written()
        pings.stop()
        pings.written()
        await clock.sleep(PING_S * 2)
        assert out.written == []

    played(scene())


def test_a_client_that_takes_nothing_is_asked_again_later(out):
    async def scene() -> None:
        clock = VirtualClock()
        out.room = False
        Pings(out, PING).written()
        await clock.sleep(PING_S + 1)
        out.room = True
        assert out.written == []
        await clock.sleep(PING_S)
        assert out.written == [PING]

    played(scene())


def test_a_dialect_without_pings_costs_nothing(out):
    async def scene() -> None:
        clock = VirtualClock()
        silent = Pings(out, b"")
        silent.written()
        await clock.sleep(PING_S * 2)
        silent.stop()
        assert out.written == []

    played(scene())
