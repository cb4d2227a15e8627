"""Reading one TOML table: every key asked for is checked and ticked off, and what is left over is unknown.

A reader returns None (or an empty value) where the key is absent or wrong; the mistake is noted with its path and the
reading goes on.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Self

from msgspec import Struct

from proxy.config.errors import Problems, listed, nearest

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_KINDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table"}
NANO: Final = 9
"""Decimals of an amount of money."""
_AMOUNT = re.compile(r"\d[\d_]{0,30}(\.\d[\d_]{0,30})?([eE][+-]?\d{1,2})?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Written(float):
    """A number with decimals that remembers how it was written (`tomllib`'s `parse_float`): for where it must be
    exact."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str


class Range(Struct, frozen=True):
    """The numbers allowed: from `low` (not itself when `above`) to `high`."""

    low: float
    high: float
    above: bool = False

    def holds(self, value: float) -> bool:
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        return f"{'more than' if self.above else 'at least'} {_figure(self.low)} and at most {_figure(self.high)}"


def _figure(number: float) -> str:
    """As people write it."""
    return f"{number:.0f}" if abs(number) >= 1e6 else f"{number:g}"


def join(path: str, key: str) -> str:
    """`a.b`, with the key quoted as TOML wants it where it is not a bare one."""
    name = key if _BARE.match(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{path}.{name}" if path else name


def kind_of(value: object) -> str:
    if isinstance(value, Written):
        return _KINDS[float]
    return _KINDS.get(type(value), type(value).__name__)


def number(value: object, kind: type, allowed: Range) -> tuple[float | None, str]:
    """The value as `kind` (int or float), or None and what is wrong with it. true is no number, 5.0 no whole one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (kind is int and isinstance(value, float)):
        return None, f"must be {_KINDS[kind]}, not {kind_of(value)}"
    if math.isnan(value) or not allowed.holds(value):
        return None, f"must be {allowed}, not {value}"
    return kind(value), ""


def decimal(value: object, most: int, places: int) -> tuple[int | None, str]:
    """The amount in whole parts of which 10**places make one, or None and what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None, f"must be a number, not {kind_of(value)}"
    text = value.text if isinstance(value, Written) else str(value)
    if not _AMOUNT.match(text):
        return None, f'must be a decimal number from 0 to {most}, such as 2.5 or "0.000001", not {text[:40]}'
    amount = Decimal(text)
    if amount > most:
        return None, f"must be at most {most}, not {text[:40]}"
    parts = amount.scaleb(places)
    if parts != parts.to_integral_value():
        return None, f"must not have more than {places} decimals, as {text[:40]} has"
    return int(parts), ""


def _plain(value: Any) -> Any:
    """The value with its numbers as everybody else has them."""
    if isinstance(value, Written):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


class Table:
    """One table of the file."""

    def __init__(self, data: Mapping[str, Any], path: str, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._data = data
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        self._asked.add(key)  # whoever asks whether it is there knows of it
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def at(self, key: str) -> str:
        return join(self.path, key)

    def wrong(self, key: str, message: str) -> None:
        self.problems.add(self.at(key), message)

    def raw(self, key: str) -> Any:
        """The value unchecked, None when absent."""
        return _plain(self._written(key))

    def _written(self, key: str) -> Any:
        self._asked.add(key)
        return self._data.get(key)

    def _typed(self, key: str, kind: type) -> Any:
        value = self._written(key)
        if value is None or isinstance(value, kind):
            return value
        self.wrong(key, f"must be {_KINDS[kind]}, not {kind_of(value)}")
        return None

    def text(self, key: str) -> str | None:
        """Text without control characters, not empty."""
        value = self._typed(key, str)
        if value is None:
            return None
        if not value.strip() or _CONTROL.search(value):
            self.wrong(key, "must be text of one line, and not empty")
            return None
        return str(value)

    def flag(self, key: str) -> bool | None:
        value = self._typed(key, bool)
        return None if value is None else bool(value)

    def choice(self, key: str, known: Sequence[str]) -> str | None:
        value = self.text(key)
        if value is not None and value not in known:
            self.wrong(key, f'"{value}" is not known; known: {listed(known)}{nearest(value, known)}')
            return None
        return value

    def number(self, key: str, kind: type, allowed: Range) -> Any:
        value = self.raw(key)
        if value is None:
            return None
        good, message = number(value, kind, allowed)
        if good is None:
            self.wrong(key, message)
        return good

    def decimal(self, key: str, most: int, places: int = NANO) -> int | None:
        """An amount from 0 to `most`, in whole parts of which 10**places make one. It may be written as text."""
        value = self._written(key)
        if value is None:
            return None
        exact, message = decimal(value, most, places)
        if exact is None:
            self.wrong(key, message)
        return exact

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts; an entry of another kind is named by its place."""
        value = self._typed(key, list)
        if value is None:
            return None
        good = []
        for place, item in enumerate(value):
            if isinstance(item, str) and item.strip() and not _CONTROL.search(item):
                good.append(item)
            else:
                self.wrong(key, f"entry {place + 1} must be text of one line, and not empty")
        return tuple(good)

    def table(self, key: str) -> "Table":
        """The sub-table, empty when absent."""
        return Table(self._typed(key, dict) or {}, self.at(key), self.problems)

    def plain(self, key: str) -> dict[str, Any]:
        """The sub-table's content as it stands."""
        return dict(_plain(self._typed(key, dict) or {}))

    def blocks(self, key: str) -> "Iterator[Table]":
        """Every table of a list of tables, each named by its place from 1 on."""
        for place, item in enumerate(self._typed(key, list) or (), 1):
            if isinstance(item, dict):
                yield Table(item, f"{self.at(key)}[{place}]", self.problems)
            else:
                self.wrong(key, f"entry {place} must be a table, not {kind_of(item)}")

    def tables(self) -> Iterator[tuple[str, "Table"]]:
        """Every sub-table of this one, by its name."""
        for name in self._data:
            value = self._typed(name, dict)
            if value is not None:
                yield name, Table(value, self.at(name), self.problems)

    def rows(self, key: str) -> Iterator["Table"]:
        """Every table of a list of tables (`[[KEY]]`); one is named by its place, from 1."""
        found = self.raw(key)
        if found is None:
            return
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.wrong(key, f"must be written as [[{key}]], once for each")
            return
        for place, one in enumerate(found):
            yield Table(one, f"{self.at(key)}[{place + 1}]", self.problems)

    def finish(self) -> None:
        """Notes every key nobody asked for."""
        for key in self._data:
            if key not in self._asked:
                self.wrong(
                    key, f"is not a known key{nearest(key, self._asked) or f'; known: {listed(sorted(self._asked))}'}"
                )
