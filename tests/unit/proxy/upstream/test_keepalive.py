"""Pings to a client whose stream is silent."""

import asyncio

import anyio.lowlevel
import pytest

from proxy.upstream.keepalive import PING_S, Pings

PING = b"event: ping\n\n"


class Clock:
    """Time moves when `pass_` says so; who sleeps wakes when its time has come."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + seconds, future))
        await future

    async def pass_(self, seconds: float) -> None:
        self.time += seconds
        for until, future in self._sleepers:
            if until <= self.time and not future.done():
                future.set_result(None)
        await settled()


async def settled() -> None:
    """Everything that can run has run."""
    for _ in range(5):
        await anyio.lowlevel.checkpoint()


class Out:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.written.append(data)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> Out:
    return Out()


@pytest.fixture
async def pings(out, clock):
    made = Pings(out, PING, clock)
    yield made
    made.stop()
    await settled()


async def test_a_silent_stream_is_pinged_again_and_again(pings, out, clock):
    pings.written()
    await settled()
    await clock.pass_(PING_S - 1)
    assert out.written == []
    await clock.pass_(1)
    assert out.written == [PING]
    await clock.pass_(PING_S)
    assert out.written == [PING, PING]


async def test_whatever_is_written_puts_the_ping_off(pings, out, clock):
    pings.written()
    await settled()
    await clock.pass_(PING_S - 1)
    pings.written()
    await clock.pass_(1)
    assert out.written == []
    await clock.pass_(PING_S - 1)
    assert out.written == [PING]


async def test_nothing_is_written_before_the_commit_or_after_the_end(pings, out, clock):
    await clock.pass_(PING_S * 2)
    pings.written()
    await settled()
    pings.stop()
    await clock.pass_(PING_S * 2)
    assert out.written == []


async def test_a_dialect_without_pings_costs_nothing(out, clock):
    silent = Pings(out, b"", clock)
    silent.written()
    await clock.pass_(PING_S * 2)
    silent.stop()
    assert out.written == []
