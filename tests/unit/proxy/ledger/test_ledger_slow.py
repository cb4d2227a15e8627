"""A store whose calls take long, and a process that is stopped for a while: who is refused then, and why."""

import asyncio
import itertools

import pytest

from proxy.ledger.balance import Line
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from proxy.ledger.sqlite import TIMEOUT_S, SqliteStore
from proxy.ledger.store import Away
from proxy.patience import Patience
from tests.unit.proxy.ledger.watched import END, FAR
from tests.virtual import VirtualClock, played

STOPPED_S = 10.0


class Slow(MemoryStore):
    """Does at once what it is asked, and answers after the next of `seconds`. Whoever asks waits as for a file."""

    def __init__(self, clock, seconds):
        super().__init__(clock)
        self.clock = clock
        self.seconds = itertools.cycle(seconds)

    async def call(self, owner, asks, memory):
        told = await super().call(owner, asks, memory)
        try:
            async with Patience(TIMEOUT_S):
                await self.clock.sleep(next(self.seconds))
        except TimeoutError:
            raise Away("it is slow") from None
        return told


async def asking(ledger, clock, *, amount, limit, times, every_s=0.05):
    """What requests hear that come one after the other, each lasting a second and billed half."""

    async def one():
        line = Line(ledger.balance("b", limit, END), amount)
        denied = await ledger.obtain([line])
        if denied is None:
            await clock.sleep(1.0)
            ledger.settle(line, amount // 2)
        return denied

    async with asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(times):
            tasks.append(group.create_task(one()))
            await clock.sleep(every_s)
    return [task.result() for task in tasks]


def heard(seconds, *, stops=(), **asked):
    """The same of a store that is so slow, by a process that is stopped at these times."""

    async def main():
        clock, loop = VirtualClock(), asyncio.get_running_loop()
        ledger = Ledger(Slow(clock, seconds), clock, "one")
        await ledger.open()

        def stop():
            loop.moment += STOPPED_S

        for at in stops:
            loop.call_later(at, stop)
        try:
            return await asking(ledger, clock, **asked)
        finally:
            await ledger.close()

    return played(main())


@pytest.mark.parametrize("limit", [FAR, 6_000], ids=["leases", "direct"])
def test_who_asks_a_store_that_is_slow_waits_and_is_served(limit):
    denied = heard([0.1, 1.9, 0.7, 0.0, 1.2], amount=30, limit=limit, times=100)
    assert denied == [None] * 100


@pytest.mark.parametrize("limit", [FAR, 6_000], ids=["leases", "direct"])
def test_a_process_that_was_stopped_again_and_again_serves_all_who_ask(limit):
    """Its store answered long ago, though the process could not hear of it."""
    stops = [n * 10.5 + at for n, at in enumerate((0.01, 0.42, 1.0, 1.27, 2.0, 3.3))]
    denied = heard([0.02, 0.3, 0.001], stops=stops, amount=30, limit=limit, times=100)
    assert denied == [None] * 100


def test_a_store_that_takes_longer_than_anybody_waits_is_away_and_never_spent():
    denied = heard([0.1, 5.0, 0.5, 3.0, 0.1, 0.1], amount=30, limit=3_000, times=150)
    refused = [one for one in denied if one is not None]
    assert 0 < len(refused) < 150
    assert {(one.held, one.away) for one in refused} == {(False, "it is slow")}


def test_what_a_slow_store_granted_unheard_can_all_be_spent():
    async def main():
        clock = VirtualClock()
        store = Slow(clock, [0.1, 5.0, 3.0, 0.1])
        ledger = Ledger(store, clock, "one")
        await ledger.open()
        await asking(ledger, clock, amount=30, limit=3_000, times=20)
        store.seconds = itertools.repeat(0.0)
        await clock.sleep(10)
        rest = ledger.balance("b", 3_000, END)
        line = Line(rest, 3_000 - rest.spent)
        assert await ledger.obtain([line]) is None
        await ledger.close()

    played(main())


@pytest.mark.parametrize(("takes", "stopped"), [(1.5, 0.0), (0.02, STOPPED_S)])
def test_a_slow_call_and_a_process_that_was_stopped_do_not_set_the_time_back(takes, stopped):
    """Or requests would count in a window that is over."""

    async def main():
        clock, loop = VirtualClock(), asyncio.get_running_loop()
        ledger = Ledger(Slow(clock, [takes]), clock, "one")
        ledger.balance("b", FAR, END)

        def stop():
            loop.moment += stopped

        loop.call_later(0.01, stop)
        await ledger.open()
        assert abs(ledger.now() - clock.wall()) < 0.001
        assert await ledger.obtain([Line(ledger.balance("b", FAR, END), 1)]) is None
        assert abs(ledger.now() - clock.wall()) < 0.001
        await ledger.close()

    played(main())


def test_a_file_that_answered_while_the_process_was_stopped_is_not_away(tmp_path):
    async def main():
        loop, clock = asyncio.get_running_loop(), VirtualClock()
        store = SqliteStore(tmp_path / "ledger.db", clock)
        inner = store._transact

        def slowly(jobs, now):
            answers = inner(jobs, now)
            loop.moment += STOPPED_S
            return answers

        store._transact = slowly
        ledger = Ledger(store, clock, "one")
        await ledger.open()
        assert ledger.trouble == ""
        assert await ledger.obtain([Line(ledger.balance("b", FAR, END), 1)]) is None
        await ledger.close()
        assert not ledger.balances[0].free

    played(main())
