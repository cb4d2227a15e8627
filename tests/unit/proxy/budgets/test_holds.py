"""What limits somebody, whoever answers."""

import pytest

from proxy.budgets.holds import budgets_for, rates_for, within
from proxy.config.spending import Budget, Rate
from proxy.flow import Who

ANN = Who("app", "research", "ann")


def budget(**scope):
    return Budget("b", "usd", 5, "day", scope)


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, {}),
        ({"user": "*"}, {"user": "ann"}),
        ({"task": "*"}, {"task": ""}),
        ({"team": "research", "provider": "*"}, {"team": "research", "provider": "*"}),
        ({"model": "m"}, {"model": "m"}),
        ({"team": "sales"}, None),
        ({"user": "bob", "provider": "*"}, None),
    ],
)
def test_those_whose_scope_names_him_hold_whoever_answers(scope, found):
    assert [one.scope for one in budgets_for(ANN, [budget(**scope)])] == ([] if found is None else [found])
    rates = [] if "provider" in scope else [Rate("r", scope)]
    assert [one.scope for one in rates_for(ANN, rates)] == ([] if found is None or not rates else [found])


@pytest.mark.parametrize(
    ("scope", "values", "is_within"),
    [
        ({"user": "ann"}, {"user": "ann"}, True),
        ({"user": "ann"}, {"user": "bob"}, False),
        ({"user": "ann", "model": "*"}, {"user": "ann", "model": "m"}, True),
        ({"user": "ann", "model": "*"}, {"user": "ann"}, False),
        ({}, {"user": "ann"}, False),
        ({}, {}, True),
    ],
)
def test_an_account_is_one_of_those_that_a_scope_speaks_of(scope, values, is_within):
    assert within(scope, values) is is_within
