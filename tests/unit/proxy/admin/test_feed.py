"""The stream of updates: one picture a second for all, none for nobody, and nobody waits for who does not read."""

import asyncio

import orjson
import pytest
from anyio import wait_all_tasks_blocked

from proxy.admin.feed import BEHIND, VIEWERS, Feed
from tests.unit.proxy.admin.pictures import picture


class Clock:
    """Moves on by `second()` alone."""

    def __init__(self):
        self._turn = asyncio.Condition()
        self.sleepers = 0

    async def sleep(self, seconds):
        assert seconds == 1.0
        async with self._turn:
            self.sleepers += 1
            try:
                await self._turn.wait()
            finally:
                self.sleepers -= 1

    async def second(self):
        """Until whoever sleeps now is awake, and asleep again if it will be."""
        await wait_all_tasks_blocked()
        async with self._turn:
            self._turn.notify_all()
        await wait_all_tasks_blocked()


class World:
    def __init__(self):
        self.looks = 0
        self.fault = None
        self.failed = []
        self.clock = Clock()
        self.asked = 0
        self.feed = Feed(self.look, self.clock, self.failed.append, self.fresh)
        self.feed.pages = ["/state"]

    async def fresh(self):
        self.asked += 1

    def look(self):
        self.looks += 1
        if self.fault:
            raise self.fault
        return picture(uptime_s=float(self.looks))


@pytest.fixture
async def world():
    one = World()
    yield one
    for viewer in list(one.feed._viewers):
        one.feed.leave(viewer)


def read(data):
    event, body, *rest = data.split(b"\n")
    assert rest == [b"", b""]
    return event.removeprefix(b"event: "), orjson.loads(body.removeprefix(b"data: "))


async def test_a_viewer_gets_the_whole_picture_and_then_what_has_changed_each_second(world):
    viewer = world.feed.join()
    event, told = read(await viewer.following())
    assert (event, told["uptime_s"], told["pages"]) == (b"snapshot", 1.0, ["/state"])
    await world.clock.second()
    event, told = read(await viewer.following())
    assert (event, told["uptime_s"], world.asked) == (b"change", 2.0, 1)
    assert "pages" not in told


async def test_many_viewers_cost_one_picture_a_second_and_nobody_none(world):
    viewers = [world.feed.join() for _ in range(3)]
    await world.clock.second()
    assert world.looks == 3 + 1
    for viewer in viewers:
        world.feed.leave(viewer)
    await wait_all_tasks_blocked()
    assert world.clock.sleepers == 0
    assert world.feed._task is None


async def test_who_comes_after_all_have_left_is_served_as_the_first_was(world):
    world.feed.leave(world.feed.join())
    viewer = world.feed.join()
    await viewer.following()
    await world.clock.second()
    assert read(await viewer.following())[0] == b"change"


async def test_no_more_than_so_many_look_at_once(world):
    viewers = [world.feed.join() for _ in range(VIEWERS)]
    assert world.feed.join() is None
    world.feed.leave(viewers[0])
    assert world.feed.join() is not None


async def test_a_viewer_that_does_not_read_is_let_go_and_the_others_are_not(world):
    slow, quick = world.feed.join(), world.feed.join()
    await quick.following()
    for _ in range(BEHIND + 1):
        await world.clock.second()
        assert await quick.following()
    assert await slow.following() == b""
    assert slow._waiting.qsize() <= BEHIND + 2


async def test_at_the_end_of_the_process_everybody_is_let_go_and_nobody_let_in(world):
    viewer = world.feed.join()
    world.feed.close()
    assert await viewer.following() == b""
    assert world.feed.join() is None


async def test_what_keeps_it_from_looking_is_told_and_ends_the_stream(world):
    viewer = world.feed.join()
    await viewer.following()
    world.fault = ValueError("broken")
    await world.clock.second()
    assert world.failed == [world.fault]
    assert await viewer.following() == b""
    world.fault = None
    world.feed.leave(viewer)
    again = world.feed.join()
    await again.following()
    await world.clock.second()
    assert read(await again.following())[0] == b"change"
