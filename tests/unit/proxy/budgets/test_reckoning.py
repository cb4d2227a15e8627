"""What an exchange reserves, extends and settles, over a real ledger kept in memory."""

from collections.abc import AsyncIterator

import pytest

from proxy.budgets.budgets import Budgets
from proxy.budgets.spend import Spend, spend_of
from proxy.config.spending import Budget, Price
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Downgraded, Fared, Most, Who
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from translators.faults import Fault, Kind
from translators.ir import Dialect, Usage
from translators.profile import Profile

MILLION = 1_000_000
CHEAP, DEAR = Price(input=MILLION, output=2 * MILLION), Price(input=10 * MILLION, output=20 * MILLION)
"""One and two, ten and twenty nano-dollars a token."""
ALICE = Who("app", "research", "alice", "notes")
TEN = Most(input=10, output=10)
"""At most 30 nano-dollars at the cheap one, 300 at the dear one."""


def target(model: str = "small", price: Price | None = CHEAP) -> Target:
    provider = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
    return Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(), price)


def failed(kind: Kind) -> Fault:
    return Fault(kind=kind, message="it failed")


class Clock:
    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at

    def uniform(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class Bank:
    """A ledger, and exchanges that spend under these budgets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.overruns: list[tuple[str, str]] = []
        self.ledger = Ledger(MemoryStore(self.clock), self.clock, "me")

    def spend(self, *budgets: Budget, who: Who = ALICE, limit: int | None = None) -> Spend:
        known = Budgets(budgets, self.ledger)
        return spend_of(known, self.ledger, lambda *told: self.overruns.append(told), who, limit)

    def spent(self, budget: Budget, *values: str) -> int:
        return sum(one.spent for one in self._of(budget, values))

    def reserved(self, budget: Budget, *values: str) -> int:
        return sum(one.reserved for one in self._of(budget, values))

    def _of(self, budget, values):
        start = f"{budget.name}|{budget.unit}|{','.join(values)}|"
        return [one for one in self.ledger.balances if one.key.startswith(start)]


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    bank = Bank()
    await bank.ledger.open()
    yield bank
    await bank.ledger.close()


def daily(amount: int, **more) -> Budget:
    return Budget("daily", "usd", amount, "day", **more)


async def test_the_most_is_reserved_and_what_was_billed_is_spent(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    assert await spend.cover(target(), TEN) is None
    assert bank.reserved(budget) == 30
    assert spend.close(None, Usage(input=4, output=3), 200, content=True) == 10
    spend.settle()
    assert (bank.reserved(budget), bank.spent(budget)) == (0, 10)


async def test_it_is_settled_once(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    spend.close(None, Usage(input=4, output=3), 200, content=True)
    spend.settle()
    spend.settle()
    assert bank.spent(budget) == 10


async def test_a_switch_extends_the_reservation_by_what_is_missing(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    spend.close(failed(Kind.TIMEOUT), None, 0, content=False)
    await spend.cover(target("large", DEAR), TEN)
    assert bank.reserved(budget) == 30 + 300
    assert spend.close(None, Usage(input=1, output=1), 200, content=True) == 30
    spend.settle()
    assert bank.spent(budget) == 30 + 30


async def test_what_a_failed_attempt_was_not_billed_pays_for_the_next(bank):
    budget = daily(300)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    assert spend.close(failed(Kind.SERVER), None, 503, content=False) == 0
    assert await spend.cover(target("large", DEAR), TEN) is None
    assert bank.reserved(budget) == 300


async def test_a_target_that_the_budget_does_not_bear_is_refused_with_the_windows_end(bank):
    spend = bank.spend(daily(299))
    refused = await spend.cover(target("large", DEAR), TEN)
    assert refused is not None
    assert (refused.fault.status, refused.fault.code, refused.should_retry) == (429, "insufficient_quota", False)
    assert "daily" in refused.fault.message and "0.000000299 USD per day" in refused.fault.message
    assert refused.retry_after_s == pytest.approx(86_400 - 1_700_000_000 % 86_400)
    assert await spend.cover(target(), TEN) is None, "a cheaper one fits"


async def test_what_others_have_reserved_may_come_back_so_that_it_is_worth_another_try(bank):
    budget = daily(50)
    first, second = bank.spend(budget), bank.spend(budget)
    await first.cover(target(), TEN)
    refused = await second.cover(target(), TEN)
    assert refused is not None
    assert (refused.fault.status, refused.should_retry, refused.retry_after_s) == (429, True, 1.0)
    first.close(None, Usage(input=1, output=1), 200, content=True)
    first.settle()
    assert await second.cover(target(), TEN) is None


async def test_every_user_has_an_amount_of_its_own(bank):
    budget = daily(30, scope={"user": "*"})
    assert await bank.spend(budget).cover(target(), TEN) is None
    assert await bank.spend(budget, who=Who(user="bob")).cover(target(), TEN) is None
    assert await bank.spend(budget).cover(target(), TEN) is not None
    assert bank.reserved(budget, "alice") == bank.reserved(budget, "bob") == 30


async def test_a_budget_of_a_model_counts_what_that_model_was_billed_and_nothing_else(bank):
    budget, whole = daily(1000, scope={"model": "small"}), Budget("all", "usd", 1000, "day")
    spend = bank.spend(budget, whole)
    await spend.cover(target(), TEN)
    spend.close(failed(Kind.TIMEOUT), None, 0, content=False)
    await spend.cover(target("large", DEAR), TEN)
    spend.close(None, Usage(input=1, output=1), 200, content=True)
    spend.settle()
    assert (bank.spent(budget, "small"), bank.spent(whole)) == (30, 60)


async def test_tokens_and_requests_are_counted_too(bank):
    tokens, calls = Budget("t", "tokens", 100, "day"), Budget("r", "requests", 2, "day")
    spend = bank.spend(tokens, calls)
    await spend.cover(target(price=None), TEN)
    spend.close(failed(Kind.SERVER), None, 500, content=False)
    await spend.cover(target(price=None), TEN)
    spend.close(None, Usage(input=4, output=3), 200, content=True)
    spend.settle()
    assert (bank.spent(tokens), bank.spent(calls)) == (7, 1), "a request is one, however often it is tried"


async def test_who_asks_for_what_has_no_price_is_refused_unless_that_is_allowed(bank):
    refused = await bank.spend(daily(1000)).cover(target(price=None), TEN)
    assert refused is not None and refused.fault.code == "unpriced_model"
    assert '[prices."openai/small"]' in refused.fault.message
    assert await bank.spend(daily(1000, unpriced="allow")).cover(target(price=None), TEN) is None


async def test_an_answer_without_a_bound_is_refused_by_a_hard_budget_alone(bank):
    endless = Most(input=10, output=None)
    refused = await bank.spend(daily(1000)).cover(target(), endless)
    assert refused is not None and refused.fault.code == "request_too_costly"
    assert await bank.spend(daily(1000, hard=False)).cover(target(), endless) is None


async def test_of_two_limits_of_a_request_the_lower_one_holds(bank):
    for limit, later in ((None, 29), (29, 300), (300, 29)):
        spend = bank.spend(limit=limit)
        spend.at_most(later)
        assert spend.bounded
        refused = await spend.cover(target(), TEN)
        assert refused is not None and "more than the 0.000000029 USD" in refused.fault.message


async def test_a_request_may_cost_so_much_at_most(bank):
    refused = await bank.spend(limit=29).cover(target(), TEN)
    assert refused is not None and refused.fault.status == 400
    assert "0.00000003 USD at openai/small, more than the 0.000000029 USD" in refused.fault.message
    assert await bank.spend(limit=30).cover(target(), TEN) is None


async def test_a_soft_budget_is_looked_at_before_a_request_and_may_be_exceeded_by_it(bank):
    budget = daily(10, hard=False)
    spend = bank.spend(budget)
    assert await spend.cover(target(), TEN) is None
    spend.close(None, Usage(input=10, output=10), 200, content=True)
    spend.settle()
    assert bank.spent(budget) == 30
    refused = await bank.spend(budget).cover(target(), TEN)
    assert refused is not None and refused.fault.code == "insufficient_quota"


async def test_a_budget_that_only_alerts_lets_everything_through(bank):
    budget = daily(10, hard=False, when_spent="alert")
    for _ in range(3):
        spend = bank.spend(budget)
        assert await spend.cover(target(), TEN) is None
        spend.close(None, Usage(input=10, output=10), 200, content=True)
        spend.settle()
    assert bank.spent(budget) == 90


async def test_a_spent_budget_gives_way_to_the_cheaper_model_and_counts_that_too(bank):
    budget = daily(299, when_spent="downgrade", downgrade_to="cheap")
    spend = bank.spend(budget)
    with pytest.raises(Downgraded) as caught:
        await spend.cover(target("large", DEAR), TEN)
    assert caught.value.to == "cheap" and caught.value.refusal.fault.code == "insufficient_quota"
    assert spend.notes == ["daily;downgraded"]
    assert await spend.cover(target(), Most(input=1000, output=1000)) is None
    spend.close(None, Usage(input=1000, output=1000), 200, content=True)
    spend.settle()
    assert bank.spent(budget) == 3000
    assert bank.overruns == []


async def test_a_budget_may_give_way_before_it_is_spent(bank):
    budget = daily(100, when_spent="downgrade", downgrade_to="cheap", downgrade_from=0.3)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    spend.close(None, Usage(input=10, output=10), 200, content=True)
    spend.settle()
    with pytest.raises(Downgraded):
        await bank.spend(budget).cover(target(), TEN)


async def test_calls_of_one_attempt_add_up_and_a_broken_one_takes_them_at_their_worst(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    assert await spend.further(5) is None
    assert bank.reserved(budget) == 30 + 35
    assert spend.close(failed(Kind.SERVER), None, 500, content=False) == 65
    spend.settle()
    assert bank.spent(budget) == 65


async def test_a_call_that_may_have_been_billed_before_it_was_made_again_is_lost(bank):
    budget, tokens = daily(1000), Budget("t", "tokens", 1000, "day")
    spend = bank.spend(budget, tokens)
    await spend.cover(target(), TEN)
    await spend.further(0)
    assert await spend.again(failed(Kind.TIMEOUT), None, 0) is None
    assert bank.reserved(budget) == 90
    each = Usage(input=1, output=1)
    assert spend.close(None, Usage(input=2, output=2, calls=(each, each)), 200, content=True) == 30 + 6
    spend.settle()
    assert (bank.spent(budget), bank.spent(tokens)) == (36, 24)


async def test_a_further_call_that_is_not_borne_leaves_what_was_reserved_and_is_taken_at_its_worst(bank):
    budget = daily(59)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    assert await spend.further(0) is not None
    assert bank.reserved(budget) == 30
    assert spend.close(failed(Kind.REFUSED), None, 200, content=False) == 30


async def test_a_bill_above_the_most_is_charged_in_full_and_told(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    spend.close(None, Usage(input=50, output=50), 200, content=True)
    spend.settle()
    assert bank.spent(budget) == 150
    assert bank.overruns == [("daily", "openai/small")]


async def test_answers_side_by_side_are_reserved_each(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN, 3)
    assert bank.reserved(budget) == 90
    each = Usage(input=10, output=3)
    assert spend.close(None, Usage(input=30, output=9, calls=(each, each, each)), 200, content=True) == 48


async def test_a_call_that_told_no_counts_makes_the_whole_answer_count_at_its_worst(bank):
    budget = daily(1000)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN, 3)
    told = Usage(input=2, output=2, calls=(Usage(input=1, output=1), Usage(input=1, output=1)))
    assert spend.close(None, told, 200, content=True) == 90


ONE = Usage(input=1, output=1)
DONE = Fared(None, ONE, 200, content=True)
UNTOLD = Fared(None, None, 200, content=True)
FAILED = Fared(failed(Kind.SERVER), None, 500, content=False)
CUT = Fared(failed(Kind.CANCELLED), None, 200, content=True)


@pytest.mark.parametrize(
    ("fared", "usd", "tokens"),
    [
        ((DONE, FAILED, CUT), 33, 22),
        ((CUT, FAILED, CUT), 60, 40),
        ((DONE, UNTOLD, DONE), 36, 24),
        ((FAILED, FAILED, FAILED), 0, 0),
    ],
)
async def test_calls_side_by_side_are_billed_each_by_what_is_known_of_it(bank, fared, usd, tokens):
    money, count = daily(1000), Budget("t", "tokens", 1000, "day")
    spend = bank.spend(money, count)
    await spend.cover(target(), TEN, 3)
    assert spend.close(failed(Kind.SERVER), ONE, 500, content=True, fared=fared) == usd
    spend.settle()
    assert (bank.spent(money), bank.spent(count), bank.reserved(money)) == (usd, tokens, 0)


async def test_calls_side_by_side_of_which_one_went_on_are_taken_together(bank):
    """Which of them the further calls belong to is not told."""
    spend = bank.spend(daily(1000))
    await spend.cover(target(), TEN, 2)
    await spend.further(0)
    assert spend.close(failed(Kind.SERVER), ONE, 500, content=False, fared=(FAILED, DONE)) == 90


async def test_all_attempts_of_a_request_together_may_cost_so_much(bank):
    spend = bank.spend(limit=50)
    assert await spend.cover(target(), TEN) is None
    spend.close(failed(Kind.TIMEOUT), None, 0, content=False)
    refused = await spend.cover(target(), TEN)
    assert refused is not None and refused.fault.code == "request_too_costly"


async def test_who_has_nobody_to_give_way_to_goes_on_until_the_budget_is_spent(bank):
    budget = daily(60, when_spent="downgrade", downgrade_to="cheap", downgrade_from=0.1)
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    spend.close(None, Usage(input=10, output=10), 200, content=True)
    spend.settle()
    for outcome in (None, "insufficient_quota"):
        spend = bank.spend(budget)
        spend.stays = True
        refused = await spend.cover(target(), TEN)
        assert (refused and refused.fault.code) == outcome
        assert spend.notes == []


async def test_a_soft_budget_that_is_spent_meanwhile_does_not_stop_what_has_begun(bank):
    budget = daily(30, hard=False)
    first, second = bank.spend(budget), bank.spend(budget)
    await first.cover(target(), TEN)
    await second.cover(target(), TEN)
    second.close(None, Usage(input=10, output=10), 200, content=True)
    second.settle()
    assert await first.further(0) is None


async def test_an_answer_that_has_begun_gives_way_to_no_other_model(bank):
    budget = daily(59, when_spent="downgrade", downgrade_to="cheap")
    spend = bank.spend(budget)
    await spend.cover(target(), TEN)
    refused = await spend.further(0)
    assert refused is not None and refused.fault.code == "insufficient_quota"
    assert spend.notes == []


async def test_what_nobody_can_price_or_bound_is_not_below_the_most_that_a_request_may_cost(bank):
    spend = bank.spend(limit=1_000_000)
    assert spend.bounded
    unpriced = await spend.cover(target(price=None), TEN)
    assert unpriced is not None and "so max_cost_per_request_usd cannot hold: add [prices." in unpriced.fault.message
    endless = await spend.cover(target(), Most(input=10, output=None))
    assert endless is not None and endless.fault.code == "request_too_costly"
    assert not bank.spend().bounded
