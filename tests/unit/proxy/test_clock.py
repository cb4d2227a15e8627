"""The real clock."""

from types import SimpleNamespace

import pytest

from proxy import clock as module
from proxy.clock import SystemClock


@pytest.fixture
def hasty(monkeypatch):
    """A system whose timers ring early: each sleep lasts only half as long as asked.

    Nothing here waits for the loop, so that no server another test left running can sleep by this clock.
    """

    system = SimpleNamespace(now=100.0, slept=[])

    async def sleep(seconds: float) -> None:
        system.slept.append(seconds)
        system.now += seconds / 2 if seconds > 0.1 else seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: system.now, time=lambda: 0.0))
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))
    return system


def slept(seconds: float) -> None:
    """Sleeps by the system's clock, without a loop."""
    with pytest.raises(StopIteration):
        SystemClock().sleep(seconds).send(None)


def test_a_sleep_is_never_shorter_than_asked_for(hasty):
    """A wait that an upstream asked for must be over when the sleep is, or the retry is given up."""
    slept(1.0)
    assert hasty.now >= 101.0
    assert len(hasty.slept) > 1


def test_no_sleep_is_no_wait(hasty):
    slept(0.0)
    assert hasty.now == 100.0


def test_chance_lies_between_zero_and_one():
    clock = SystemClock()
    drawn = [clock.uniform() for _ in range(100)]
    assert all(0 <= one < 1 for one in drawn) and len(set(drawn)) > 1


def test_the_monotonic_time_does_not_go_back_and_the_wall_clock_tells_the_year():
    clock = SystemClock()
    assert clock.now() <= clock.now()
    assert clock.wall() > 1.7e9
