"""Who waits for the store, and what it wants: pure."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from proxy.ledger.balance import Amounts, Balance, Denied, Line, Seats


class Waiter(Struct, eq=False):
    """One exchange that has not enough in hand for all of its lines."""

    lines: Sequence[Line]
    answer: "asyncio.Future[Denied | None]"


class Looker(Struct, eq=False):
    """One who waits for the store's word on each of some balances."""

    balances: Sequence[Balance]
    since: float
    """Older words are none."""
    answer: "asyncio.Future[None]"


class Wish(NamedTuple):
    """What waits for one balance."""

    total: int
    least: int
    """The smallest of it."""


FORGOT: Final = "the budget store has lost what it knew and is being told again"
NO_WISH: Final = Wish(0, 0)


def wishes(waiters: Iterable[Waiter]) -> dict[Balance, Wish]:
    found: dict[Balance, Wish] = {}
    for waiter in waiters:
        for line in waiter.lines:
            wish = found.get(line.balance)
            if wish is None:
                found[line.balance] = Wish(line.amount, line.amount)
            else:
                found[line.balance] = Wish(wish.total + line.amount, min(wish.least, line.amount))
    return found


def taken(seats: Seats, amounts: Amounts, little: Balance, now: float) -> Sequence[Balance] | None:
    """Reserves every amount, or nothing where a hard balance has too little, which gives None; else those that are to
    be asked for more. `little` has little in hand or too little; of those before it the amounts are taken already."""
    for balance, unit in seats:
        if balance is little:
            break
        balance.free += amounts[unit]
    if any(balance.hard and balance.free < amounts[unit] for balance, unit in seats):
        return None
    for balance, unit in seats:
        balance.reserve(amounts[unit])
        balance.used_at = now
    return [balance for balance, _ in seats if balance.free < balance.low and not balance.wanted]


def unanswered(lookers: Iterable[Looker], *, away: bool) -> Sequence[Looker]:
    """Those that still wait; the others are answered: where the store is `away`, all."""
    left = []
    for looker in lookers:
        if looker.answer.done():
            continue
        if away or all(balance.told_at >= looker.since for balance in looker.balances):
            looker.answer.set_result(None)
        else:
            left.append(looker)
    return left


def missing(lines: Sequence[Line], away: str) -> Denied | None:
    """What cannot be asked for, since the store is `away`."""
    short = (line.balance for line in lines if line.balance.hard and line.balance.free < line.amount)
    return next((Denied(balance, away=away) for balance in short), None)


def spent(lines: Sequence[Line]) -> Denied | None:
    """What need not be asked, for what is spent never comes back."""
    for line in lines:
        balance = line.balance
        if balance.hard and balance.free < line.amount and balance.limit - balance.spent_in_all < line.amount:
            return Denied(balance)
    return None


def refused(lines: Sequence[Line], asked: Collection[Balance]) -> Denied | None:
    """What the store has just said of those that were `asked`: not even with all that is free would it do. What is lost
    with a process that ended does not come back."""
    for line in lines:
        balance = line.balance
        if balance in asked and balance.limit - balance.taken_in_all < line.amount - balance.free:
            return Denied(balance, held=balance.limit - balance.spent_in_all - balance.lost >= line.amount)
    return None
