"""`[alerts.models]` and `[alerts.strategies]`: when people are told that a model, or what a strategy chooses, fares
badly.

Each section asks for it, and is for all of them; `[alerts.models.only."NAME"]` says for one what differs. A mark of 0
is not looked at.
"""

from typing import Final

from msgspec import structs

from proxy.config.dollars import read_dollars
from proxy.config.spending import Marks, Watched
from proxy.config.table import Range, Table

SECONDS: Final = Range(0, 86_400)
PART: Final = Range(0, 1)
SAMPLES: Final = Range(1, 200)
WINDOW: Final = Range(10, 3600)


def read_watched(root: Table, key: str) -> Watched | None:
    """The section `key` of `[alerts]`; None where there is none."""
    if key not in root:
        return None
    table = root.table(key)
    marks = _marks(table, Marks())
    own = table.table("only")
    only = {}
    for name, one in own.tables():
        only[name] = _marks(one, marks)
        one.finish()
    own.finish()
    table.finish()
    return Watched(marks, only)


def _marks(table: Table, base: Marks) -> Marks:
    said = {
        "p95_s": table.number("p95_s", float, SECONDS),
        "failure_ratio": table.number("failure_ratio", float, PART),
        "quality": table.number("quality", float, PART),
        "daily": read_dollars(table, "daily_usd"),
        "cost_fraction": table.number("cost_fraction", float, PART),
        "minimum": table.number("minimum", int, SAMPLES),
        "window_s": table.number("window_s", float, WINDOW),
    }
    return structs.replace(base, **{name: value for name, value in said.items() if value is not None})
