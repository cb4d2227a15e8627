"""Who waits for the store, and what it wants: pure."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from proxy.ledger.balance import Balance, Denied, Line


class Waiter(Struct, eq=False):
    """One exchange that has not enough in hand for all of its lines."""

    lines: Sequence[Line]
    answer: "asyncio.Future[Denied | None]"


class Wish(NamedTuple):
    """What waits for one balance."""

    total: int
    least: int
    """The smallest of it."""


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


def spent(lines: Sequence[Line]) -> Denied | None:
    """What need not be asked, for what is spent never comes back."""
    for line in lines:
        balance = line.balance
        if balance.hard and balance.free < line.amount and balance.limit - balance.spent_in_all < line.amount:
            return Denied(balance)
    return None


def refused(lines: Sequence[Line], asked: Collection[Balance]) -> Denied | None:
    """What the store has just said of those that were `asked`: not even with all that is free would it do."""
    for line in lines:
        balance = line.balance
        if balance in asked and balance.limit - balance.taken_in_all < line.amount - balance.free:
            return Denied(balance, held=balance.limit - balance.spent_in_all >= line.amount)
    return None
