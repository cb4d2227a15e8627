"""What budgets and rates have in common: a name, and whom they concern."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from proxy.config.errors import nearest
from proxy.config.spending import DIMENSIONS, EACH, Dimension
from proxy.config.table import Table

VALUE_CAP: Final = 128
"""Characters of a scope's value, as of what a request may say of itself."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


def read_name(table: Table) -> str:
    """What it is called in messages, metrics and the store; empty where that is missing or wrong."""
    name = table.text("name")
    if name is None:
        if "name" not in table:
            table.wrong("name", "is missing: messages and metrics call it by a name")
        return ""
    if not _NAME.match(name):
        table.wrong("name", "must be at most 64 letters, digits, and - _ . between them")
        return ""
    return name


def read_scope(table: Table) -> Mapping[Dimension, str]:
    """`{team = "research", user = "*"}`: every part must be so."""
    part = table.table("scope")
    found: dict[Dimension, str] = {}
    for dimension in DIMENSIONS:
        value = part.text(dimension)
        if value is None:
            continue
        if len(value) > VALUE_CAP:
            part.wrong(dimension, f"must have at most {VALUE_CAP} characters")
        found[dimension] = value
    part.finish()
    return found


def check_scope(table: Table, scope: Mapping[Dimension, str], known: Mapping[Dimension, Collection[str]]) -> None:
    """Notes what nobody is called, of the dimensions whose names are `known`: such a limit would hold for nothing."""
    for dimension, names in known.items():
        value = scope.get(dimension, EACH)
        if value != EACH and value not in names:
            table.table("scope").wrong(dimension, f'there is no {dimension} "{value}"{nearest(value, names)}')
