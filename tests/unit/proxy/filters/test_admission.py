"""How many are let in, who waits, and who is shed."""

import asyncio

import pytest

from proxy.config.values import LimitSettings
from proxy.filters.admission import Admission
from proxy.flow import Refused


class Room:
    """An admission with tasks inside that stay until they are told to go."""

    def __init__(self, **limits):
        self.admission = Admission(LimitSettings(**limits))
        self.inside = []
        self.doors = {}

    def enter(self, name):
        async def service(_):
            self.inside.append(name)
            try:
                await self.doors[name].wait()
            finally:
                self.inside.remove(name)

        self.doors[name] = asyncio.Event()
        return asyncio.ensure_future(self.admission(name, service))


async def settle():
    """Lets every task run as far as it can."""
    for _ in range(5):
        await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0)


@pytest.fixture
async def room_of():
    tasks = []

    def make(**limits):
        room = Room(**limits)
        enter = room.enter
        room.enter = lambda name: tasks.append(enter(name)) or tasks[-1]
        return room

    yield make
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_as_many_as_allowed_are_inside(room_of):
    room = room_of(in_flight=2, queue=5, queue_wait_s=60)
    for name in "abc":
        room.enter(name)
    await settle()
    assert room.inside == ["a", "b"]


async def test_who_waits_gets_the_next_place_in_order(room_of):
    room = room_of(in_flight=1, queue=5, queue_wait_s=60)
    for name in "abc":
        room.enter(name)
    await settle()
    for leaving, next_in in (("a", ["b"]), ("b", ["c"]), ("c", [])):
        room.doors[leaving].set()
        await settle()
        assert room.inside == next_in


async def test_beyond_the_queue_is_shed_at_once_and_may_be_tried_again(room_of):
    room = room_of(in_flight=1, queue=1, queue_wait_s=60)
    room.enter("a")
    room.enter("b")
    await settle()
    with pytest.raises(Refused) as caught:
        await room.enter("c")
    refused = caught.value
    assert (refused.fault.kind, refused.fault.code) == ("shed", "overloaded")
    assert (refused.retry_after_s, refused.should_retry) == (1, True)


async def test_who_waits_too_long_is_shed_and_takes_no_place(room_of):
    room = room_of(in_flight=1, queue=5, queue_wait_s=0.02)
    room.enter("a")
    with pytest.raises(Refused):
        await room.enter("b")
    room.doors["a"].set()
    await settle()
    room.enter("c")
    await settle()
    assert room.inside == ["c"]


async def test_who_leaves_the_queue_takes_no_place(room_of):
    room = room_of(in_flight=1, queue=1, queue_wait_s=60)
    room.enter("a")
    await settle()
    waiting = room.enter("b")
    await settle()
    waiting.cancel()
    await settle()
    room.enter("c")
    room.doors["a"].set()
    await settle()
    assert room.inside == ["c"]


async def test_a_place_handed_to_one_who_leaves_goes_on_to_the_next(room_of):
    """The place was given and the leaving happened in the same turn of the loop."""
    room = room_of(in_flight=1, queue=5, queue_wait_s=60)
    room.enter("a")
    await settle()
    leaving = room.enter("b")
    room.enter("c")
    await settle()
    room.admission._leave()
    leaving.cancel()
    await settle()
    assert room.inside == ["a", "c"]


async def test_a_place_is_given_back_when_the_service_fails():
    admission = Admission(LimitSettings(in_flight=1, queue=0))

    async def failing(_):
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await admission(None, failing)


async def test_more_places_are_given_to_those_who_wait_at_once(room_of):
    room = room_of(in_flight=1, queue=5, queue_wait_s=60)
    for name in "abcd":
        room.enter(name)
    await settle()
    room.admission.resize(LimitSettings(in_flight=3, queue=5))
    await settle()
    assert room.inside == ["a", "b", "c"]


async def test_fewer_places_are_waited_for_until_enough_have_left(room_of):
    room = room_of(in_flight=3, queue=5, queue_wait_s=60)
    for name in "abc":
        room.enter(name)
    await settle()
    room.admission.resize(LimitSettings(in_flight=1, queue=5, queue_wait_s=60))
    room.enter("d")
    for leaving, inside in (("a", ["b", "c"]), ("b", ["c"]), ("c", ["d"])):
        room.doors[leaving].set()
        await settle()
        assert room.inside == inside


async def test_another_queue_counts_from_then_on(room_of):
    room = room_of(in_flight=1, queue=0)
    room.enter("a")
    await settle()
    with pytest.raises(Refused):
        await room.enter("b")
    room.admission.resize(LimitSettings(in_flight=1, queue=1, queue_wait_s=60))
    room.enter("c")
    room.doors["a"].set()
    await settle()
    assert room.inside == ["c"]
