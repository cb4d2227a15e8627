"""How far budgets are, as the admin port's `/budgets` shows it to people and programs."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

NEVER: Final = "never"
"""The store has not told it yet: it is what this process knows of itself."""
Amount = str | int
"""Dollars are exact text, other units numbers."""


class Balance(Struct, frozen=True):
    """What is left of a budget, for one combination of its scope's values in one window."""

    budget: str
    scope: dict[str, str]
    unit: str
    limit: Amount
    spent: Amount
    reserved: Amount
    """By requests under way, and leased by processes that live."""
    lost: Amount
    """With processes that died: given to nobody until the window ends."""
    fraction: float
    window: str
    window_end: str | None
    mode: str
    when_spent: str
    told_at: str | None = None
    """When the store told it, where that is some seconds ago, or NEVER."""

    @property
    def left(self) -> Amount:
        """What new requests may reserve; nothing where more was spent than may be."""
        if self.unit == "usd":
            rest = Decimal(self.limit) - Decimal(self.spent) - Decimal(self.reserved) - Decimal(self.lost)
            return f"{max(rest, Decimal(0)):f}"
        return max(0, int(self.limit) - int(self.spent) - int(self.reserved) - int(self.lost))


class Page(Struct, frozen=True):
    budgets: list[Balance]
    store: str | None
    """`ok`, or what is wrong with it; None where nothing is limited."""


read: Final[Callable[[bytes], Page]] = msgspec.json.Decoder(Page).decode
"""Raises msgspec.DecodeError for what is no such page."""
