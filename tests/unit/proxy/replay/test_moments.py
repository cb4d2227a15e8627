"""Time passes only while there is nothing to do."""

import asyncio
from functools import partial

import pytest

from proxy.replay import moments
from proxy.replay.moments import Stuck, VirtualClock, VirtualLoop


def played(main, moment=1_000.0):
    with asyncio.Runner(loop_factory=partial(VirtualLoop, moment)) as runner:
        return runner.run(main())


def test_a_wait_of_weeks_takes_no_time_and_exactly_so_long():
    async def main():
        clock = VirtualClock(1_800_000_000.0)
        began = clock.now()
        for wait in (0.001, 86_400.0, 30 * 86_400.0, 0.25):
            before = clock.now()
            await clock.sleep(wait)
            assert clock.now() - before == pytest.approx(wait, abs=1e-6)
        assert clock.wall() - 1_800_000_000.0 == pytest.approx(clock.now() - began)
        return began

    assert played(main, 16_785_000.0) == 16_785_000.0


def test_a_wait_is_over_when_its_time_has_come_also_where_another_ends_a_moment_before():
    """Else what was waited for is not there yet, and who asks for it gives up."""

    async def main():
        clock = VirtualClock(0.0)
        until = clock.now() + 0.3
        asyncio.get_running_loop().call_at(until - 5e-7, int)
        await clock.sleep(0.3)
        assert clock.now() >= until

    played(main)


def test_what_is_done_in_a_thread_is_waited_for_and_takes_no_time():
    async def main():
        clock = VirtualClock(0.0)
        assert await asyncio.to_thread(sum, [1, 2]) == 3
        return clock.now()

    assert played(main) == 1_000.0


def test_chance_is_even():
    async def main():
        return VirtualClock(0.0).uniform()

    assert played(main) == 0.5


def test_waiting_for_what_cannot_come_is_an_error(monkeypatch):
    monkeypatch.setattr(moments, "STUCK_S", 0.01)

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        played(main)
