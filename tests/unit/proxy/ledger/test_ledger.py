"""What a process has in hand: reserving and settling without asking, and with it."""

import asyncio

from proxy.ledger.balance import Denied, Line
from proxy.ledger.ledger import TELL_S, Ledger
from proxy.ledger.memory import MemoryStore
from proxy.ledger.store import Ask
from tests.unit.proxy.ledger.watched import END, FAR, line_of, played_with
from tests.virtual import VirtualClock


@played_with
async def test_nothing_is_in_hand_before_the_store_was_asked(ledger, store, clock):
    line = Line(ledger.balance("b", FAR, END), 10)
    assert not ledger.take([line])
    assert await ledger.obtain([line]) is None
    assert line.held == 10


@played_with
async def test_what_a_lease_has_left_is_taken_without_asking(ledger, store, clock):
    await line_of(ledger, 10)
    await line_of(ledger, 10)
    asked = len(store.calls)
    balance = ledger.balance("b", FAR, END)
    assert ledger.take([Line(balance, 10)])
    assert len(store.calls) == asked


@played_with
async def test_all_lines_are_taken_or_none(ledger, store, clock):
    rich = (await line_of(ledger, 10)).balance
    poor = ledger.balance("poor", 5, END)
    assert not ledger.take([Line(rich, 1), Line(poor, 1)])
    assert rich.reserved == 10
    denied = await ledger.obtain([Line(rich, 1), Line(poor, 6)])
    assert denied == Denied(poor)
    assert rich.reserved == 10


@played_with
async def test_all_of_it_can_be_spent_and_nothing_more(ledger, store, clock):
    balance = ledger.balance("b", 1_000, END)
    lines = [Line(balance, 10) for _ in range(150)]
    answers = await asyncio.gather(*(ledger.obtain([line]) for line in lines))
    assert sum(answer is None for answer in answers) == 100
    assert next(answer for answer in answers if answer is not None) == Denied(balance, held=True)
    for line in lines:
        if line.held:
            ledger.settle(line, 10)
    assert await ledger.obtain([Line(balance, 1)]) == Denied(balance)


@played_with
async def test_those_who_wait_together_are_asked_for_in_one_call_and_served_in_their_order(ledger, store, clock):
    store.gate = asyncio.Event()
    balance = ledger.balance("b", 1_000, END)
    lines = [Line(balance, amount) for amount in (1, 700, 400, 300)]
    waiting = [asyncio.create_task(ledger.obtain([line])) for line in lines]
    asked = len(store.calls)
    await clock.sleep(0.01)
    store.gate.set()
    answers = await asyncio.gather(*waiting)
    assert [answer is None for answer in answers] == [True, True, False, False]
    assert len(store.calls) - asked <= 2


@played_with
async def test_who_asks_for_less_is_served_where_who_asked_before_cannot_be(ledger, store, clock):
    await line_of(ledger, 50, limit=100)
    large, small = Line(ledger.balance("b", 100, END), 60), Line(ledger.balance("b", 100, END), 40)
    answers = await asyncio.gather(ledger.obtain([large]), ledger.obtain([small]))
    assert [answer is None for answer in answers] == [False, True]


@played_with
async def test_what_is_spent_for_good_is_refused_without_asking(ledger, store, clock):
    line = await line_of(ledger, 100, limit=100)
    ledger.settle(line, 100)
    await clock.sleep(2 * TELL_S)
    asked = len(store.calls)
    assert await ledger.obtain([Line(line.balance, 1)]) == Denied(line.balance)
    assert len(store.calls) == asked


@played_with
async def test_settling_a_line_again_does_nothing(ledger, store, clock):
    line = await line_of(ledger, 10)
    ledger.settle(line, 4)
    ledger.settle(line, 9)
    assert (line.balance.spent, line.balance.reserved, line.held) == (4, 0, 0)


@played_with
async def test_a_line_that_grew_is_settled_at_once(ledger, store, clock):
    line = await line_of(ledger, 10)
    line.amount = 30
    assert await ledger.obtain([line]) is None
    assert (line.held, line.balance.reserved) == (40, 40)
    ledger.settle(line, 35)
    assert (line.balance.spent, line.balance.reserved) == (35, 0)


