"""`[[budgets]]`: what may be spent in a window, by whom, and what happens when it is spent."""

from collections.abc import Collection, Mapping
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from proxy.config.dollars import read_dollars
from proxy.config.scopes import check_scope, read_name, read_scope
from proxy.config.spending import AMOUNT_MAX, EACH, Budget, Dimension, Unit, Window
from proxy.config.table import Range, Table, number

UNITS: Final = ("usd", "tokens", "requests")
WINDOWS: Final = ("minute", "hour", "day", "month")
WHEN_SPENT: Final = ("reject", "downgrade", "alert")
BUDGETS_CAP: Final = 100
FRACTION: Final = Range(0, 1, above=True)
ALERT: Final = Range(0, 10, above=True)


def read_budgets(
    root: Table, known: Mapping[Dimension, Collection[str]], models: Collection[str]
) -> tuple[Budget, ...]:
    """The budgets, in the file's order; `known` are the names that a scope may say, where they are known, `models`
    those that one may give way to."""
    found: dict[str, Budget] = {}
    for table in root.rows("budgets"):
        budget = _budget(table, known, models)
        if budget is None:
            continue
        if budget.name in found:
            table.wrong("name", f'"{budget.name}" is the name of another budget too')
        found[budget.name] = budget
    if len(found) > BUDGETS_CAP:
        root.wrong("budgets", f"must be at most {BUDGETS_CAP}, not {len(found)}: every request is held to all of them")
    return tuple(found.values())


def _budget(table: Table, known: Mapping[Dimension, Collection[str]], models: Collection[str]) -> Budget | None:
    name, unit = read_name(table), table.choice("unit", UNITS)
    window = table.choice("window", WINDOWS)
    amount = _amount(table, unit)
    when = table.choice("when_spent", WHEN_SPENT) or "reject"
    base = Budget("", "usd", 1, "day")
    fraction = table.number("downgrade_from", float, FRACTION)
    to = _downgrade(table, when, models, fraction)
    scope = read_scope(table)
    check_scope(table, scope, known)
    values = {
        "scope": scope,
        "timezone": _timezone(table) or base.timezone,
        "hard": _hard(table, when),
        "when_spent": when,
        "downgrade_to": to,
        "downgrade_from": base.downgrade_from if fraction is None else fraction,
        "alerts": _alerts(table, base.alerts),
        "unpriced": table.choice("unpriced", ("refuse", "allow")) or base.unpriced,
    }
    for key, value in (("unit", unit), ("window", window)):
        if value is None and key not in table:
            table.wrong(key, f"is missing; known: {', '.join(UNITS if key == 'unit' else WINDOWS)}")
    table.finish()
    if not name or unit is None or window is None or amount is None:
        return None
    return Budget(name, cast("Unit", unit), amount, cast("Window", window), **values)  # type: ignore[arg-type] # checked by key above


def _amount(table: Table, unit: str | None) -> int | None:
    """In the unit's smallest part: dollars have nine decimals, the others none."""
    if "amount" not in table:
        table.wrong("amount", "is missing: say how much may be spent in a window")
        table.raw("amount")
        return None
    if unit != "usd":
        found: int | None = table.number("amount", int, Range(1, AMOUNT_MAX))
        return found
    return read_dollars(table, "amount")


def _timezone(table: Table) -> str | None:
    name = table.text("timezone")
    if name is None or name == "UTC":
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.wrong("timezone", f'"{name}" is not known on this machine; names are as in Europe/Berlin')
        return None
    return name


def _hard(table: Table, when: str) -> bool:
    mode = table.choice("mode", ("hard", "soft"))
    if mode == "hard" and when == "alert":
        table.wrong("mode", 'cannot be "hard" where when_spent = "alert" lets everything through')
    return mode == "hard" or (mode is None and when != "alert")


def _downgrade(table: Table, when: str, models: Collection[str], fraction: float | None) -> str:
    to = table.text("downgrade_to")
    if when != "downgrade":
        if to is not None or fraction is not None:
            key = "downgrade_to" if to is not None else "downgrade_from"
            table.wrong(key, 'has a meaning only with when_spent = "downgrade"')
        return ""
    if to is None:
        if "downgrade_to" not in table:
            table.wrong("downgrade_to", 'is missing: name the [models."NAME"] that serves instead')
        return ""
    if to not in models or to == EACH:
        table.wrong("downgrade_to", f'"{to}" is not the name of a [models] entry')
        return ""
    return to


def _alerts(table: Table, base: tuple[float, ...]) -> tuple[float, ...]:
    found = table.raw("alerts")
    if found is None:
        return base
    if not isinstance(found, list) or len(found) > 10:
        table.wrong("alerts", "must be a list of at most 10 fractions, such as [0.8, 1.0]")
        return base
    good = []
    for place, entry in enumerate(found):
        value, message = number(entry, float, ALERT)
        if value is None:
            table.wrong("alerts", f"entry {place + 1} {message}")
        else:
            good.append(value)
    return tuple(sorted(set(good)))
