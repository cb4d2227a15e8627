"""The real clock."""

import asyncio
from types import SimpleNamespace

import pytest

from proxy import clock as module
from proxy.clock import SystemClock


@pytest.fixture
def hasty(monkeypatch):
    """A system whose timers ring early: each sleep lasts only half as long as asked."""

    system = SimpleNamespace(now=100.0, slept=[])

    async def sleep(seconds: float) -> None:
        system.slept.append(seconds)
        system.now += seconds / 2 if seconds > 0.1 else seconds
        await asyncio.sleep(0)  # noqa: TID251 - a server of another test, asleep too, must not keep the loop for ever

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: system.now, time=lambda: 0.0))
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))
    return system


async def test_a_sleep_is_never_shorter_than_asked_for(hasty):
    """A wait that an upstream asked for must be over when the sleep is, or the retry is given up."""
    await SystemClock().sleep(1.0)
    assert hasty.now >= 101.0
    assert len(hasty.slept) > 1


async def test_no_sleep_is_no_wait(hasty):
    await SystemClock().sleep(0.0)
    assert hasty.now == 100.0


def test_chance_lies_between_zero_and_one():
    clock = SystemClock()
    drawn = [clock.uniform() for _ in range(100)]
    assert all(0 <= one < 1 for one in drawn) and len(set(drawn)) > 1


def test_the_monotonic_time_does_not_go_back_and_the_wall_clock_tells_the_year():
    clock = SystemClock()
    assert clock.now() <= clock.now()
    assert clock.wall() > 1.7e9
