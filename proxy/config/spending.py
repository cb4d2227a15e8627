"""What may be spent, by whom, at which prices, and where that is kept: frozen values, checked when they are loaded.

Money is whole nano-dollars everywhere (a millionth of a thousandth of a dollar), prices are nano-dollars for a million
tokens; both are integers, so that sums are exact.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from proxy.config.hidden import Secret

NANOS: Final = 1_000_000_000
"""Nano-dollars in a dollar."""
AMOUNT_MAX: Final = 9_000_000 * NANOS
"""Of one budget, in its unit: larger sums are not exact in every store."""
OUTPUT_BOUND: Final = 8192
"""Tokens that an answer may have at most under a hard budget, where neither the client nor the model's entry says."""

Unit = Literal["usd", "tokens", "requests"]
Window = Literal["minute", "hour", "day", "month"]
Dimension = Literal["client", "team", "user", "task", "model", "provider"]
DIMENSIONS: Final[tuple[Dimension, ...]] = ("client", "team", "user", "task", "model", "provider")
EACH: Final = "*"
"""In a scope: every value has an amount of its own."""

Scope = Mapping[Dimension, str]
"""Which requests are counted: all of these must be so. Empty: every request."""


@lru_cache(maxsize=256)
def dollars(nanos: int) -> str:
    """The exact amount as a plain decimal number of dollars: without an exponent, and without zeros at its end."""
    whole, rest = divmod(abs(nanos), NANOS)
    sign = "-" if nanos < 0 else ""
    return f"{sign}{whole}.{rest:09}".rstrip("0") if rest else f"{sign}{whole}"


def shown_dollars(value: float) -> str:
    """About as much, for people: six decimals, and three digits of less than a hundred-thousandth, which a request of a
    cheap model is."""
    size = abs(value)
    return f"{value:.{6 if size >= 1e-5 or size < 1e-9 else 2 - math.floor(math.log10(size))}f}"


class Budget(Struct, frozen=True):
    """`[[budgets]]`: an amount for a window."""

    name: str
    unit: Unit
    amount: int
    """In nano-dollars, tokens or requests."""
    window: Window
    scope: Scope = {}
    timezone: str = "UTC"
    """By whose calendar the window begins."""
    hard: bool = True
    """Whether nothing may be spent beyond it: what is under way is reserved at its worst case. A soft one is looked at
    before each request, and may be exceeded by what is under way."""
    when_spent: Literal["reject", "downgrade", "alert"] = "reject"
    downgrade_to: str = ""
    """The model that serves instead, by its name in `[models]`."""
    downgrade_from: float = 1.0
    """The fraction from which on it does."""
    alerts: tuple[float, ...] = (0.8, 1.0)
    """Fractions that people are told of, each once in a window."""
    unpriced: Literal["refuse", "allow"] = "refuse"
    """What happens to a target whose price nobody knows; `allow` counts it as free."""


class Rate(Struct, frozen=True):
    """`[[rates]]`: how fast, in this process. 0: no limit of that kind."""

    name: str
    scope: Scope = {}
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    concurrent: int = 0


class Price(Struct, frozen=True, omit_defaults=True, cache_hash=True):
    """What a model costs, in nano-dollars for a million tokens; `request` in nano-dollars for each call."""

    input: int
    output: int
    cached: int | None = None
    """Input read from the provider's cache; None: as other input."""
    cache_write: int | None = None
    """Input written to it; None: as other input."""
    cache_write_1h: int | None = None
    """The same where it is kept for an hour; None: as `cache_write`."""
    reasoning: int | None = None
    """Output that is thinking; None: as other output."""
    audio: int | None = None
    """Input that is sound; None: as other input."""
    audio_output: int | None = None
    """Output that is sound; None: as other output."""
    request: int = 0
    search: int | None = None
    """For 1,000 searches of the web that the provider runs by itself, in nano-dollars; None: nobody knows."""
    search_once: bool = False
    """Whether a call that searches costs as one search, however often it does."""
    search_any: bool = False
    """Whether `search` holds for searches of every kind: the configuration says it. The table knows one kind alone."""
    tiers: "tuple[Tier, ...]" = ()
    """Ascending by `above`."""
    served: "tuple[Served, ...]" = ()
    """What it costs where it is served faster or later than usual."""


class Tier(Struct, frozen=True):
    """The price of a whole call whose input has more than `above` tokens."""

    above: int
    price: Price
    """Without tiers of its own."""


class Served(Struct, frozen=True):
    """The price of a call that another tier of service answered."""

    tier: str
    """By the word that answers have for it (`Usage.tier`): `priority`, `flex`, `fast`."""
    price: Price
    """Without others of its own."""


class LedgerSettings(Struct, frozen=True):
    """`[ledger]`: where budgets and usage are kept."""

    url: str = ""
    """`sqlite:///relative/path`, `sqlite:////absolute/path`, `redis://...`, `rediss://...`, `memory:`; empty: nothing
    is kept, because nothing asks for it."""
    password: Secret | None = None
    timeout_s: float = 0.05
    """How long Redis may take before it counts as away."""
    usage: bool = True
    """Whether a record of every request is kept."""
    keep_days: int = 90
    """How long."""
    file: str = ""
    """Where usage records are kept on this machine beside Redis' stream; empty: there alone."""


class Marks(Struct, frozen=True):
    """Beyond which people are told."""

    p95_s: float = 5.0
    failure_ratio: float = 0.05
    quality: float = 0.8
    """Below which."""
    daily: int | None = None
    """Nano-dollars a day (UTC); None: no cost is too high."""
    cost_fraction: float = 0.8
    """The part of them."""
    minimum: int = 50
    """Samples without which nothing is said."""
    window_s: float = 300.0
    """How far back is looked."""


class Watched(Struct, frozen=True):
    """The marks of all models, or of all strategies."""

    marks: Marks = Marks()
    only: Mapping[str, Marks] = {}
    """Of those that have marks of their own, by name."""

    def of(self, name: str) -> Marks:
        return self.only.get(name, self.marks)


class AlertSettings(Struct, frozen=True):
    """`[alerts]`: who is told beside the log."""

    webhook: str = ""
    secret: Secret | None = None
    """Signs what is sent there."""
    models: Watched | None = None
    """When it is told that a model fares badly; None: never."""
    strategies: Watched | None = None
    """The same of what a strategy chooses."""


class TokenSettings(Struct, frozen=True):
    """`[tokens]`: how tokens are counted where no provider says."""

    count: Literal["estimate", "tiktoken"] = "estimate"


class Spending(Struct, frozen=True):
    """Everything above, of one configuration."""

    budgets: tuple[Budget, ...] = ()
    rates: tuple[Rate, ...] = ()
    prices: Mapping[str, Price] = {}
    """By `provider/model`, or by the model alone; before the table that ships."""
    ledger: LedgerSettings = LedgerSettings()
    alerts: AlertSettings = AlertSettings()
    tokens: TokenSettings = TokenSettings()
    max_cost_per_request: int | None = None
    """Nano-dollars; a target whose worst case is dearer is passed over."""
    passthrough_fee: int | None = None
    """Nano-dollars that a request which passes through is counted as; None: it has no price."""

    @property
    def limits_money(self) -> bool:
        """Whether what a model costs must be known."""
        return self.max_cost_per_request is not None or any(
            budget.unit == "usd" and budget.unpriced == "refuse" for budget in self.budgets
        )


def amount_of(budget: Budget, amount: int) -> str | int:
    """Dollars as exact text, other units as they are."""
    return dollars(amount) if budget.unit == "usd" else amount
