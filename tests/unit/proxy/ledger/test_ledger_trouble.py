"""What a process has in hand when the store is away or forgets, when who waits leaves, and when it all ends."""

import asyncio

from proxy.ledger import ledger as module
from proxy.ledger.balance import Denied, Line
from proxy.ledger.ledger import DOUBT_S, DROP_S, LIVE, RETRY_S, TELL_S, Ledger
from proxy.ledger.store import Ask, Away, Unfit
from tests.unit.proxy.ledger.watched import END, FAR, line_of, played_with


@played_with
async def test_who_leaves_while_it_waits_takes_nothing_along(ledger, store, clock):
    store.gate = asyncio.Event()
    line = Line(ledger.balance("b", FAR, END), 10)
    waiting = asyncio.create_task(ledger.obtain([line]))
    await clock.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    store.gate.set()
    await clock.sleep(3 * TELL_S)
    assert (line.held, line.balance.reserved, await store.taken()) == (0, 0, (0, 0))


@played_with
async def test_who_is_cancelled_as_its_answer_comes_releases_what_it_got(ledger, store, clock):
    store.gate = asyncio.Event()
    line = Line(ledger.balance("b", FAR, END), 10)
    waiting = asyncio.create_task(ledger.obtain([line]))
    await clock.sleep(0.01)
    store.parting = waiting.cancel
    store.gate.set()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert (line.held, line.balance.reserved) == (0, 0)


@played_with
async def test_while_the_store_is_away_what_is_in_hand_is_used_and_then_the_reason_said(ledger, store, clock):
    line = await line_of(ledger, 10)
    await line_of(ledger, 10)
    store.failing = Away("the store sleeps")
    in_hand = line.balance.free
    assert ledger.take([Line(line.balance, in_hand)])
    denied = await ledger.obtain([Line(line.balance, 1)])
    assert denied == Denied(line.balance, away="the store sleeps")
    assert ledger.trouble == "the store sleeps"
    soft = Line(ledger.balance("soft", 10, END, hard=False), 99)
    assert await ledger.obtain([soft]) is None


@played_with
async def test_a_store_that_is_away_is_tried_again_ever_more_seldom_and_is_used_again_by_itself(ledger, store, clock):
    store.failing = Unfit("it is broken")
    line = Line(ledger.balance("b", FAR, END), 10)
    assert (await ledger.obtain([line])).away == "it is broken"
    asked = len(store.calls)
    await clock.sleep(RETRY_S + 0.01)
    assert len(store.calls) == asked + 1
    await clock.sleep(10)
    assert len(store.calls) - asked <= 1 + 2 + 10
    assert (await ledger.obtain([line])).away == "it is broken"
    store.failing = None
    await clock.sleep(2.01)
    assert ledger.trouble == ""
    assert await ledger.obtain([line]) is None


@played_with
async def test_a_fault_in_a_store_leaves_nobody_waiting(ledger, store, clock):
    store.failing = ZeroDivisionError()
    denied = await ledger.obtain([Line(ledger.balance("b", FAR, END), 10)])
    assert denied.away == "the budget store failed: ZeroDivisionError"


@played_with
async def test_after_a_store_forgot_nothing_is_granted_until_others_have_spoken(ledger, store, clock):
    other = Ledger(store, clock, "two")
    await other.open()
    held = await line_of(other, 60, limit=100)
    store.forget("another")
    line = Line(ledger.balance("b", 100, END), 60)
    denied = await ledger.obtain([line])
    assert denied.away == "the budget store has lost what it knew and is being told again"
    assert (await ledger.obtain([line])).away
    await clock.sleep(DOUBT_S + 0.01)
    assert await ledger.obtain([line]) == Denied(line.balance, held=True)
    assert (await store.taken())[0] == 60
    other.settle(held, 0)
    await other.close()
    assert await ledger.obtain([line]) is None


@played_with
async def test_what_the_dead_had_is_told_to_a_store_that_forgot(ledger, store, clock):
    await store.call("dead", [Ask(key="b", limit=100, least=70, need=70, expires=END)], "")
    await line_of(ledger, 10, limit=100)
    store.forget("another")
    await clock.sleep(2 * TELL_S + DOUBT_S)
    assert (await store.taken())[0] == 80


@played_with
async def test_closing_gives_back_and_tells_everything(ledger, store, clock):
    other = Ledger(store, clock, "two")
    await other.open()
    line = await line_of(other, 10)
    await line_of(other, 10)
    other.settle(line, 4)
    await other.close()
    assert await store.taken() == (14, 4)
    assert (await other.obtain([Line(line.balance, 1)])).away == "the budget store is not open"


@played_with
async def test_closing_tells_a_store_that_is_away_for_a_moment(ledger, store, clock):
    other = Ledger(store, clock, "two")
    await other.open()
    other.settle(await line_of(other, 10), 4)
    store.failing = Away("a moment")
    closing = asyncio.create_task(other.close())
    await clock.sleep(RETRY_S / 2)
    store.failing = None
    await closing
    assert await store.taken() == (4, 4)


