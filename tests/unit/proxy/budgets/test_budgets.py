"""Which balances a request counts in, and how they are shown."""

import pytest

from proxy.budgets import budgets as module
from proxy.budgets.budgets import Budgets
from proxy.config.spending import Budget
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Who
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from translators.ir import Dialect
from translators.profile import Profile

ALICE = Who(user="alice")
EACH = Budget("each", "usd", 5_000_000_000, "day", {"user": "*"})
MODEL = Budget("model", "tokens", 100, "hour", {"user": "*", "model": "small"}, hard=False)


class Clock:
    at = 1_700_000_000.0

    def now(self):
        return self.at

    wall = now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return Ledger(MemoryStore(clock), clock, "me")


def target(model):
    provider = Provider("openai", Dialect.OPENAI_CHAT, "https://api.openai.com/v1")
    return Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())


def test_a_request_counts_in_its_own_balances_and_an_attempt_in_its_targets(ledger):
    budgets = Budgets([EACH, MODEL], ledger)
    assert [held.plan.budget.name for held in budgets.of_request(ALICE)] == ["each"]
    assert [held.values for held in budgets.of_target(ALICE, target("small"))] == [("alice", "small")]
    assert list(budgets.of_target(ALICE, target("large"))) == []


def test_the_same_request_finds_the_same_balance_and_the_next_window_has_another(ledger, clock):
    budgets = Budgets([EACH], ledger)
    (first,), (second,) = budgets.of_request(ALICE), budgets.of_request(ALICE)
    assert first.balance is second.balance
    clock.at += 86_400
    (third,) = budgets.of_request(ALICE)
    assert third.balance is not first.balance and third.span.start == first.span.end


def test_balances_are_shown_with_whose_they_are_and_how_far_they_are(ledger):
    budgets = Budgets([EACH], ledger)
    (held,) = budgets.of_request(ALICE)
    held.balance.spent = 1_250_000_000
    (shown,) = budgets.state()
    assert shown["scope"] == {"user": "alice"} and (shown["limit"], shown["spent"]) == ("5", "1.25")
    assert shown["fraction"] == 0.25 and shown["window_end"] == "2023-11-15T00:00:00Z"
    assert budgets.fractions() == {"each": 0.25}


def test_past_windows_are_not_shown(ledger, clock):
    budgets = Budgets([EACH], ledger)
    list(budgets.of_request(ALICE))
    clock.at += 86_400
    assert list(budgets.state()) == [] and budgets.fractions() == {}


def test_any_number_of_users_is_remembered_in_bounded_space(ledger, monkeypatch):
    monkeypatch.setattr(module, "KEYS_CAP", 3)
    budgets = Budgets([EACH], ledger)
    for place in range(10):
        list(budgets.of_request(Who(user=f"u{place}")))
        assert len(budgets._keys) <= 3 and len(budgets._known) <= 3


def test_a_balance_that_was_dropped_meanwhile_is_had_anew(ledger):
    budgets = Budgets([EACH], ledger)
    (held,) = budgets.of_request(ALICE)
    assert budgets.fresh(held) is held
    ledger._live.clear()
    assert budgets.fresh(held).balance is not held.balance


@pytest.mark.parametrize(
    ("budget", "bounded"), [(EACH, True), (MODEL, False), (Budget("r", "requests", 1, "day"), False)]
)
def test_only_hard_limits_of_what_an_answer_uses_bound_it(ledger, budget, bounded):
    assert Budgets([budget], ledger).bounded is bounded
