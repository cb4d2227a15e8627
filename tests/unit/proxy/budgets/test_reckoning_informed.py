"""What stops a request by how far a budget has come is asked of the store before the first, in each process."""

import pytest

from proxy.budgets.budgets import Budgets
from proxy.budgets.spend import spend_of
from proxy.config.spending import Budget, Price
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Downgraded, Most, Who
from proxy.ledger.ledger import KNOWN_S, Ledger
from proxy.ledger.sqlite import SqliteStore
from translators.ir import Dialect, Usage
from translators.profile import Profile

PROVIDER = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
PRICE = Price(input=1_000_000, output=1_000_000)
TARGET = Target(PROVIDER, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(), PRICE)
MOST = Most(input=41, output=41)
SOFT = Budget("b", "usd", 100, "day", hard=False, when_spent="reject")
HARD = Budget("b", "usd", 100, "day", when_spent="downgrade", downgrade_to="cheap", downgrade_from=0.8)


class Clock:
    def __init__(self):
        self.at = 1_700_000_000.0

    def now(self):
        return self.at

    wall = now

    async def sleep(self, seconds):
        raise NotImplementedError


@pytest.fixture
async def processes(tmp_path):
    """Two, over one file."""
    clock = Clock()
    two = [Ledger(SqliteStore(tmp_path / "ledger.db", clock, 10.0), clock, name) for name in ("one", "two")]
    for ledger in two:
        await ledger.open()
    yield clock, two
    for ledger in two:
        await ledger.close()


async def asked(budget, ledger, most=MOST):
    spend = spend_of(Budgets([budget], ledger), ledger, lambda *_: None, Who(user="alice"), None)
    return await spend.cover(TARGET, most), spend


async def spent(budget, ledger, clock, tokens=82):
    """And told to the store."""
    refused, spend = await asked(budget, ledger)
    assert refused is None
    spend.close(None, Usage(input=tokens, output=0), 200, content=True)
    spend.settle()
    for _ in range(2):  # a call that is under way does not tell it yet
        clock.at += 1
        await ledger.look(ledger.balances, 0.0)
    assert all(one.told for one in ledger.balances)


async def test_a_soft_budget_that_was_spent_before_the_start_refuses_the_first_request(processes):
    clock, (one, two) = processes
    await spent(SOFT, one, clock)
    await spent(SOFT, one, clock, 18)
    refused, _ = await asked(SOFT, two)
    assert refused is not None and refused.fault.code == "insufficient_quota"


async def test_one_that_others_have_spent_meanwhile_refuses_who_was_idle_for_long(processes):
    clock, (one, two) = processes
    _, first = await asked(SOFT, two)
    first.settle()
    await spent(SOFT, one, clock)
    await spent(SOFT, one, clock, 18)
    clock.at += KNOWN_S
    refused, _ = await asked(SOFT, two)
    assert refused is not None


async def test_a_threshold_that_was_passed_before_the_start_gives_way_to_the_cheaper_model_at_once(processes):
    clock, (one, two) = processes
    await spent(HARD, one, clock)
    with pytest.raises(Downgraded):
        await asked(HARD, two, Most(input=4, output=4))


async def test_a_soft_budget_is_not_waited_for_where_the_store_is_away(processes):
    _, (_, two) = processes
    two._gone("it is away")
    assert (await asked(SOFT, two))[0] is None


async def test_who_was_heard_of_of_late_is_not_asked_about_again(processes, monkeypatch):
    clock, (one, _) = processes
    await spent(SOFT, one, clock, 1)
    monkeypatch.setattr("proxy.ledger.ledger.Looker", None)
    assert (await asked(SOFT, one))[0] is None


async def test_what_is_shown_is_as_the_store_has_it_also_right_after_a_start_and_for_an_idle_process(processes):
    clock, (one, two) = processes
    shown = Budgets([SOFT, Budget("each", "usd", 100, "day", {"user": "*"})], two)
    await spent(SOFT, one, clock)
    await shown.look()
    assert [(row["budget"], row["fraction"]) for row in shown.state()] == [("b", 0.82)]
    await spent(SOFT, one, clock, 18)
    await shown.look()
    assert [row["fraction"] for row in shown.state()] == [1.0]
    two._gone("it is away")
    await shown.look()
    assert [row["fraction"] for row in shown.state()] == [1.0], "as last heard"
