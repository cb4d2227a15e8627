"""One balance as its owner sees it: what it has in hand, and what it wants of the store. Pure: the time is passed in.

    granted = free + reserved + spent + returned

holds at every moment, for `reserved` is never kept but always what the others leave of it. Taking moves free to
reserved, settling moves reserved to spent and the rest back to free, giving back moves free to returned; only the
store's word adds to free, and to what is granted.
So nothing is spent or reserved that was not granted, except where `free` falls below zero: a soft balance is reserved
from whatever is there, and what was spent beyond a reservation is spent. That debt is granted by force.

How much is asked for beyond what waits:
- Nothing (`direct`) where the limit is fewer than DIRECT reservations, or the balance is near its end. There each
  owner would hold what the others need.
- Else a lease: PACE reservations at first, twice as much with each refill, up to a LEASE of the limit. It is refilled
  when half of it is used, and given back when nobody used it for IDLE_S. So one request now and then locks little.

A balance that the store has not spoken of yet (`heard`) may have been this owner's before, and dropped since. Until it
has, the counters are not told, and its word is added to what happened meanwhile.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from proxy.ledger.grants import merged, scarce
from proxy.ledger.store import Ask, Count, Standing

DIRECT: Final = 256
LEASE: Final = 50
PACE: Final = 8
IDLE_S: Final = 1.0


class Balance:
    """Amounts are in the budget's unit. Compared by identity; an owner has one of each key."""

    __slots__ = (
        "_heard", "_heed", "_others", "_pace", "_told", "end", "expires", "free", "granted", "hard", "key", "limit",
        "lost", "low", "mark", "reassert", "returned", "said_at", "scarce", "size", "spent", "spent_elsewhere",
        "taken_elsewhere", "told_at", "used_at", "wanted",
    )  # fmt: skip

    def __init__(self, key: str, limit: int, end: float, expires: int, *, hard: bool) -> None:
        self.key = key
        self.limit = limit
        self.end = end
        """When its window ends, Unix seconds by the store's clock."""
        self.expires = expires
        self.hard = hard
        self.granted = 0
        self.free = 0
        self.spent = 0
        self.returned = 0
        self.low = 0
        """With less in hand than this it is time to ask for more; never below zero."""
        self.size = 0
        """The last reservation."""
        self.mark = 0
        """With less settled here than this a settlement needs no look at anything but what is in hand."""
        self._heed = 0
        self.scarce = False
        """Whether it is hard, and the store was near the end of it: nothing stays in hand."""
        self.spent_elsewhere = 0
        """By other owners, as last heard."""
        self.taken_elsewhere = 0
        """Granted to them and not given back."""
        self.lost = 0
        """Of that, what was in the hands of owners that ended without giving it back."""
        self.used_at = 0.0
        self.told_at = -math.inf
        """When the store last spoke of it."""
        self.said_at = -math.inf
        """The same by the store's clock, Unix seconds."""
        self.wanted = False
        """Whether it waits for the store's next call."""
        self.reassert = False
        """Whether what others told goes along, for the store has forgotten it."""
        self._pace = 0
        self._heard = False
        self._told = Count()
        self._others: dict[str, Count] = {}

    @property
    def reserved(self) -> int:
        return self.granted - self.free - self.spent - self.returned

    @property
    def heed(self) -> int:
        """With less settled than this, by all owners, nobody wants to hear of a settlement."""
        return self._heed

    @heed.setter
    def heed(self, amount: int) -> None:
        self._heed = amount
        self.mark = 0

    @property
    def heard(self) -> bool:
        """Whether the store has spoken of it."""
        return self._heard

    @property
    def spent_in_all(self) -> int:
        """Settled, by all owners as far as known here."""
        return self.spent + self.spent_elsewhere

    @property
    def taken_in_all(self) -> int:
        """Settled, reserved or in somebody's hand."""
        return self.granted - self.returned + self.taken_elsewhere

    @property
    def told(self) -> bool:
        """Whether the store knows all that happened."""
        return self._told == Count(self.granted, self.returned, self.spent)

    @property
    def quiet(self) -> bool:
        """Whether it may be dropped: nothing is in hand and nothing untold."""
        return self.free == 0 and self.reserved == 0 and self.told

    @property
    def shared(self) -> bool:
        """Whether others have some of it in hand, or ended with it."""
        return self.taken_elsewhere > self.spent_elsewhere

    def reserve(self, amount: int) -> None:
        self.free -= amount
        self.size = amount

    def settle(self, held: int, spent: int) -> None:
        """`held` of what is reserved ends as `spent`."""
        self.spent += spent
        self.free += held - spent

    def watched(self) -> None:
        """Somebody has looked after a settlement: the next one that matters is told by `mark`."""
        self.mark = self._heed - self.spent_elsewhere

    def give_back(self, keep: int = 0) -> None:
        """All that is free but `keep`."""
        if self.free > keep:
            self.returned += self.free - keep
            self.free = keep
            self._pace = 0
            self.low = 0

    def ask(self, waiting: int, least: int) -> Ask:
        """What to say to the store: `waiting` is the sum of what waits for this balance, `least` the smallest of it."""
        if self.scarce:
            self.give_back(waiting)
        if self.free < 0:
            need = -self.free if self.hard else -self.free + self._chunk()
            return self._telling(need, need, 0, force=True)
        if waiting > self.free:
            return self._telling(max(1, least - self.free), waiting - self.free, self._chunk())
        if self.free < self.low:
            return self._telling(self.size, self.size, self._chunk(), force=not self.hard)
        return self._telling(0, 0, 0)

    def tell(self) -> Ask:
        """The same without a wish."""
        return self._telling(0, 0, 0)

    def hear(self, standing: Standing) -> bool:
        """Takes the store's word; says whether it moved what was spent or taken elsewhere."""
        own = standing.own
        if self._heard:
            more = max(0, own.granted - self.granted)
            self.free += more
            self.granted += more
        else:
            self._heard = True
            self.granted += own.granted
            self.free += own.granted - own.returned - own.spent
            self.returned += own.returned
            self.spent += own.spent
        self._told = own
        before = self.spent_elsewhere, self.taken_elsewhere
        self.spent_elsewhere = standing.spent - own.spent
        self.taken_elsewhere = standing.total - own.granted + own.returned
        self.lost = standing.lost
        for name, count in standing.others.items():
            self._others[name] = merged(self._others.get(name, count), count)
        self.scarce = self.hard and scarce(self.limit, standing.total)
        self.low = 0 if self.scarce or (self.hard and self._direct) else max(0, self.free // 2)
        self.mark = 0
        return before != (self.spent_elsewhere, self.taken_elsewhere)

    @property
    def _direct(self) -> bool:
        return self.limit < DIRECT * self.size

    def _chunk(self) -> int:
        if self.scarce or (self.hard and self._direct):
            return 0
        self._pace = max(1, min(self.limit // LEASE, max(PACE * self.size, 2 * self._pace)))
        return self._pace

    def _telling(self, least: int, need: int, chunk: int, *, force: bool = False) -> Ask:
        return Ask(
            key=self.key,
            limit=self.limit,
            own=Count(self.granted, self.returned, self.spent) if self._heard else Count(),
            least=least,
            need=need,
            chunk=chunk,
            force=force,
            expires=self.expires,
            others=self._others if self.reassert else _NOBODY,
        )


class Line:
    """What one exchange reserves on one balance."""

    __slots__ = ("amount", "balance", "held", "settled")

    def __init__(self, balance: Balance, amount: int) -> None:
        self.balance = balance
        self.amount = amount
        """To be reserved next; a line that grows gets a new one."""
        self.held = 0
        """What is reserved under it."""
        self.settled = False


Amounts = Sequence[int]
Seats = Sequence[tuple[Balance, int]]
"""Balances, each with the place of its amount among amounts."""


class Denied(Struct, frozen=True):
    """Why nothing was reserved: `balance` has not enough."""

    balance: Balance
    held: bool = False
    """Whether there would be enough but for what is reserved or leased; it may come back."""
    away: str = ""
    """Why the store could not be asked; empty where it said no."""


_NOBODY: Mapping[str, Count] = {}
