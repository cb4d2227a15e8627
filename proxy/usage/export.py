"""Records, and scores of them, as lines of CSV or JSON.

A cell that a client's words could make a formula of (it begins with `=`, `+`, `-` or `@`) gets an apostrophe before it
in CSV: spreadsheets then show it as text. Numbers of ours are never negative.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import json, structs

from proxy.config.spending import dollars
from proxy.usage.moments import told
from proxy.usage.record import Record
from proxy.usage.scores import Score

FORMATS: Final = ("csv", "jsonl")
FIELDS: Final = tuple("cost_usd" if name == "cost" else name for name in Record.__struct_fields__)
SCORE_FIELDS: Final = ("id", "at", "score", "label")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

_encode = json.Encoder().encode


def exported(records: Iterable[Record], form: str) -> Iterator[str]:
    """Lines without their ends, one at a time; `form` is one of `FORMATS`. CSV begins with the names of its columns."""
    if form == "jsonl":
        for record in records:
            yield _encode(plain(record)).decode()
        return
    yield _line(FIELDS)
    for record in records:
        yield _line(_cell(value) for value in plain(record).values())


def exported_scores(scores: Iterable[Score], form: str) -> Iterator[str]:
    """The same of scores that people gave."""
    if form != "jsonl":
        yield _line(SCORE_FIELDS)
    for score in scores:
        values = {"id": score.request, "at": told(score.at), "score": score.score, "label": score.label}
        yield _encode(values).decode() if form == "jsonl" else _line(map(_cell, values.values()))


def plain(record: Record) -> dict[str, Any]:
    """The record in JSON's terms: its time as RFC 3339, its cost as the exact decimal number of dollars."""
    values = structs.asdict(record)
    cost = values["cost"]
    values["at"] = told(values["at"])
    values["cost"] = None if cost is None else dollars(cost)
    return dict(zip(FIELDS, values.values(), strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _encode(value).decode() if value else ""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # which quotes a cell for what ends its own lines
    return line.getvalue().removesuffix("\r\n")
