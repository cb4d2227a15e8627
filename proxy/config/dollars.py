"""Amounts of money in the file: dollars with at most nine decimals, exactly."""

from proxy.config.spending import AMOUNT_MAX, NANOS, dollars
from proxy.config.table import Table


def in_dollars(nanos: int | None) -> str | None:
    """Nano-dollars in dollars, exact: `0.05`."""
    return None if nanos is None else dollars(nanos)


def read_dollars(table: Table, key: str) -> int | None:
    """In nano-dollars; None where it is absent or wrong."""
    nanos = table.decimal(key, AMOUNT_MAX // NANOS)
    if nanos == 0:
        table.wrong(key, f"must be more than 0 and at most {AMOUNT_MAX // NANOS} dollars")
        return None
    return nanos
