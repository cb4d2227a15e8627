"""What is to be told or asked without anybody waiting for it, and when to look again. Pure: the time is passed in."""

import math
from collections.abc import Iterable, MutableMapping
from typing import Final

from proxy.ledger.balance import IDLE_S, Balance
from proxy.ledger.store import GONE_S

TELL_S: Final = 1.0
DROP_S: Final = 60.0
"""Between two looks for those whose window is over."""
SWEEP_S: Final = 0.1
"""The least time between two looks at what is idle or untold."""


def swept(busy: MutableMapping[str, Balance], shared: Iterable[Balance], now: float) -> tuple[list[Balance], float]:
    """Gives back what is idle, and takes those out of `busy` that have nothing in hand or untold. Returns what the
    store should hear or speak of now, and when to look again. Of those that are `shared` it is asked now and then
    whether who has some in hand still lives."""
    due: list[Balance] = []
    at = math.inf
    for balance in tuple(busy.values()):
        if balance.quiet:
            del busy[balance.key]
            continue
        idle_at = balance.used_at + IDLE_S
        if idle_at <= now:
            balance.give_back()
        if balance.told_at + TELL_S <= now or not balance.told:
            due.append(balance)
            at = min(at, now + TELL_S)
        else:
            at = min(at, balance.told_at + TELL_S, idle_at if balance.free else math.inf)
    for balance in shared:
        if balance.told_at + GONE_S <= now:
            due.append(balance)
            at = min(at, now + GONE_S)
        else:
            at = min(at, balance.told_at + GONE_S)
    return due, max(at, now + SWEEP_S)
