"""A budget's balance as alerts see it."""

from types import SimpleNamespace

import pytest

from proxy.budgets.budgets import Held, Plan
from proxy.budgets.scopes import cut
from proxy.budgets.windows import span_of
from proxy.config.spending import NANOS, Budget

AT = 1_795_266_000.0
"""2026-11-21, 13:00 UTC."""


@pytest.fixture
def held_of():
    """Of a budget of 10 dollars a day for each user, unless told otherwise."""

    def made(user="alice", key="", **changes) -> Held:
        told = {"unit": "usd", "amount": 10 * NANOS, "window": "day", "scope": {"team": "web", "user": "*"}} | changes
        budget = Budget("users", **told)
        balance = SimpleNamespace(key=key or f"users|{user}|2026-11-21", spent_in_all=0, taken_in_all=0)
        return Held(Plan(budget, cut(budget.scope)), ("web", user), span_of(budget.window, "UTC", AT), balance)

    return made
