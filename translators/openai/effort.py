"""Thinking bounded in tokens, for APIs that know an effort only."""

BUDGETS = ((1024, "minimal"), (4096, "low"), (12288, "medium"), (24576, "high"))
"""A budget in tokens up to which it counts as this effort; beyond, `xhigh`."""


def effort_of(budget: int) -> str:
    return next((name for most, name in BUDGETS if budget <= most), "xhigh")
