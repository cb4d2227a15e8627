"""What stays over the generations of a configuration, and ends in the background."""

import asyncio

import pytest

from proxy.lasting import Lasting


class One:
    """Loses one thing more while it ends, which it may do once `may_end` is set."""

    def __init__(self, dropped: int = 0) -> None:
        self.dropped = dropped
        self.opened = 0
        self.may_end = asyncio.Event()

    def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        await self.may_end.wait()
        self.dropped += 1


@pytest.fixture
async def lasting():
    return Lasting[One]()


async def test_what_is_open_already_goes_on(lasting):
    one = One()
    lasting.open(one)
    lasting.open(one)
    lasting.open(None)
    assert (one.opened, lasting.opened) == (1, (one,))


async def test_what_ends_is_open_no_more_and_nobody_waits_for_it(lasting):
    one, other = One(), One()
    lasting.open(one)
    lasting.open(other)
    lasting.end(one)
    lasting.end(None)
    assert lasting.opened == (other,)


async def test_what_was_lost_is_one_count_while_it_ends_and_after(lasting):
    one, other = One(dropped=2), One(dropped=3)
    lasting.open(one)
    lasting.open(other)
    lasting.end(one)
    assert lasting.dropped == 5
    one.may_end.set()
    await lasting.close()
    assert lasting.dropped == 6
    other.dropped += 1
    assert lasting.dropped == 7


async def test_what_never_opened_is_ended_too(lasting):
    one = One()
    one.may_end.set()
    lasting.end(one)
    await lasting.close()
    assert (one.opened, one.dropped, lasting.dropped) == (0, 1, 1)
