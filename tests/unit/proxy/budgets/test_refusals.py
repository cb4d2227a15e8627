"""What a client is told says what is wrong, whose it is, and what to do."""

import pytest

from proxy.budgets import refusals
from proxy.budgets.budgets import Held, Plan
from proxy.budgets.scopes import cut
from proxy.budgets.windows import Span
from proxy.config.spending import Budget

DAY = Span("2026-11-21", 1_795_219_200.0, 1_795_305_600.0)


def held(budget: Budget, *values: str) -> Held:
    return Held(Plan(budget, cut(budget.scope)), values, DAY, None)


USERS = held(Budget("users", "usd", 5_000_000_000, "day", {"user": "*"}), "alice")
TOKENS = held(Budget("all", "tokens", 1000, "day"))


def test_a_spent_budget_says_its_amount_its_end_and_that_trying_again_is_no_use():
    refused = refusals.spent(USERS, DAY.end - 60)
    assert refused.fault.message == (
        "The budget users (user alice) of 5 USD per day does not cover this request any more; "
        "it begins anew at 2026-11-22T00:00:00Z."
    )
    assert (refused.fault.status, refused.fault.code, refused.fault.type) == (
        429,
        "insufficient_quota",
        "insufficient_quota",
    )
    assert (refused.retry_after_s, refused.should_retry) == (60, False)


def test_what_was_lost_with_processes_is_told():
    refused = refusals.spent(USERS, DAY.end - 60, 1_250_000_000)
    assert refused.fault.message.endswith(
        "2026-11-22T00:00:00Z. 1.25 of it stay charged for processes that ended with so much in hand."
    )


def test_other_units_are_told_as_they_are():
    assert "of 1000 tokens per day" in refusals.spent(TOKENS, 0).fault.message


def test_what_passes_through_is_priced_elsewhere():
    assert '[prices."openai/x"]' in refusals.unpriced(USERS, "openai/x").fault.message
    assert "[passthrough] fee_usd" in refusals.unpriced(USERS, "openai/passthrough").fault.message


@pytest.mark.parametrize(
    ("refused", "status", "code", "again"),
    [
        (refusals.taken(USERS), 429, "insufficient_quota", True),
        (refusals.away(USERS, "the store is slow"), 503, "budget_store_unavailable", True),
        (refusals.unpriced(USERS, "openai/x"), 403, "unpriced_model", False),
        (refusals.too_dear("openai/x", 2, 1), 400, "request_too_costly", False),
        (refusals.unbounded(USERS, "openai/x"), 400, "request_too_costly", False),
    ],
)
def test_each_lack_has_its_status_its_code_and_whether_trying_again_makes_sense(refused, status, code, again):
    assert (refused.fault.status, refused.fault.code, refused.should_retry) == (status, code, again)
    assert refused.fault.message.endswith(".")
