"""A budget concerns what its scope says, and every value of `*` has an amount of its own."""

import pytest

from proxy.budgets.scopes import cut, key_of, of_request, of_target, told
from proxy.config.spending import Budget
from proxy.flow import Who

ALICE = Who("app", "research", "alice", "summaries")


@pytest.mark.parametrize(
    ("scope", "values"),
    [
        ({}, ()),
        ({"user": "*"}, ("alice",)),
        ({"user": "alice"}, ("alice",)),
        ({"user": "bob"}, None),
        ({"team": "research", "user": "*"}, ("research", "alice")),
        ({"team": "sales", "user": "*"}, None),
        ({"client": "*", "task": "*"}, ("app", "summaries")),
        ({"model": "gpt-4o"}, ()),
    ],
)
def test_a_request_counts_where_all_of_the_scope_is_so(scope, values):
    assert of_request(cut(scope), ALICE) == values


@pytest.mark.parametrize(
    ("scope", "values"),
    [
        ({}, ()),
        ({"provider": "*"}, ("openai",)),
        ({"provider": "openai", "model": "*"}, ("gpt-4o", "openai")),
        ({"provider": "azure"}, None),
        ({"user": "bob"}, ()),
    ],
)
def test_a_target_counts_likewise(scope, values):
    assert of_target(cut(scope), "openai", "gpt-4o") == values


def test_who_does_not_say_whose_it_is_counts_as_one_of_its_own():
    assert of_request(cut({"user": "*"}), Who("app")) == ("",)


def test_keys_of_different_balances_differ_whatever_the_values_hold():
    budget = Budget("daily", "usd", 1, "day", {"team": "*", "user": "*"})
    keys = {key_of(budget, values, "2026-11-21") for values in [("a", "b"), ("a,b", ""), ("", "a,b"), ("a|", "b")]}
    assert len(keys) == 4


def test_people_are_told_whose_it_is():
    assert told(Budget("daily", "usd", 1, "day", {"user": "*"}), ("alice",)) == "daily (user alice)"
    assert told(Budget("daily", "usd", 1, "day", {"user": "*"}), ("",)) == "daily (user unnamed)"
    assert told(Budget("all", "usd", 1, "day"), ()) == "all"
