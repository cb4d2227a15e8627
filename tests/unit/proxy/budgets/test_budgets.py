"""Which balances a request counts in, and how they are shown."""

import pytest

from proxy.budgets import budgets as module
from proxy.budgets.budgets import OLD_S, UNITS, Budgets
from proxy.budgets.shown import NEVER
from proxy.config.spending import Budget
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Who
from proxy.ledger.ledger import Ledger
from proxy.ledger.memory import MemoryStore
from translators.ir import Dialect
from translators.profile import Profile

ALICE = Who(user="alice")
EACH = Budget("each", "usd", 5_000_000_000, "day", {"user": "*"})
ALL = Budget("all", "usd", 5_000_000_000, "day")
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
    assert [held.plan.budget.name for held in budgets.of_request(ALICE).all] == ["each"]
    assert [held.values for held in budgets.of_target(ALICE, target("small"))] == [("alice", "small")]
    assert list(budgets.of_target(ALICE, target("large"))) == []


def test_the_same_request_finds_the_same_balance_and_the_next_window_has_another(ledger, clock):
    budgets = Budgets([EACH], ledger)
    (first,), (second,) = budgets.of_request(ALICE).all, budgets.of_request(ALICE).all
    assert first.balance is second.balance
    clock.at += 86_400
    (third,) = budgets.of_request(ALICE).all
    assert third.balance is not first.balance and third.span.start == first.span.end


def test_balances_are_shown_with_whose_they_are_and_how_far_they_are(ledger):
    budgets = Budgets([EACH], ledger)
    (held,) = budgets.of_request(ALICE).all
    held.balance.spent = 1_250_000_000
    (shown,) = budgets.state()
    assert shown["scope"] == {"user": "alice"} and (shown["limit"], shown["spent"]) == ("5", "1.25")
    assert shown["fraction"] == 0.25 and shown["window_end"] == "2023-11-15T00:00:00Z"
    assert budgets.fractions() == {"each": 0.25}


def test_what_is_lost_and_spent_meanwhile_leaves_nothing_reserved_rather_than_less(ledger):
    budgets = Budgets([EACH], ledger)
    (held,) = budgets.of_request(ALICE).all
    held.balance.lost = 1_250_000_000
    (shown,) = budgets.state()
    assert (shown["lost"], shown["reserved"]) == ("1.25", "0")


async def test_figures_that_the_store_told_some_time_ago_say_when(ledger, clock):
    budgets = Budgets([EACH, ALL], ledger)
    budgets.of_request(ALICE)
    assert [one["told_at"] for one in budgets.state()] == [NEVER, NEVER]
    await ledger.open()
    await budgets.look(each=False)
    assert {one["budget"]: one["told_at"] for one in budgets.state()} == {"each": NEVER, "all": None}
    await budgets.look()
    assert [one["told_at"] for one in budgets.state()] == [None, None]
    clock.at += OLD_S
    assert [one["told_at"] for one in budgets.state()] == ["2023-11-14T22:13:20Z"] * 2
    await ledger.close()


def test_past_windows_are_not_shown(ledger, clock):
    budgets = Budgets([EACH], ledger)
    budgets.of_request(ALICE)
    clock.at += 86_400
    assert list(budgets.state()) == [] and budgets.fractions() == {}


def test_any_number_of_users_is_remembered_in_bounded_space(ledger, monkeypatch):
    monkeypatch.setattr(module, "KEYS_CAP", 3)
    budgets = Budgets([EACH], ledger)
    for place in range(10):
        budgets.of_request(Who(user=f"u{place}"))
        assert len(budgets._keys) <= 3 and len(budgets._known) <= 3


def test_all_balances_of_a_request_are_known_though_room_had_to_be_made_between_them(ledger, monkeypatch):
    monkeypatch.setattr(module, "KEYS_CAP", 4)
    budgets = Budgets([EACH, Budget("all", "usd", 10, "day"), Budget("more", "usd", 10, "day", {"user": "*"})], ledger)
    for user in "abcd":
        for held in budgets.of_request(Who(user=user)).all:
            assert budgets.known(held.balance) is held


def test_a_balance_that_was_dropped_meanwhile_is_had_anew(ledger):
    budgets = Budgets([EACH], ledger)
    (held,) = budgets.of_request(ALICE).all
    assert budgets.fresh(held) is held
    ledger._live.clear()
    assert budgets.fresh(held).balance is not held.balance


def test_what_was_looked_up_is_found_again_until_something_changes(ledger, clock):
    budgets = Budgets([EACH, MODEL], ledger)
    first, served = budgets.of_request(ALICE), budgets.of_target(ALICE, target("small"))
    assert budgets.of_request(Who(user="alice")) is first
    assert budgets.of_target(Who(user="alice"), target("small")) is served
    assert budgets.of_target(Who(user="bob"), target("small"))[0].balance is not served[0].balance
    ledger.balance(first.all[0].balance.key, 7, first.all[0].span.end)
    again = budgets.of_request(ALICE)
    assert again is not first
    assert again.all[0].balance.limit == EACH.amount, "whoever serves now says what the limit is"
    clock.at += 86_400
    assert budgets.of_request(ALICE).all[0].balance is not first.all[0].balance


def test_amounts_are_in_the_order_of_units(ledger):
    several = [Budget(unit, unit, 10, "day") for unit in reversed(UNITS)]
    assert [unit for _, unit in Budgets(several, ledger).of_request(ALICE).seats] == [2, 1, 0]


def test_under_another_configuration_a_balance_is_looked_at_anew(ledger):
    (held,) = Budgets([EACH], ledger).of_request(ALICE).all
    held.balance.heed = 99
    (same,) = Budgets([EACH], ledger).of_request(ALICE).all
    assert same.balance is held.balance and held.balance.heed == 0


@pytest.mark.parametrize(
    ("budget", "bounded"), [(EACH, True), (MODEL, False), (Budget("r", "requests", 1, "day"), False)]
)
def test_only_hard_limits_of_what_an_answer_uses_bound_it(ledger, budget, bounded):
    assert Budgets([budget], ledger).bounded is bounded
