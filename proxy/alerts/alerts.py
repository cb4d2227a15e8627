"""Tells people that a budget runs out: each of its thresholds once in a window, whichever process sees it first.

`look` is on the way of requests, but only where something may be told: it leaves the amount that reaches the next
threshold with the balance (`heed`), and settlements below that pass it by. All else happens behind: the store is asked
whether somebody has told it before (a process that is restarted, another one beside this), and log, metric and webhook
are told. A store that is away is asked again for a while; then people are told all the same, for an alert that comes
twice is better than none.

A budget that refuses near its end is spent, though less than its amount is settled: what nobody has in hand was too
little.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from proxy.alerts.message import Facts, body, facts
from proxy.alerts.thresholds import following, thresholds
from proxy.clock import Clock
from proxy.ledger.store import Away, Unfit

if TYPE_CHECKING:
    from proxy.budgets.budgets import Held

WAITING: Final = 1000
"""Alerts that may wait to be told; more are dropped, and counted."""
KEYS: Final = 20_000
"""Balances whose spending is remembered; of one that is forgotten the store still knows what was told."""
PAUSES: Final = (0.5, 1.0, 2.0)
"""Seconds between two questions to a store that is away."""
NEAR: Final = 10
"""Spent is what refuses with less than this part of it left; else it was the request that was too large."""
CLOSE_S: Final = 1.0
KEPT_S: Final = 86_400
"""The store remembers so long after the window that it was told."""

Mark = Callable[[str, int], Awaitable[bool]]
"""Whether the name is said for the first time; forgotten from a moment on. Raises Away or Unfit."""


class _Due(Struct, frozen=True, eq=False):
    held: "Held"
    threshold: float
    spent: int


class Alerts:
    """Used in one running loop. `told` is told of every alert; `send` gets its message, and waits for nothing."""

    def __init__(self, mark: Mark, clock: Clock, told: Callable[[Facts], None], send: Callable[[bytes], None]) -> None:
        self.dropped = 0
        self._mark = mark
        self._clock = clock
        self._told = told
        self._send = send
        self._seen: dict[str, int] = {}
        """How much of each balance was spent when it was looked at last."""
        self._due: deque[_Due] = deque()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def look(self, held: "Held") -> None:
        """The spending of a balance has moved. Says from what amount on it wants to hear of it again."""
        balance = held.balance
        self._reached(held, balance.spent_in_all)
        if not self._ended:
            balance.heed = following(held.plan.budget, balance.spent_in_all)

    def refused(self, held: "Held") -> None:
        """There was too little left of a balance."""
        amount, balance = held.plan.budget.amount, held.balance
        if NEAR * (amount - balance.taken_in_all) < amount:
            self._reached(held, max(amount, balance.spent_in_all))

    def _reached(self, held: "Held", spent: int) -> None:
        key = held.balance.key
        before = self._seen.get(key, 0)
        if spent <= before or self._ended:
            return
        if not before and len(self._seen) >= KEYS:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = spent
        for threshold in thresholds(held.plan.budget, before, spent):
            self._note(_Due(held, threshold, held.balance.spent_in_all))

    def _note(self, due: _Due) -> None:
        if len(self._due) >= WAITING:
            self.dropped += 1
            return
        self._due.append(due)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_all())

    async def close(self) -> None:
        """Tells what waits, for a bounded time, while the store can still be asked. What is reached later is told by
        whoever looks next."""
        self._ended = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell_all(self) -> None:
        while self._due:
            due = self._due.popleft()
            if await self._first(due):
                told = facts(due.held, due.threshold, due.spent)
                self._told(told)
                self._send(body(told, self._clock.wall()))

    async def _first(self, due: _Due) -> bool:
        """Whether nobody has told it before, as far as that can be known."""
        name, expires = f"alert|{due.held.balance.key}|{due.threshold}", int(due.held.span.end) + KEPT_S
        for pause in (*PAUSES, None):
            try:
                return await self._mark(name, expires)
            except (Away, Unfit):
                if pause is not None:
                    await self._clock.sleep(pause)
        return True