@played_with
async def test_what_was_spent_is_told_within_a_second(ledger, store, clock):
    line = await line_of(ledger, 10)
    await clock.sleep(5)
    ledger.settle(line, 7)
    await clock.sleep(TELL_S + 0.01)
    assert (await store.taken())[1] == 7


@played_with
async def test_what_nobody_uses_goes_back_soon(ledger, store, clock):
    line = await line_of(ledger, 10)
    await line_of(ledger, 10)
    assert (await store.taken())[0] > 20
    await clock.sleep(2 * TELL_S)
    assert (await store.taken())[0] == 20
    ledger.settle(line, 1)
    await clock.sleep(2 * TELL_S)
    assert await store.taken() == (11, 1)


@played_with
async def test_near_its_end_what_is_free_goes_back_at_once(ledger, store, clock):
    line = await line_of(ledger, 95, limit=100)
    ledger.settle(line, 5)
    await clock.sleep(0.001)
    assert await store.taken() == (5, 5)


@played_with
async def test_an_idle_ledger_asks_only_whether_the_store_still_knows_everything(ledger, store, clock):
    ledger.settle(await line_of(ledger, 10), 3)
    await clock.sleep(5)
    asked = len(store.calls)
    await clock.sleep(100)
    assert store.calls[asked:] == [[]] * (len(store.calls) - asked)
    assert 90 <= len(store.calls) - asked <= 100


@played_with
async def test_what_is_reserved_for_long_is_told_every_second(ledger, store, clock):
    await line_of(ledger, 10)
    await clock.sleep(5)
    asked = len(store.calls)
    await clock.sleep(10)
    assert 9 <= len(store.calls) - asked <= 11


@played_with
async def test_more_than_was_reserved_is_charged_in_full_and_counted(ledger, store, clock):
    ledger.settle(await line_of(ledger, 100, limit=100), 130)
    await clock.sleep(2 * TELL_S)
    assert await store.taken() == (130, 130)


@played_with
async def test_a_soft_balance_is_always_reserved_and_always_told(ledger, store, clock):
    balance = ledger.balance("b", 100, END, hard=False)
    lines = [Line(balance, 60) for _ in range(3)]
    assert all(ledger.take([line]) for line in lines)
    for line in lines:
        ledger.settle(line, 50)
    await clock.sleep(3 * TELL_S)
    assert await store.taken() == (150, 150)


@played_with
async def test_settlements_and_what_others_do_are_told_to_who_wants_to_know(ledger, store, clock):
    changed = []
    ledger._changed = changed.append
    line = await line_of(ledger, 10)
    changed.clear()
    ledger.settle(line, 1)
    assert changed == [line.balance]
    await store.call("two", [Ask(key="b", limit=FAR, least=5, need=5, expires=END)], "")
    changed.clear()
    await clock.sleep(2 * TELL_S)
    assert changed == [line.balance]
    assert line.balance.taken_elsewhere == 5


@played_with
async def test_a_settlement_that_nobody_heeds_is_not_told(ledger, store, clock):
    changed = []
    ledger._changed = changed.append
    line, other = await line_of(ledger, 10), await line_of(ledger, 10)
    line.balance.heed = 8
    changed.clear()
    ledger.settle(line, 7)
    assert changed == []
    ledger.settle(other, 1)
    assert changed == [line.balance]


@played_with
async def test_what_is_held_of_several_in_their_units_is_all_or_nothing_and_ends_as_told(ledger, store, clock):
    rich, poor = (await line_of(ledger, 100)).balance, (await line_of(ledger, 5, limit=5, key="poor")).balance
    assert not ledger.hold([(rich, 0), (poor, 1)], (10, 1))
    assert rich.reserved == 100
    assert ledger.hold([(rich, 0), (poor, 1)], (10, 0))
    ledger.release([(rich, 0), (poor, 1)], (10, 0), (3, 0))
    assert (rich.reserved, rich.spent, poor.reserved, poor.spent) == (100, 3, 5, 0)
    await clock.sleep(2 * TELL_S)
    assert (await store.taken())[1] == 3


