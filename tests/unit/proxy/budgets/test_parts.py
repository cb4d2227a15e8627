"""What an exchange has of one balance, as its attempts go."""

import pytest

from proxy.budgets.bills import Bill
from proxy.budgets.budgets import Held, Plan
from proxy.budgets.parts import Part, at_worst, charge, grows, lacking, untold
from proxy.budgets.scopes import cut
from proxy.budgets.windows import span_of
from proxy.config.spending import Budget, Price
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Hosted, Most
from proxy.ledger.balance import Balance
from translators.ir import Dialect
from translators.profile import Profile


def part(unit="usd", **changes) -> Part:
    budget = Budget("b", unit, 100, "day", **changes)
    balance = Balance("b", 100, 2e9, 2_000_000_000, hard=budget.hard)
    return Part(Held(Plan(budget, cut(budget.scope)), (), span_of("day", "UTC", 1.7e9), balance))


def target(price: Price | None) -> Target:
    provider = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
    return Target(provider, "m", Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings(), price)


@pytest.mark.parametrize(
    ("wanted", "spare", "loose", "more"), [(10, 0, False, 10), (10, 4, False, 6), (10, 10, False, 0), (10, 0, True, 0)]
)
def test_what_is_spare_is_used_first_and_what_stops_nothing_takes_nothing(wanted, spare, loose, more):
    one = part()
    one.wanted, one.spare, one.loose = wanted, spare, loose
    assert grows(one) is (more > 0)
    assert not more or one.amount == more


@pytest.mark.parametrize(
    ("unit", "bill", "billed"),
    [
        ("usd", Bill.USAGE, 5), ("usd", Bill.WORST, 5), ("tokens", Bill.USAGE, 2 + 7), ("tokens", Bill.WORST, 20),
        ("tokens", Bill.NOTHING, 2), ("requests", Bill.NOTHING, 20),
    ],
)  # fmt: skip
def test_an_attempt_ends_as_what_it_was_billed_in_each_unit(unit, bill, billed):
    one = part(unit)
    one.need, one.lost = 20, 2
    assert list(charge([one], bill, 5, 7 if bill is Bill.USAGE else 0)) == []
    assert (one.charged, one.spare, one.need) == (billed, 20 - billed, 0)


def test_more_than_it_could_be_is_charged_and_told_of_hard_budgets_that_still_stop_something():
    hard, soft, loose = part(), part(hard=False), part()
    loose.loose = True
    assert list(charge([hard, soft, loose], Bill.USAGE, 5, 0)) == ["b"]
    assert [one.charged for one in (hard, soft, loose)] == [5, 5, 5]
    assert hard.spare == -5, "what comes next is reserved together with this debt"


def test_what_nobody_can_bound_is_borne_by_who_says_so():
    free, priced = target(None), target(Price(input=1, output=1))
    assert lacking(part(), free).fault.code == "unpriced_model"
    assert lacking(part(unpriced="allow"), free) is None
    assert lacking(part(), priced).fault.code == lacking(part("tokens"), free).fault.code == "request_too_costly"
    assert lacking(part(hard=False), priced) is None


TOKENS = Price(1_000_000, 1_000_000)
SEARCHES = Price(1_000_000, 1_000_000, search=10_000)


def test_searches_are_reserved_at_their_price():
    assert at_worst(TOKENS, Most(3, 4), 4) == 7
    assert at_worst(SEARCHES, Most(3, 4, hosted=Hosted(5)), 4) == 7 + 50


@pytest.mark.parametrize(
    ("price", "hosted", "told"),
    [
        (SEARCHES, Hosted(5), None),
        (TOKENS, Hosted(5), 'openai/m charges for web_search, so the budget b cannot hold: add search to [prices."'),
        (SEARCHES, Hosted(5, "file_search"), 'file_search, so the budget b cannot hold: unpriced = "allow"'),
        (TOKENS, Hosted(0, "web_search_options"), "add request to"),
        (Price(1, 1, request=9), Hosted(0, "web_search_options"), None),
        (SEARCHES, Hosted(5, "web_search_preview"), "add search to"),
        (Price(1, 1, search=9, search_any=True), Hosted(5, "web_search_preview"), None),
        (None, Hosted(5), None),
    ],
)
def test_a_tool_whose_fee_nobody_knows_is_refused_under_a_budget_of_money(price, hosted, told):
    """What has no price at all is refused for that."""
    for one in (part(), part(hard=False)):
        refused = untold(one, target(price), hosted)
        assert (refused is None) == (told is None)
        assert told is None or (told in refused.fault.message and refused.fault.code == "unpriced_model")
    for other in (part("tokens"), part(unpriced="allow"), part("tokens", hard=False)):
        assert untold(other, target(price), hosted) is None
