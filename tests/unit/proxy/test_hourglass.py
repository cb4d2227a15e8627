"""One timer for many moments, on an event loop whose time jumps: no test here waits."""

import asyncio
import math

import pytest

from proxy import hourglass as module
from proxy.hourglass import GRAIN_S, Hourglass, hourglass
from proxy.replay.moments import VirtualLoop


class Told:
    def __init__(self, when, then=None):
        self.when = when
        self.heard = []
        self._then = then

    def ring(self, now):
        self.heard.append(now)
        if self._then is not None:
            self._then(self)


class CountingLoop(VirtualLoop):
    timers = 0

    def call_at(self, when, callback, *args, context=None):
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


def run(main):
    loop = CountingLoop(1_000.0)
    try:
        return loop.run_until_complete(main(loop, Hourglass(loop)))
    finally:
        loop.close()


async def until(loop, when):
    done = loop.create_future()
    VirtualLoop.call_at(loop, when, done.set_result, None)
    await done


def test_each_is_told_once_at_its_moment():
    async def main(loop, glass):
        told = [Told(1_003.0), Told(1_001.0), Told(1_002.0)]
        for one in told:
            glass.put(one)
        await until(loop, 1_010.0)
        return [one.heard for one in told]

    assert run(main) == [[1_003.0], [1_001.0], [1_002.0]]


def test_who_was_dropped_is_told_nothing():
    async def main(loop, glass):
        early, late = Told(1_001.0), Told(1_002.0)
        glass.put(early)
        glass.put(late)
        glass.drop(early)
        glass.drop(early)
        await until(loop, 1_010.0)
        return early.heard, late.heard

    assert run(main) == ([], [1_002.0])


def test_a_later_moment_sets_no_timer():
    async def main(loop, glass):
        glass.put(Told(1_001.0))
        before = loop.timers
        for number in range(100):
            one = Told(1_002.0 + number)
            glass.put(one)
            glass.drop(one)
        return loop.timers - before

    assert run(main) == 0


def test_who_is_told_may_ask_for_another_moment():
    async def main(loop, glass):
        def again(one):
            one.when += 5
            if one.when < 1_012:
                glass.put(one)

        one = Told(1_001.0, again)
        glass.put(one)
        await until(loop, 1_100.0)
        return one.heard

    assert run(main) == [1_001.0, 1_006.0, 1_011.0]


def test_a_moment_that_is_moved_away_is_not_told_of():
    async def main(loop, glass):
        one = Told(1_001.0)
        glass.put(one)
        one.when = 1_005.0
        glass.put(one)
        await until(loop, 1_010.0)
        return one.heard

    assert run(main) == [1_005.0]


def test_a_crowd_of_moments_is_told_in_few_rings():
    """Each ring looks at all that are in."""

    async def main(loop, glass):
        crowd = [Told(1_001.0 + number / 10_000) for number in range(1_000)]
        for one in crowd:
            glass.put(one)
        before = loop.timers
        await until(loop, 1_010.0)
        late = max(one.heard[0] - one.when for one in crowd)
        return loop.timers - before, late

    rings, late = run(main)
    assert rings <= 0.1 / GRAIN_S + 2
    assert 0 < late <= GRAIN_S + 1e-9


async def test_a_loop_has_one_and_another_loop_another():
    first = hourglass()
    assert hourglass() is first
    assert first.loop is asyncio.get_running_loop()
    other = await asyncio.to_thread(lambda: asyncio.run(_its_own()))
    assert other is not first
    assert hourglass().loop is asyncio.get_running_loop()


async def _its_own():
    return hourglass()


async def test_outside_a_loop_there_is_none(monkeypatch):
    monkeypatch.setattr(module, "_latest", None)
    with pytest.raises(RuntimeError):
        await asyncio.to_thread(hourglass)


def test_with_nobody_left_nothing_rings():
    async def main(loop, glass):
        one = Told(1_001.0)
        glass.put(one)
        glass.drop(one)
        await until(loop, 1_005.0)
        return loop.timers, glass._next

    assert run(main) == (1, math.inf)
