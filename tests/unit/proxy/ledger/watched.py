"""A ledger in virtual time, at a store that is watched and fails when it is told to."""

import asyncio
import functools

from proxy.ledger.balance import Line
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from proxy.ledger.store import Ask
from tests.virtual import VirtualClock, played

END = 1_900_000_000
FAR = 1_000_000


class Watched(MemoryStore):
    """Notes what it is asked, and fails as it is told to."""

    def __init__(self, clock):
        super().__init__(clock)
        self.calls = []
        self.failing = None
        self.gate = None
        self.parting = None

    async def call(self, owner, asks, memory):
        self.calls.append(list(asks))
        if self.gate is not None:
            await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        if self.parting is not None:
            asyncio.get_running_loop().call_soon(self.parting)
        return await super().call(owner, asks, memory)

    async def taken(self, key="b"):
        """In all, as the store has it."""
        standing = (await super().call("test", [Ask(key=key, limit=0, expires=END)], "")).standings[0]
        return standing.total, standing.spent


def played_with(test):
    """In virtual time, given an open ledger, its store and the clock."""

    @functools.wraps(test)
    def run():
        async def main():
            clock = VirtualClock()
            store = Watched(clock)
            ledger = Ledger(store, clock, "one")
            await ledger.open()
            try:
                await test(ledger, store, clock)
            finally:
                await ledger.close()

        played(main())

    del run.__wrapped__
    return run


async def line_of(ledger, amount, limit=FAR, key="b", *, hard=True):
    """Reserved."""
    line = Line(ledger.balance(key, limit, END, hard=hard), amount)
    assert await ledger.obtain([line]) is None
    return line
