"""`sidestep budgets`: how far the budgets of a running proxy are."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.cli.options import add_json
from proxy.cli.state import add_running, asked
from proxy.cli.tables import printable, table

if TYPE_CHECKING:
    from proxy.budgets.shown import Balance, Page
    from proxy.cli.options import Commands

HEAD = ("budget", "of", "until", "unit", "limit", "spent", "reserved", "lost", "left")
OLD = "told at"
"""A column more where the store has not told some of it for some seconds."""
NAMES = 4
"""Columns that are names."""
ALL = "all"


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "budgets",
        help="tell how far the budgets of a running proxy are",
        description="Asks the admin port of a running proxy for every budget that requests of late counted in: what "
        "is spent of it, what is reserved by requests under way, what was lost with processes that died and comes back "
        "when the window ends, and what is left.",
    )
    add_running(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def page(url: str, token: str | None) -> "Page":
    """What `/budgets` tells. Raises Stop."""
    from proxy.budgets.shown import read  # noqa: PLC0415 - see the package's docstring

    return asked(url, token, "/budgets", read)


def run(arguments: argparse.Namespace) -> int:
    found = page(arguments.admin, arguments.admin_token)
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        from msgspec import to_builtins  # noqa: PLC0415 - likewise

        rows = [to_builtins(one) | {"left": one.left} for one in found.budgets]
        print(json.dumps({"budgets": rows, "store": found.store}, indent=2))
    else:
        print("\n".join(lines(found)))
    return 0


def lines(found: "Page") -> Iterator[str]:
    """The page as text."""
    if found.store is None:
        yield "no budget is configured"
        return
    if found.store != "ok":
        yield from (f"the store: {found.store}", "")
    if not found.budgets:
        yield "no request has counted in a budget yet"
        return
    old = any(one.told_at for one in found.budgets)
    yield from table([(*HEAD, OLD) if old else HEAD, *(_row(one, old=old) for one in found.budgets)], NAMES)


def _row(one: "Balance", *, old: bool) -> tuple[str, ...]:
    amounts = (one.limit, one.spent, one.reserved, one.lost, one.left)
    whose = ", ".join(f"{dimension} {value or 'unnamed'}" for dimension, value in one.scope.items())
    row = (one.budget, printable(whose) or ALL, one.window_end or "", one.unit, *map(str, amounts))
    return (*row, one.told_at or "now") if old else row