@played_with
async def test_the_version_is_another_when_a_balance_is_dropped_or_has_another_limit(ledger, store, clock):
    ledger.balance("b", 10, END)
    version = ledger.version
    ledger.balance("b", 10, END)
    assert ledger.version == version
    ledger.balance("b", 20, END)
    ledger.balance("b", 20, END, hard=False)
    assert ledger.version == version + 2
    past = Line(ledger.balance("past", 10, clock.wall() + 1), 1)
    assert await ledger.obtain([past]) is None
    ledger.settle(past, 1)
    await clock.sleep(100)
    assert ledger.version > version + 2
    assert [one.key for one in ledger.balances] == ["b"]


@played_with
async def test_the_time_is_the_stores(ledger, store, clock):
    ahead = VirtualClock()
    ahead._offset += 100
    store._clock = ahead
    await line_of(ledger, 1)
    assert ledger.now() - clock.wall() == 100


@played_with
async def test_a_name_is_marked_once(ledger, store, clock):
    assert await ledger.mark("b 0.8", END)
    assert not await ledger.mark("b 0.8", END)


async def test_who_wants_to_hear_sooner_hears_of_the_next_settlement():
    told, store_clock = [], VirtualClock()
    ledger = Ledger(MemoryStore(store_clock), store_clock, "one", told.append)
    balance = ledger.balance("b", FAR, END, hard=False)
    balance.heed = 1_000
    for _ in range(2):
        settled_at_once(ledger, balance)
    assert told == []
    balance.heed = 0
    settled_at_once(ledger, balance)
    assert told == [balance]


def settled_at_once(ledger, balance):
    line = Line(balance, 10)
    assert ledger.take([line])
    balance.free = 100  # as with a lease in hand
    ledger.settle(line, 10)


async def beside_another(ledger, store, clock):
    """Another process' ledger, which has 10 in hand, and a line of 10 that `ledger` has settled in the same balance."""
    other = Ledger(store, clock, "two")
    await other.open()
    assert await other.obtain([Line(other.balance("b", FAR, END), 10)]) is None
    mine = await line_of(ledger, 10)
    ledger.settle(mine, 10)
    return other, mine


@played_with
async def test_what_a_process_that_died_had_in_hand_is_lost_and_what_one_that_lives_has_is_not(ledger, store, clock):
    """It is found out by a process that has nothing in hand itself, too; and it stays taken."""
    other, mine = await beside_another(ledger, store, clock)
    await clock.sleep(60)
    balance = mine.balance
    assert (balance.quiet, balance.taken_elsewhere, balance.lost) == (True, 10, 0)
    other._worker.cancel()
    await clock.sleep(60)
    assert (balance.lost, balance.taken_elsewhere) == (10, 10)
    assert ledger.balance("b", FAR, END) is balance


@played_with
async def test_what_a_process_that_died_had_in_hand_is_lost_also_where_other_budgets_keep_everybody_busy(
    ledger, store, clock
):
    other, mine = await beside_another(ledger, store, clock)
    await clock.sleep(20)
    other._worker.cancel()
    for _ in range(60):
        ledger.settle(await line_of(ledger, 10, limit=100_000, key="busy"), 10)
        await clock.sleep(0.5)
    assert mine.balance.lost == 10


@played_with
async def test_one_that_was_only_stopped_for_a_while_has_what_it_had(ledger, store, clock):
    other, mine = await beside_another(ledger, store, clock)
    await clock.sleep(60)
    other._worker.cancel()
    await clock.sleep(60)
    assert mine.balance.lost == 10
    other._worker = asyncio.create_task(other._work())
    await clock.sleep(15)
    assert mine.balance.lost == 0
    await other.close()


@played_with
async def test_what_was_dropped_is_not_asked_about_for_its_key_may_be_anothers_by_now(ledger, store, clock):
    first = (await line_of(ledger, 10)).balance
    del ledger._live["b"]
    assert not await ledger.look([first], 0.0)
    second = ledger.balance("b", FAR, END)
    assert await ledger.look([first, second], 0.0)
    assert (first.wanted, second.heard) == (False, True)


@played_with
async def test_what_was_billed_beyond_what_was_held_is_asked_for_at_once(ledger, store, clock):
    line = await line_of(ledger, 10)
    balance = line.balance
    while ledger.take([Line(balance, 1)]):
        pass
    await clock.sleep(0.01)
    asked = len(store.calls)
    ledger.settle(line, 10 + balance.free + 5)
    assert balance.free < 0
    await clock.sleep(0.01)
    assert balance.free >= 0 and len(store.calls) > asked
