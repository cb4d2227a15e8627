"""Who waits for the store, and what it wants."""

import asyncio

from proxy.ledger.balance import Balance, Denied, Line
from proxy.ledger.store import Count, Standing
from proxy.ledger.waiting import Looker, Waiter, Wish, refused, spent, unanswered, wishes


def made(key="b", *, taken=0, spent=0, free=0, hard=True):
    """Of a limit of 100, of which others took and spent so much."""
    balance = Balance(key, 100, 0.0, 0, hard=hard)
    balance.hear(Standing(key=key, own=Count(free), total=taken + free, spent=spent, others={}))
    return balance


def test_what_waits_is_summed_by_balance_with_its_least():
    one, two = made("one"), made("two")
    loop = asyncio.new_event_loop()
    queues = [[Line(one, 30), Line(two, 7)], [Line(one, 10)], [Line(one, 20)]]
    assert wishes(Waiter(lines, loop.create_future()) for lines in queues) == {one: Wish(60, 10), two: Wish(7, 7)}
    loop.close()


def test_what_is_spent_is_not_to_be_had():
    balance = made(taken=95, spent=91)
    assert spent([Line(made(), 100), Line(balance, 10)]) == Denied(balance)
    assert spent([Line(balance, 9)]) is None


def test_what_is_in_hand_or_soft_need_not_be_asked_for():
    assert spent([Line(made(taken=95, spent=95, free=5), 5)]) is None
    assert spent([Line(made(taken=200, spent=200, hard=False), 5)]) is None


def test_what_others_have_in_hand_may_come_back():
    balance = made(taken=95, spent=40)
    assert refused([Line(balance, 10)], {balance}) == Denied(balance, held=True)


def test_what_was_lost_with_a_process_that_ended_does_not_come_back():
    balance = made(taken=95, spent=40)
    balance.lost = 50
    assert refused([Line(balance, 10)], {balance}) == Denied(balance, held=True), "five are in living hands, five free"
    assert refused([Line(balance, 11)], {balance}) == Denied(balance)


def test_what_was_not_asked_is_not_refused():
    assert refused([Line(made(taken=95), 10)], set()) is None


def test_what_is_in_hand_counts_beside_what_is_free():
    balance = made(taken=80, free=5)
    assert refused([Line(balance, 20)], {balance}) is None
    assert refused([Line(balance, 21)], {balance}) == Denied(balance, held=True)


async def test_who_waits_for_word_of_several_is_answered_when_each_was_spoken_of_or_the_store_is_away():
    one, two = made(), made()
    loop = asyncio.get_running_loop()
    left, first = Looker([one, two], 5.0, loop.create_future()), Looker([one], 5.0, loop.create_future())
    one.told_at = 5.0
    assert unanswered([left, first], away=False) == [left]
    assert first.answer.done() and not left.answer.done()
    two.told_at = 4.0
    assert unanswered([left], away=False) == [left]
    assert unanswered([left], away=True) == []
    assert left.answer.done()
