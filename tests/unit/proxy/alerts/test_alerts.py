"""Who is told of a budget, and how often."""

import asyncio
import json

import pytest

from proxy.alerts import alerts as module
from proxy.alerts.alerts import KEPT_S, PAUSES, Alerts
from proxy.alerts.thresholds import NEVER
from proxy.config.spending import NANOS
from proxy.ledger.memory import MemoryStore
from proxy.ledger.store import Away, Unfit


class Clock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def wall(self) -> float:
        return 1_795_266_000.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Lab:
    """Alerts before a store; what they told, and sent."""

    def __init__(self, store=None) -> None:
        self.clock, self.told, self.sent = Clock(), [], []
        self.store = store or MemoryStore(self.clock)
        self.it = Alerts(self.mark, self.clock, self.told.append, self.sent.append)
        self.marked: list[tuple[str, int]] = []
        self.faults: list[Exception] = []

    async def mark(self, name: str, expires: int) -> bool:
        self.marked.append((name, expires))
        if self.faults:
            raise self.faults.pop(0)
        return await self.store.mark(name, expires)

    async def spend(self, held, dollars: float) -> list[float]:
        """The thresholds told of since, in order."""
        before = len(self.told)
        held.balance.spent_in_all = int(dollars * NANOS)
        self.it.look(held)
        await self.done()
        return [one["threshold"] for one in self.told[before:]]

    async def done(self) -> None:
        if self.it._task is not None:
            await self.it._task


@pytest.fixture
def lab() -> Lab:
    return Lab()


async def test_each_threshold_is_told_once(lab, held_of):
    held = held_of()
    assert [await lab.spend(held, dollars) for dollars in (7.9, 8, 9, 10, 11)] == [[], [0.8], [], [1.0], []]
    assert [json.loads(one)["threshold"] for one in lab.sent] == [0.8, 1.0]


async def test_nothing_is_asked_until_a_threshold_is_reached(lab, held_of):
    await lab.spend(held_of(), 7.9)
    assert lab.marked == [] and lab.it._task is None


async def test_a_balance_is_left_with_the_amount_from_which_on_it_is_to_be_looked_at_again(lab, held_of):
    held = held_of()
    for dollars, heed in ((1, 8 * NANOS), (8, 10 * NANOS), (9, 10 * NANOS), (11, NEVER)):
        await lab.spend(held, dollars)
        assert held.balance.heed == heed


async def test_each_balance_has_thresholds_of_its_own(lab, held_of):
    assert await lab.spend(held_of("alice"), 8) == await lab.spend(held_of("bob"), 8) == [0.8]
    assert await lab.spend(held_of("alice", key="users|alice|tomorrow"), 8) == [0.8]


async def test_whoever_comes_first_tells_and_nobody_else_not_even_after_a_restart(lab, held_of):
    beside, after = Lab(lab.store), Lab(lab.store)
    assert await lab.spend(held_of(), 8) == [0.8]
    assert await beside.spend(held_of(), 8.1) == []
    assert await after.spend(held_of(), 10) == [1.0]
    assert await lab.spend(held_of(), 10) == []


async def test_the_store_remembers_beyond_the_window(lab, held_of):
    held = held_of()
    await lab.spend(held, 8)
    assert lab.marked == [(f"alert|{held.balance.key}|0.8", int(held.span.end) + KEPT_S)]


async def test_a_budget_that_had_to_refuse_is_spent_though_less_is_settled(lab, held_of):
    held = held_of()
    held.balance.spent_in_all = int(8.5 * NANOS)
    held.balance.taken_in_all = int(9.99 * NANOS)
    lab.it.refused(held)
    lab.it.refused(held)
    lab.it.look(held)
    await lab.done()
    assert [(one["threshold"], one["spent"]) for one in lab.told] == [(0.8, "8.5"), (1.0, "8.5")]


async def test_a_request_that_was_too_large_is_no_budgets_end(lab, held_of):
    held = held_of()
    held.balance.spent_in_all = held.balance.taken_in_all = 9 * NANOS
    lab.it.refused(held)
    await lab.done()
    assert lab.told == []


@pytest.mark.parametrize("fault", [Away("it is away"), Unfit("it is broken")])
async def test_a_store_that_is_away_is_asked_again(lab, held_of, fault):
    lab.faults = [fault] * 2
    assert await lab.spend(held_of(), 8) == [0.8]
    assert lab.clock.slept == list(PAUSES[:2]) and len(lab.marked) == 3


async def test_people_are_told_though_the_store_stays_away(lab, held_of):
    lab.faults = [Away("it is away")] * 99
    assert await lab.spend(held_of(), 8) == [0.8]
    assert lab.clock.slept == list(PAUSES)


async def test_what_waits_is_bounded(lab, held_of, monkeypatch):
    monkeypatch.setattr(module, "WAITING", 3)
    for user in range(5):
        held = held_of(str(user))
        held.balance.spent_in_all = 8 * NANOS
        lab.it.look(held)
    await lab.done()
    assert (len(lab.told), lab.it.dropped) == (3, 2)


async def test_what_is_remembered_is_bounded_and_the_store_knows_the_rest(lab, held_of, monkeypatch):
    monkeypatch.setattr(module, "KEYS", 2)
    for user in "abcde":
        assert await lab.spend(held_of(user), 8) == [0.8]
        assert len(lab.it._seen) <= 2
    assert await lab.spend(held_of("a"), 9) == []


async def test_the_end_waits_for_what_is_told_but_not_for_ever(lab, held_of, monkeypatch):
    monkeypatch.setattr(module, "CLOSE_S", 0.01)
    asked = asyncio.Event()

    async def never(name, expires):
        asked.set()
        await asyncio.Event().wait()

    lab.it = Alerts(never, lab.clock, lab.told.append, lab.sent.append)
    held = held_of()
    held.balance.spent_in_all = 8 * NANOS
    lab.it.look(held)
    await asked.wait()
    await lab.it.close()
    assert lab.told == [] and lab.it._task.done()
    held.balance.spent_in_all = 10 * NANOS
    lab.it.look(held)
    assert lab.it._task.done(), "who looks next tells it"
    await Lab().it.close()
