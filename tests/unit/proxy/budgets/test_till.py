"""What outlives a configuration: a ledger stays as long as its settings do."""

import pytest

from proxy.budgets.till import Till
from proxy.config.selection import Levels, Selection, Strategy
from proxy.config.spending import Budget, LedgerSettings, Rate, Spending
from proxy.config.values import Client, Config
from proxy.flow import NOBODY
from proxy.ledger.balance import Line

MEMORY = LedgerSettings("memory:")
DAILY = Budget("daily", "requests", 10, "day")
EACH = Budget("each", "requests", 10, "day", {"user": "*"})


class Clock:
    def now(self):
        return 1000.0

    wall = now

    def uniform(self):
        return 0.5

    async def sleep(self, seconds):
        raise NotImplementedError


NOTHING = Selection()


def config(clients=None, selection=NOTHING, **spending) -> Config:
    return Config({}, {}, clients=clients or {}, selection=selection, spending=Spending(**spending))


@pytest.fixture
async def till():
    made = Till(Clock(), lambda _: None, lambda *_: None)
    yield made
    made.keep([])
    await made.close()


async def test_where_nothing_is_limited_and_nothing_kept_nobody_pays(till):
    assert till.paying_for(config()) is None
    assert till.state() == {"budgets": [], "store": None} and till.unfit == "" and till.fractions() == {}


@pytest.mark.parametrize(
    "told",
    [
        {"budgets": (DAILY,)},
        {"rates": (Rate("r", concurrent=1),)},
        {"ledger": MEMORY},
        {"max_cost_per_request": 1},
        {"clients": {"a": Client("a", (), max_cost_per_request=1)}},
        {"selection": Selection(strategies={"s": Strategy("s", Levels("m", "m", "m"), max_cost_per_request=1)})},
    ],
)
async def test_whatever_limits_or_is_kept_has_a_till(till, told):
    assert till.paying_for(config(**told)) is not None


async def test_a_reload_keeps_the_ledger_while_it_is_kept_in_the_same_place(till, tmp_path):
    first = till.paying_for(config(budgets=(DAILY,), ledger=MEMORY))
    till.follow(first)
    await till.ready()
    second = till.paying_for(config(budgets=(DAILY, Budget("more", "requests", 1, "day")), ledger=MEMORY))
    assert second.kept is first.kept
    longer = till.paying_for(config(budgets=(DAILY,), ledger=LedgerSettings("memory:", keep_days=7)))
    assert longer.kept is first.kept, "what is in memory would be forgotten"
    third = till.paying_for(config(budgets=(DAILY,), ledger=LedgerSettings(f"sqlite:///{tmp_path}/l.db")))
    assert third.kept is not first.kept
    till.follow(third)
    till.keep([third])
    assert till.opened == (third.kept,)


async def test_the_store_is_told_to_be_well_once_it_is_open(till):
    till.follow(till.paying_for(config(budgets=(DAILY,), ledger=MEMORY)))
    await till.ready()
    assert till.state() == {"budgets": [], "store": "ok"}
    assert await till.mark("half", 2000) is True
    assert await till.mark("half", 2000) is False


async def test_a_process_that_has_just_begun_tells_of_budgets_that_are_one_balance(till, tmp_path):
    """What another spent before it, to whoever looks on, without a request."""
    kept = LedgerSettings(f"sqlite:///{tmp_path}/l.db")
    before = Till(Clock(), lambda _: None, lambda *_: None)
    paying = before.paying_for(config(budgets=(DAILY,), ledger=kept))
    before.follow(paying)
    await before.ready()
    (held,) = paying.budgets.of_request(NOBODY).all
    line = Line(held.balance, 3)
    assert await paying.kept.ledger.obtain([line]) is None
    paying.kept.ledger.settle(line, 3)
    before.keep([])
    await before.close()
    till.follow(till.paying_for(config(budgets=(DAILY, EACH), ledger=kept)))
    await till.ready()
    assert till.state()["budgets"] == []
    await till.watched()
    assert [(one["budget"], one["spent"]) for one in till.state()["budgets"]] == [("daily", 3)]


async def test_whoever_moves_a_budget_is_told():
    moved = []
    till = Till(Clock(), moved.append, lambda *_: None)
    paying = till.paying_for(config(budgets=(DAILY,), ledger=MEMORY))
    till.follow(paying)
    await till.ready()
    (held,) = paying.budgets.of_request(NOBODY).all
    till._moved(held.balance)
    assert moved == [held]
    till.keep([])
    await till.close()
