"""A balance as its owner sees it."""

import pytest

from proxy.ledger.balance import DIRECT, LEASE, PACE, Balance
from proxy.ledger.grants import apply
from proxy.ledger.store import Count, Standing


def made(limit=100_000, *, hard=True):
    return Balance("b", limit, 0.0, 900, hard=hard)


def exchanged(balance, counts, waiting=0, least=None):
    """One call at a store of these counts."""
    ask = balance.ask(waiting, waiting if least is None else least)
    balance.hear(apply(counts, "one", ask, remembers=True))
    return ask


def test_a_first_wish_says_nothing_of_the_counters_and_all_of_the_wish():
    ask = made().ask(30, 10)
    assert (ask.key, ask.limit, ask.own, ask.least, ask.need, ask.expires) == ("b", 100_000, Count(), 10, 30, 900)


def test_amounts_move_from_hand_to_reserved_to_spent():
    balance = made()
    exchanged(balance, {}, 100)
    in_hand = balance.free
    balance.reserve(60)
    assert (balance.free, balance.reserved) == (in_hand - 60, 60)
    balance.settle(60, 45)
    assert (balance.free, balance.reserved, balance.spent, balance.granted) == (in_hand - 45, 0, 45, in_hand)


def test_what_is_missing_is_asked_for_beside_what_is_in_hand():
    balance = made(1_000)
    exchanged(balance, {}, 100)
    ask = balance.ask(250, 120)
    assert (ask.own, ask.least, ask.need) == (Count(100), 20, 150)


def test_a_small_limit_is_used_without_leases():
    balance = made(DIRECT * 10 - 1)
    balance.reserve(10)
    balance.settle(10, 0)
    assert balance.ask(10, 10).chunk == 0


def test_a_lease_begins_small_and_doubles_with_each_refill_up_to_a_part_of_the_limit():
    balance, counts, chunks = made(), {}, []
    balance.reserve(10)
    balance.settle(10, 0)
    for _ in range(7):
        chunks.append(exchanged(balance, counts, balance.free + 1).chunk)
    assert chunks == [PACE * 10, 160, 320, 640, 1_280, 100_000 // LEASE, 100_000 // LEASE]


def test_a_lease_is_refilled_when_half_of_it_is_used():
    balance, counts = made(), {}
    exchanged(balance, counts, 10)
    balance.size = 10
    exchanged(balance, counts, 11)
    balance.reserve(balance.free - balance.low)
    assert balance.ask(0, 0).need == 0
    balance.reserve(1)
    ask = balance.ask(0, 0)
    assert (ask.least, ask.need) == (1, 1)
    assert ask.chunk > 0


def test_what_is_given_back_is_told_with_the_next_call_and_the_next_lease_is_small_again():
    balance, counts = made(), {}
    balance.size = 10
    exchanged(balance, counts, 1)
    exchanged(balance, counts, balance.free + 1)
    balance.give_back()
    assert balance.free == 0
    assert not balance.quiet
    exchanged(balance, counts)
    assert counts["one"].returned == counts["one"].granted
    assert balance.quiet
    assert balance.ask(1, 1).chunk == PACE * 10


def test_near_its_end_nothing_stays_in_hand_but_what_waits():
    balance, counts = made(1_000), {"two": Count(800)}
    exchanged(balance, counts, 120)
    assert balance.scarce
    ask = balance.ask(30, 30)
    assert (balance.free, ask.own, ask.need) == (30, Count(120, 90, 0), 0)


def test_what_was_spent_beyond_a_reservation_is_granted_by_force():
    balance, counts = made(1_000), {"two": Count(900)}
    exchanged(balance, counts, 100)
    balance.reserve(100)
    balance.settle(100, 130)
    ask = balance.ask(50, 50)
    assert (ask.need, ask.force, ask.own) == (30, True, Count(100, 0, 130))
    balance.hear(apply(counts, "one", ask, remembers=True))
    assert (balance.free, balance.taken_in_all) == (0, 1_030)


def test_a_soft_balance_is_reserved_from_nothing_and_granted_later():
    balance, counts = made(1_000, hard=False), {"two": Count(2_000)}
    balance.reserve(10)
    ask = exchanged(balance, counts)
    assert (ask.force, ask.need > 10) == (True, True)
    assert balance.free == ask.need - 10


def test_an_answer_that_was_lost_is_made_up_for_by_the_next():
    balance, counts = made(1_000), {}
    apply(counts, "one", balance.ask(40, 40), remembers=True)
    exchanged(balance, counts)
    assert balance.free == 40


def test_an_answer_that_is_late_takes_nothing_away():
    balance, counts = made(1_000), {}
    exchanged(balance, counts, 40)
    late = balance.tell()
    balance.reserve(40)
    balance.settle(40, 40)
    balance.hear(apply(counts, "one", late, remembers=True))
    assert (balance.free, balance.spent, balance.told) == (0, 40, False)


def test_a_balance_that_was_dropped_goes_on_where_it_was():
    counts = {"one": Count(100, 60, 40)}
    balance = made(1_000, hard=False)
    balance.reserve(10)
    balance.settle(10, 10)
    exchanged(balance, counts)
    assert (balance.spent, balance.returned) == (50, 60)
    assert balance.granted == counts["one"].granted
    exchanged(balance, counts)
    assert counts["one"].spent == 50


def test_what_is_used_elsewhere_is_known_from_the_last_answer():
    balance = made(1_000)
    exchanged(balance, {"two": Count(400, 100, 250)}, 50)
    balance.reserve(50)
    balance.settle(50, 20)
    assert (balance.spent_in_all, balance.taken_in_all) == (270, 350)


def test_hearing_says_whether_anything_moved_elsewhere():
    balance, counts = made(1_000), {"two": Count(400, 0, 10)}
    assert balance.hear(apply(counts, "one", balance.tell(), remembers=True))
    assert not balance.hear(apply(counts, "one", balance.tell(), remembers=True))


def test_what_others_told_is_said_for_them_when_the_store_forgot():
    balance = made(1_000)
    exchanged(balance, {"two": Count(400, 0, 10), "gone": Count(9)})
    exchanged(balance, {"two": Count(300, 5, 20)})
    assert dict(balance.tell().others) == {}
    balance.reassert = True
    assert dict(balance.tell().others) == {"two": Count(400, 5, 20), "gone": Count(9)}


@pytest.mark.parametrize("hard", [True, False])
def test_a_quiet_balance_has_nothing_in_hand_and_nothing_untold(hard):
    balance = made(hard=hard)
    assert balance.quiet
    balance.hear(Standing(key="b", own=Count(10), total=10, spent=0, others={}))
    assert not balance.quiet
    balance.reserve(10)
    assert not balance.quiet
    balance.settle(10, 10)
    assert not balance.quiet
    balance.hear(Standing(key="b", own=Count(10, 0, 10), total=10, spent=10, others={}))
    assert balance.quiet
