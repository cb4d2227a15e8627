"""Amounts of money in the file: dollars with at most nine decimals, exactly."""

from proxy.config.spending import AMOUNT_MAX, NANOS
from proxy.config.table import Table


def read_dollars(table: Table, key: str) -> int | None:
    """In nano-dollars; None where it is absent or wrong."""
    nanos = table.decimal(key, AMOUNT_MAX // NANOS)
    if nanos == 0:
        table.wrong(key, f"must be more than 0 and at most {AMOUNT_MAX // NANOS} dollars")
        return None
    return nanos
