"""What a process has in hand: reserving and settling without asking, and with it."""

import asyncio

from proxy.ledger.balance import Denied, Line
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from tests.virtual import VirtualClock, played

END = 1_900_000_000


def on(store_of=MemoryStore):
    """Runs the test's coroutine, which is given an open ledger and its store, in virtual time."""

    def decorate(test):
        def run():
            async def main():
                clock = VirtualClock()
                store = store_of(clock)
                ledger = Ledger(store, clock, "one")
                await ledger.open()
                try:
                    await test(ledger, store, clock)
                finally:
                    await ledger.close()

            played(main())

        run.__doc__ = test.__doc__
        run.__name__ = test.__name__
        return run

    return decorate


@on()
async def test_nothing_is_in_hand_before_the_store_was_asked(ledger, store, clock):
    line = Line(ledger.balance("b", 1_000, END), 10)
    assert not ledger.take([line])
    assert await ledger.obtain([line]) is None
    assert line.held == 10


@on()
async def test_what_a_lease_has_left_is_taken_without_asking(ledger, store, clock):
    balance = ledger.balance("b", 100_000, END)
    assert await ledger.obtain([Line(balance, 10)]) is None
    assert ledger.take([Line(balance, 10)])


@on()
async def test_all_of_it_can_be_spent_and_nothing_more(ledger, store, clock):
    balance = ledger.balance("b", 1_000, END)
    lines = [Line(balance, 10) for _ in range(150)]
    answers = await asyncio.gather(*(ledger.obtain([line]) for line in lines))
    assert sum(answer is None for answer in answers) == 100
    denied = next(answer for answer in answers if answer is not None)
    assert denied == Denied(balance, held=True)
    for line in lines:
        if line.held:
            ledger.settle(line, 10)
    assert await ledger.obtain([Line(balance, 1)]) == Denied(balance)
