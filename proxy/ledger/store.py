"""What a ledger asks of the place where balances are kept, and what it hears.

A *balance* is one budget for one combination of its scope's values in one window. For each *owner* (one life of one
process) a store keeps three counters of a balance, which only grow: what was granted to it, what it gave back, what it
spent. Whatever is granted and not given back counts as spent by everyone else, so a balance cannot be overspent, and
what a dead owner had in hand stays charged. All counters are merged by their maximum: saying a thing twice, or late,
changes nothing.

Amounts are integers in the budget's unit: nano-dollars, tokens or requests.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

BEAT_S: Final = 3.0
"""An owner that calls is noted as living this often."""
GONE_S: Final = 10.0
"""Who was not noted for so long has ended. It is told apart, and nothing else follows from it: what such an owner had
in hand stays charged."""

FORGET_S: Final = 3600.0
"""Owners that ended are remembered as such for so long; then as unknown, which is the same."""


class Count(Struct, frozen=True):
    """One owner's counters of one balance."""

    granted: int = 0
    returned: int = 0
    spent: int = 0


class Ask(Struct, frozen=True):
    """What an owner tells of one balance, and wants of it."""

    key: str
    limit: int
    own: Count = Count()
    """The owner's counters as far as it knows; merged before anything else."""
    least: int = 0
    """The smallest grant that is of use; 0: it only tells."""
    need: int = 0
    """The sum of what waits for it, at least `least`: granted as far as it is free."""
    chunk: int = 0
    """What it would like to have in hand instead, where plenty is left."""
    force: bool = False
    """`need` is granted whatever the limit says: it is spent already, or nobody minds."""
    expires: int = 0
    """Unix seconds from which on the store may forget the balance."""
    others: Mapping[str, Count] = {}
    """Counters of other owners as this one last heard them; merged as well."""


class Standing(Struct, frozen=True):
    """A balance after an ask."""

    key: str
    own: Count
    """The asking owner's counters as the store has them now."""
    total: int
    """What all owners were granted and have not given back."""
    spent: int
    """By all owners."""
    others: Mapping[str, Count]
    """The counters of every other owner."""
    lost: int = 0
    """What other owners have in hand that nobody has heard of for GONE_S: they ended without giving it back."""


class Told(Struct, frozen=True):
    """The answer to one call; one standing for each ask, in their order."""

    standings: tuple[Standing, ...]
    memory: str
    """Made when the store was first written: another one means that it has forgotten everything."""
    now: float
    """The store's wall clock, Unix seconds."""


class Away(Exception):
    """The store is slow, locked, unreachable or broken, and nothing is known of what the call did. Says why in one
    sentence."""


class Unfit(Exception):
    """The store cannot be used as it is. Says why and what to do in one sentence."""


class Store(Protocol):
    """Used in one running loop. Whatever fails raises Away or Unfit, and the next call tries anew."""

    async def open(self) -> None:
        """Once before anything else, and again after it raised."""

    async def call(self, owner: str, asks: Sequence[Ask], memory: str) -> Told:
        """All asks in one atomic step, in their order; each is granted on its own. A key may come twice.

        `memory` is what the owner was told last, empty at first. Where the store has another one by now it merges
        what it is told, grants nothing, and answers its own. Without asks this finds out whether the store is there.
        """

    async def mark(self, name: str, expires: int) -> bool:
        """True for the first who says this name; forgotten from `expires` on, in Unix seconds."""

    async def close(self) -> None:
        """Done with it."""
