"""Ledgers of several processes at one store, in any order of what may happen to them, against a naive account."""

import asyncio
import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.ledger.balance import Line
from proxy.ledger.ledger import DOUBT_S, RETRY_MAX_S, Ledger
from proxy.ledger.memory import MemoryStore
from proxy.ledger.sqlite import SqliteStore
from proxy.ledger.store import Away
from tests.virtual import VirtualClock, VirtualLoop

END = 1_900_000_000
LIMITS = {"large": 20_000, "small": 60, "soft": 100}
PROCESSES = st.integers(0, 2)
AMOUNTS = st.sampled_from((1, 3, 10, 25, 60))
CHOICE = st.sets(st.sampled_from(sorted(LIMITS)), min_size=1)


class Shaky:
    """A store on a bad line."""

    def __init__(self, store):
        self._store = store
        self.open, self.close = store.open, store.close
        self.line = "good"

    async def call(self, owner, asks, memory):
        if self.line == "cut":
            raise Away("cut")
        answer = await self._store.call(owner, asks, memory)
        if self.line == "deaf":
            raise Away("deaf")
        return answer


class Account:
    """What was really reserved and spent of one balance, by anyone who ever lived."""

    def __init__(self, limit):
        self.limit = limit
        self.spent = 0
        self.held = 0
        self.died = 0
        """Reserved by processes that died: nobody knows their bill."""
        self.overrun = 0
        """Spent beyond what was reserved."""

    @property
    def used(self):
        return self.spent + self.held + self.died


class Processes(RuleBasedStateMachine):
    """In memory."""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.runner.get_loop()
        self.lives = 0
        self.window = 0
        self.mortal = True
        self.doubt_until = -math.inf
        self.accounts = {}
        self.open = []
        """(process, lines) of what is under way."""
        self.run(self.start())

    def run(self, work):
        return self.runner.run(work)

    async def start(self):
        self.clock = VirtualClock()
        self.stores = self.made()
        self.ledgers = [await self.born(index) for index in range(3)]

    def made(self):
        self.store = MemoryStore(self.clock)
        return [Shaky(self.store) for _ in range(3)]

    async def born(self, index):
        self.lives += 1
        ledger = Ledger(self.stores[index], self.clock, f"life {self.lives}")
        await ledger.open()
        return ledger

    def lines(self, process, names, amount):
        ledger, found = self.ledgers[process], []
        for name in sorted(names):
            key = f"{name}|{self.window}"
            self.accounts.setdefault(key, Account(LIMITS[name]))
            found.append(Line(ledger.balance(key, LIMITS[name], END, hard=name != "soft"), amount))
        return found

    def reserved(self, process, lines):
        self.open.append((process, lines))
        for line in lines:
            self.accounts[line.balance.key].held += line.amount

    @initialize(mortal=st.booleans())
    def choose(self, mortal):
        """Either processes die, or the store forgets: what the dead never told to the living would be lost for good."""
        self.mortal = mortal

    @rule(process=PROCESSES, names=CHOICE, amount=AMOUNTS)
    def take(self, process, names, amount):
        lines = self.lines(process, names, amount)
        if self.ledgers[process].take(lines):
            self.reserved(process, lines)

    @rule(wishes=st.lists(st.tuples(PROCESSES, CHOICE, AMOUNTS), min_size=1, max_size=8))
    def obtain(self, wishes):
        """At one time, by several."""

        async def one(process, names, amount):
            lines = self.lines(process, names, amount)
            denied = await self.ledgers[process].obtain(lines)
            if denied is None:
                self.reserved(process, lines)
            elif not denied.away and not denied.held:
                account = self.accounts[denied.balance.key]
                gone = max(account.died, denied.balance.lost)
                assert account.spent + amount > account.limit - gone, "refused without need"

        async def all_of_them():
            await asyncio.gather(*(one(*wish) for wish in wishes))

        self.run(all_of_them())

    @precondition(lambda self: self.open)
    @rule(data=st.data(), share=st.sampled_from((0.0, 0.3, 1.0)), beyond=st.sampled_from((0, 0, 0, 0, 5)))
    def settle(self, data, share, beyond):
        process, lines = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        for line in lines:
            account, spent = self.accounts[line.balance.key], int(line.amount * share) + beyond
            account.held -= line.amount
            account.spent += spent
            account.overrun += max(0, spent - line.amount)
            self.ledgers[process].settle(line, spent)
            self.ledgers[process].settle(line, spent)

    @rule(seconds=st.sampled_from((0.01, 0.5, 1.2, 5.0, 70.0)))
    def wait(self, seconds):
        self.run(self.clock.sleep(seconds))

    @rule(process=PROCESSES, line=st.sampled_from(("good", "good", "cut", "deaf")))
    def trouble(self, process, line):
        """The line to the store changes; while a store that forgot is being told again all lines are good."""
        if self.clock.now() >= self.doubt_until:
            self.stores[process].line = line

    @precondition(lambda self: self.mortal)
    @rule(process=PROCESSES)
    def crash(self, process):
        self.ledgers[process]._worker.cancel()
        for _, lines in [one for one in self.open if one[0] == process]:
            for line in lines:
                account = self.accounts[line.balance.key]
                account.held -= line.amount
                account.died += line.amount
        self.open = [one for one in self.open if one[0] != process]
        self.ledgers[process] = self.run(self.born(process))

    @rule()
    def window_ends(self):
        self.window += 1

    @precondition(lambda self: not self.mortal and self.clock.now() >= self.doubt_until)
    @rule()
    def forget(self):
        """Everybody reaches the store then, and who was away from it has found it again."""
        for store in self.stores:
            store.line = "good"
        if any(ledger.trouble for ledger in self.ledgers):
            self.run(self.clock.sleep(RETRY_MAX_S))
        self.forgotten()
        self.doubt_until = self.clock.now() + 2 * DOUBT_S

    def forgotten(self):
        self.store.forget(f"memory {self.lives} {self.clock.now()}")

    @invariant()
    def nothing_is_overspent(self):
        for key, account in self.accounts.items():
            assert key.startswith("soft") or account.used <= account.limit + account.overrun, key

    def teardown(self):
        try:
            self.run(self.end())
        finally:
            self.runner.close()

    async def end(self):
        """All is settled and told: sums are right, and what is left can be spent by anyone."""
        for store in self.stores:
            store.line = "good"
        await self.clock.sleep(10.0)
        for process, lines in self.open:
            for line in lines:
                account = self.accounts[line.balance.key]
                account.held -= line.amount
                self.ledgers[process].settle(line, 0)
        for ledger in self.ledgers:
            await ledger.close()
        last = self.ledgers[0] = await self.born(0)
        for key, account in self.accounts.items():
            balance = last.balance(key, account.limit, END)
            left = account.limit - account.spent
            denied = await last.obtain([Line(balance, max(1, left))])
            if self.mortal:
                assert denied is None or denied.held or denied.balance.lost or left < 1
            else:
                assert balance.spent_in_all == account.spent, key
                assert (denied is None) == (left >= 1), key
        await last.close()


class ProcessesOfOneFile(Processes):
    """On SQLite."""

    def made(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        return [Shaky(SqliteStore(self.path, self.clock)) for _ in range(3)]

    def forgotten(self):
        for path in Path(self.folder.name).iterdir():
            path.unlink()

    def teardown(self):
        super().teardown()
        self.folder.cleanup()


TestInMemory = Processes.TestCase
TestInMemory.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestInOneFile = ProcessesOfOneFile.TestCase
TestInOneFile.settings = settings(
    max_examples=3, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