@played_with
async def test_closing_tells_of_a_soft_balance_that_the_store_never_spoke_of(ledger, store, clock):
    other = Ledger(store, clock, "two")
    await other.open()
    line = Line(other.balance("b", 100, END, hard=False), 60)
    assert other.take([line])
    other.settle(line, 50)
    await other.close()
    assert (await store.taken())[1] == 50


@played_with
async def test_closing_waits_for_a_store_that_hangs_only_so_long(ledger, store, clock):
    other = Ledger(store, clock, "two")
    await other.open()
    await line_of(other, 10)
    store.gate = asyncio.Event()
    waiting = asyncio.create_task(other.obtain([Line(other.balance("c", FAR, END), 10)]))
    await clock.sleep(0.01)
    began = clock.now()
    await other.close()
    assert clock.now() - began <= module.CLOSE_S + 0.1
    assert (await waiting).away
    store.gate.set()


@played_with
async def test_a_store_that_is_away_at_first_is_opened_later(ledger, store, clock):
    store.failing = Away("not yet")
    other = Ledger(store, clock, "two")
    await other.open()
    assert other.trouble == "not yet"
    store.failing = None
    await clock.sleep(RETRY_S + 0.01)
    assert other.trouble == ""
    await other.close()


@played_with
async def test_a_balance_is_found_again_with_its_limit_as_it_is_now(ledger, store, clock):
    first = ledger.balance("b", 100, END)
    assert ledger.balance("b", 50, END) is first
    assert first.limit == 50


@played_with
async def test_balances_are_kept_to_their_windows_end_and_then_dropped(ledger, store, clock):
    """What was spent of a window that goes on is known to nobody else, should the store forget."""
    for key, end in (("b", END), ("past", clock.wall() + 60)):
        line = Line(ledger.balance(key, FAR, end), 10)
        assert await ledger.obtain([line]) is None
        ledger.settle(line, 4)
    await clock.sleep(50)
    assert {one.key for one in ledger.balances} == {"b", "past"}
    await clock.sleep(2 * DROP_S)
    assert [one.key for one in ledger.balances] == ["b"]


@played_with
async def test_an_idle_process_notices_that_the_store_has_forgotten_and_tells_what_it_spent(ledger, store, clock):
    """Or others, who never heard of it, would spend it once more."""
    ledger.settle(await line_of(ledger, 30, limit=100), 30)
    await clock.sleep(10)
    store.forget("another")
    await clock.sleep(DOUBT_S)
    assert await store.taken() == (30, 30)


@played_with
async def test_where_nothing_was_spent_the_store_is_left_alone(ledger, store, clock):
    asked = len(store.calls)
    await clock.sleep(10 * DROP_S)
    assert len(store.calls) == asked


@played_with
async def test_there_is_room_for_so_many_balances_and_the_idle_ones_make_it(ledger, store, clock):
    used = await line_of(ledger, 1)
    for number in range(LIVE):
        ledger.balance(f"user {number}", 10, END)
    await clock.sleep(10)
    ledger.balance("one more", 10, END)
    assert len(ledger.balances) == 2
    assert used.balance in ledger.balances


@played_with
async def test_more_balances_than_one_call_takes_are_told_in_several(ledger, store, clock):
    lines = [Line(ledger.balance(f"user {number}", FAR, END), 1) for number in range(600)]
    assert await ledger.obtain(lines) is None
    await clock.sleep(3)
    assert max(map(len, store.calls)) == module.BATCH
    assert (await store.taken("user 599"))[0] >= 1


@played_with
async def test_a_fault_of_who_is_told_of_changes_leaves_nobody_waiting(ledger, store, clock):
    def failing(_):
        raise ZeroDivisionError

    await store.call("two", [Ask(key="b", limit=FAR, least=5, need=5, expires=END)], "")
    ledger._changed = failing
    line = Line(ledger.balance("b", FAR, END), 10)
    assert await ledger.obtain([line]) is None
    assert ledger.trouble == "the ledger failed: ZeroDivisionError"
    assert (await ledger.obtain([Line(line.balance, 500)])).away
    ledger._changed = lambda _: None
    await clock.sleep(RETRY_S + 0.01)
    assert await ledger.obtain([Line(line.balance, 500)]) is None


@played_with
async def test_room_is_not_made_by_a_balance_that_somebody_waits_for(ledger, store, clock):
    store.gate = asyncio.Event()
    balance = ledger.balance("b", FAR, END)
    waiting = asyncio.create_task(ledger.obtain([Line(balance, 10)]))
    await clock.sleep(10)
    for number in range(LIVE):
        ledger.balance(f"user {number}", 10, END)
    assert ledger.balance("b", FAR, END) is balance
    store.gate.set()
    assert await waiting is None
