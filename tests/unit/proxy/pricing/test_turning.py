"""Who keeps prices is told when one becomes another."""

import asyncio
import math

from proxy.pricing.turning import LONGEST_S, Turning


class Clock:
    """Time passes while somebody sleeps, and each sleep is noted."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept = []

    def now(self):
        return self.at

    def wall(self):
        return self.at

    def uniform(self):
        return 0.5

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.to_thread(int)


async def test_it_tells_at_each_time_and_then_no_more():
    clock, told = Clock(), []
    times = [1500.0, 2500.0]
    turning = Turning(clock, lambda: told.append(clock.at))
    turning.follow(lambda: next((at for at in times if at > clock.at), math.inf))
    await turning._task
    assert told == times
    await turning.close()


async def test_a_far_time_is_come_near_in_days():
    """The clock on the wall may be set meanwhile."""
    clock, told = Clock(), []
    goal = 1000 + 2.5 * LONGEST_S
    turning = Turning(clock, lambda: told.append(clock.at))
    turning.follow(lambda: goal if clock.at < goal else math.inf)
    await turning._task
    assert clock.slept == [LONGEST_S, LONGEST_S, LONGEST_S / 2]
    assert told == [goal]


async def test_where_nothing_is_announced_nothing_runs():
    turning = Turning(Clock(), lambda: None)
    turning.follow(lambda: math.inf)
    assert turning._task is None
    await turning.close()


async def test_new_times_replace_the_old_ones():
    clock, told = Clock(), []
    turning = Turning(clock, lambda: told.append(clock.at))
    turning.follow(lambda: 1100.0 if clock.at < 1100 else math.inf)
    first = turning._task
    turning.follow(lambda: 1200.0 if clock.at < 1200 else math.inf)
    await asyncio.gather(first, turning._task, return_exceptions=True)
    assert first.cancelled()
    assert told == [1200.0]
    turning.follow(lambda: 9e9)
    await turning.close()
    assert turning._task.cancelled()
