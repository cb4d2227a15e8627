"""The prices that ship: `table.json`, made by `sidestep prices build`, with the date that it was made.

A vendor's models are rows in order; the first whose `match` fits an id has its price, and where none does, those of the
vendors that it resells (`also`). A row without a price is one that Sidestep cannot charge for by tokens alone.

Prices change: a row's `changes` each hold from a day on, or for some hours of every day (UTC), the later ones before
the earlier. `turns` says when some price is another one next, so that whoever keeps prices can look again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proxy.config.spending import Price

FILE: Final = "table.json"
DAY_S: Final = 86_400

VENDORS: Final[Mapping[str, str]] = {
    "openai": "openai",
    "azure-openai": "azure",
    "azure-foundry": "azure",
    "anthropic": "anthropic",
    "anthropic-foundry": "azure",
    "anthropic-vertex": "google",
    "gemini": "google",
    "gemini-vertex": "google",
    "deepseek": "deepseek",
    "xai": "x-ai",
    "mistral": "mistral",
    "groq": "groq",
    "openrouter": "openrouter",
    "together": "together",
    "cohere": "cohere",
}
"""A vendor of profiles.toml -> whose price list is his. Who is missing runs models himself, for no price."""
_DAY = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-:]|\Z)")
"""A day as some resellers write it in an id, where the vendor itself has dashes."""


class Match(Struct, frozen=True, omit_defaults=True):
    """Which ids, all in lower case: any of these."""

    equals: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    all: "tuple[tuple[Match, ...], ...]" = ()
    """Groups, of which one fits as a whole."""

    def fits(self, model: str) -> bool:
        return (
            model in self.equals
            or model.startswith(self.starts)
            or model.endswith(self.ends)
            or any(part in model for part in self.contains)
            or any(re.search(pattern, model) for pattern in self.regex)
            or any(all(one.fits(model) for one in group) for group in self.all)
        )


class Change(Struct, frozen=True, omit_defaults=True):
    """A price that holds from a moment on (unix seconds), or from one second of each day to another (the end may be
    before the beginning: over midnight)."""

    price: Price | None
    since: int = 0
    hours: tuple[int, int] | None = None

    def holds(self, now: float) -> bool:
        if self.hours is None:
            return now >= self.since
        begin, end = self.hours
        at = now % DAY_S
        return begin <= at < end if begin <= end else at >= begin or at < end

    def next(self, now: float) -> float:
        """When it begins or ends to hold next; infinite where it never does again."""
        if self.hours is None:
            return self.since if now < self.since else float("inf")
        return min(now + ((at - now) % DAY_S or DAY_S) for at in self.hours)


class Row(Struct, frozen=True, omit_defaults=True):
    id: str
    match: Match
    price: Price | None = None
    changes: tuple[Change, ...] = ()

    def at(self, now: float) -> Price | None:
        return next((change.price for change in reversed(self.changes) if change.holds(now)), self.price)


class Listed(Struct, frozen=True, omit_defaults=True):
    """One price list."""

    rows: tuple[Row, ...]
    also: tuple[str, ...] = ()
    """The lists looked at next."""


class Content(Struct, frozen=True):
    """The file."""

    source: str
    """The package that it was made from, and its version."""
    date: str
    """The day on which it was made: ISO, UTC."""
    lists: Mapping[str, msgspec.Raw]
    """`Listed` by name, read where they are wanted."""


class Table:
    """The price lists of some vendors. Raises nothing for vendors that have none."""

    def __init__(self, content: bytes, vendors: Iterable[str]) -> None:
        told = msgspec.json.decode(content, type=Content)
        self.source, self.date = told.source, told.date
        self._lists: dict[str, Listed] = {}
        decoder = msgspec.json.Decoder(Listed)
        waiting = [VENDORS[vendor] for vendor in vendors if vendor in VENDORS]
        while waiting:
            name = waiting.pop()
            if name not in self._lists:
                found = self._lists[name] = decoder.decode(told.lists[name])
                waiting += found.also

    def find(self, vendor: str, model: str) -> Row | None:
        """The row for an id at a vendor; None where nobody has one."""
        name, known = VENDORS.get(vendor), model.lower()
        if name is None or name not in self._lists:
            return None
        return self._found(self._lists[name], known) or self._found(self._lists[name], _DAY.sub(r"-\1-\2-\3", known))

    def _found(self, whole: Listed, model: str) -> Row | None:
        for rows in (whole.rows, *(self._lists[name].rows for name in whole.also)):
            found = _first(rows, model)
            if found is not None:
                return found
        return None

    def turns(self, now: float) -> float:
        """When any price of these lists is another one next, in unix seconds; infinite where none is announced."""
        changes = (change for one in self._lists.values() for row in one.rows for change in row.changes)
        return min((change.next(now) for change in changes), default=float("inf"))


def _first(rows: Sequence[Row], model: str) -> Row | None:
    return next((row for row in rows if row.match.fits(model)), None)


def shipped(vendors: Iterable[str]) -> Table:
    """The table that ships, with what these vendors charge."""
    return Table(content(), vendors)


@cache
def content() -> bytes:
    """The file, read once: at the start, never while a request waits."""
    return Path(__file__).with_name(FILE).read_bytes()
