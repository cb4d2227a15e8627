"""`[[rates]]`: how fast requests may come, for whom."""

from collections.abc import Collection, Mapping
from typing import Final

from proxy.config.scopes import check_scope, read_name, read_scope
from proxy.config.spending import Dimension, Rate
from proxy.config.table import Range, Table

LIMITS: Final = ("requests_per_minute", "tokens_per_minute", "concurrent")
AMOUNT: Final = Range(1, 1_000_000_000)
RATES_CAP: Final = 100


def read_rates(root: Table, known: Mapping[Dimension, Collection[str]]) -> tuple[Rate, ...]:
    """The rates, in the file's order; `known` are the names that a scope may say, where they are known."""
    found: dict[str, Rate] = {}
    for table in root.rows("rates"):
        rate = _rate(table, known)
        if rate.name in found:
            table.wrong("name", f'"{rate.name}" is the name of another rate too')
        if rate.name:
            found[rate.name] = rate
    if len(found) > RATES_CAP:
        root.wrong("rates", f"must be at most {RATES_CAP}, not {len(found)}: every request is held to all of them")
    return tuple(found.values())


def _rate(table: Table, known: Mapping[Dimension, Collection[str]]) -> Rate:
    scope = read_scope(table)
    if "provider" in scope:
        message = "is not known when a rate is looked at; [providers.NAME] per_target bounds the calls to a provider"
        table.table("scope").wrong("provider", message)
    check_scope(table, scope, known)
    limits = {key: table.number(key, int, AMOUNT) for key in LIMITS}
    if not any(key in table for key in LIMITS):
        table.wrong(LIMITS[0], f"is missing, and so are {LIMITS[1]} and {LIMITS[2]}: say at least one")
    name = read_name(table)
    table.finish()
    return Rate(name, scope, **{key: value or 0 for key, value in limits.items()})
