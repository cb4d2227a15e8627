"""How many are let in, who waits, and who is shed."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import pytest

from proxy.config.values import LimitSettings
from proxy.filters.admission import CROWD, TURN_S, Admission, Pace
from proxy.flow import Refused


class Ticking:
    """A clock that a test moves on, and that moves by `each` whenever it is looked at."""

    def __init__(self):
        self.at, self.each = 100.0, 0.0

    def now(self):
        self.at += self.each
        return self.at


class Room:
    """An admission with tasks inside that stay until they are told to go."""

    def __init__(self, **limits):
        self.clock = Ticking()
        self.admission = Admission(LimitSettings(**limits), self.clock)
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
    admission = Admission(LimitSettings(in_flight=1, queue=0), Ticking())

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


async def test_a_crowd_begins_over_several_turns_of_the_loop_in_order(room_of):
    """Each beginning takes a while; others on the loop get their turns in between."""
    room = room_of(in_flight=1_000)
    turns = []

    def turn():
        turns.append(len(room.inside))
        if len(turns) < 500:
            asyncio.get_running_loop().call_soon(turn)

    room.clock.each = TURN_S / 3.5
    everyone = [f"{number:03}" for number in range(CROWD + 60)]
    for name in everyone:
        room.enter(name)
    turn()
    while len(room.inside) < len(everyone):
        await settle()
    assert room.inside == everyone
    assert turns[1] == CROWD + 4, "those of a small crowd at once, and what fits into a turn"
    assert max(after - before for before, after in pairwise(turns[1:])) <= 4


async def test_few_begin_at_once_however_long_it_takes(room_of):
    room = room_of(in_flight=1_000)
    room.clock.each = 10 * TURN_S
    for number in range(CROWD):
        room.enter(number)
    await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0)
    assert len(room.inside) == CROWD


async def test_who_leaves_while_it_lets_others_go_on_gives_its_place_back(room_of):
    room = room_of(in_flight=CROWD + 2, queue=0)
    for number in range(CROWD):
        room.enter(number)
    await settle()
    room.admission._pace.spent()
    room.clock.each = 2 * TURN_S
    waiting = [room.enter("a"), room.enter("b")]
    asyncio.get_running_loop().call_soon(waiting[1].cancel)
    await asyncio.gather(waiting[1], return_exceptions=True)
    room.clock.each = 0.0
    await settle()
    assert room.inside[CROWD:] == ["a"]
    room.enter("c")
    await settle()
    assert room.inside[CROWD:] == ["a", "c"]


async def test_the_time_of_a_turn_begins_with_who_asks_first_in_it():
    clock = Ticking()
    pace = Pace(clock)
    assert pace.spent() == 0
    clock.at += 3
    assert pace.spent() == 3
    await settle()
    assert pace.spent() == 0


async def test_it_is_full_when_nobody_more_may_even_wait(room_of):
    room = room_of(in_flight=1, queue=1, queue_wait_s=60)
    full = []
    for name in "ab":
        full.append(room.admission.full)
        room.enter(name)
        await settle()
    assert [*full, room.admission.full] == [False, False, True]


async def test_who_is_shed_at_once_is_told_the_same_and_its_retries_are_known(room_of):
    room = room_of(in_flight=0, queue=0)
    exchange = SimpleNamespace(headers={"x-stainless-retry-count": "2"})
    with pytest.raises(Refused) as usual:
        await room.enter("a")
    with pytest.raises(Refused) as here:
        await room.admission.shed(exchange)
    told = [(one.value.fault, one.value.retry_after_s, one.value.should_retry) for one in (usual, here)]
    assert told[0] == told[1]
    assert exchange.retry_count == 2
