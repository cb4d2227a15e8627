"""`[[budgets]]` is read whole, and every mistake is named by its place."""

import tomllib

import pytest

from proxy.config.budgets import read_budgets
from proxy.config.errors import Problems
from proxy.config.spending import AMOUNT_MAX, Budget
from proxy.config.table import Table

LEAST = 'name = "daily"\nunit = "usd"\namount = 5\nwindow = "day"\n'

CHEAP = 'when_spent = "downgrade"\ndowngrade_to = "cheap"'


def read(text: str) -> tuple[tuple[Budget, ...], list[str]]:
    problems = Problems("config.toml")
    content = tomllib.loads(text)
    found = read_budgets(Table(content, "", problems), {"provider": ["openai"]}, ["cheap", "*"])
    return found, [str(error) for error in problems.errors]


def test_what_is_left_out_is_hard_in_utc_and_rejects():
    found, errors = read(f"[[budgets]]\n{LEAST}")
    assert errors == []
    assert found == (Budget("daily", "usd", 5_000_000_000, "day"),)
    assert found[0].hard and found[0].when_spent == "reject" and found[0].alerts == (0.8, 1.0)


def test_everything_that_can_be_said():
    found, errors = read(
        """
        [[budgets]]
        name = "each-user"
        scope = {team = "research", user = "*"}
        unit = "usd"
        amount = 0.123456789
        window = "month"
        timezone = "Europe/Berlin"
        mode = "soft"
        when_spent = "downgrade"
        downgrade_to = "cheap"
        downgrade_from = 0.8
        alerts = [1, 0.5]
        unpriced = "allow"
        [[budgets]]
        name = "calls"
        unit = "requests"
        amount = 1000
        window = "minute"
        when_spent = "alert"
        """
    )
    assert errors == []
    scope = {"team": "research", "user": "*"}
    assert found[0] == Budget(
        "each-user",
        "usd",
        123_456_789,
        "month",
        scope,
        "Europe/Berlin",
        hard=False,
        when_spent="downgrade",
        downgrade_to="cheap",
        downgrade_from=0.8,
        alerts=(0.5, 1.0),
        unpriced="allow",
    )
    assert found[1] == Budget("calls", "requests", 1000, "minute", hard=False, when_spent="alert")


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        (LEAST.replace('name = "daily"', ""), "budgets[1].name", "is missing"),
        (LEAST.replace("daily", "no blanks"), "budgets[1].name", "letters"),
        (LEAST.replace('unit = "usd"', ""), "budgets[1].unit", "is missing"),
        (LEAST.replace("usd", "euro"), "budgets[1].unit", "not known"),
        (LEAST.replace("amount = 5", ""), "budgets[1].amount", "is missing"),
        (LEAST.replace("amount = 5", "amount = 0"), "budgets[1].amount", "more than 0"),
        (LEAST.replace("amount = 5", "amount = -1"), "budgets[1].amount", ""),
        (LEAST.replace("amount = 5", "amount = 9000001"), "budgets[1].amount", ""),
        (LEAST.replace("amount = 5", "amount = 0.1234567891"), "budgets[1].amount", "decimal"),
        (LEAST.replace("amount = 5", "amount = nan"), "budgets[1].amount", ""),
        (LEAST.replace("amount = 5", 'amount = "five"'), "budgets[1].amount", ""),
        (LEAST.replace("usd", "tokens").replace("amount = 5", "amount = 1.5"), "budgets[1].amount", "whole number"),
        (LEAST.replace('day"', 'week"'), "budgets[1].window", "not known"),
        (f'{LEAST}timezone = "Mars/Olympus"', "budgets[1].timezone", "Europe/Berlin"),
        (f'{LEAST}timezone = "../etc/passwd"', "budgets[1].timezone", "not known"),
        (f'{LEAST}scope = {{planet = "*"}}', "budgets[1].scope.planet", "not a known key"),
        (f'{LEAST}scope = {{user = "{"u" * 129}"}}', "budgets[1].scope.user", "128"),
        (f'{LEAST}scope = {{provider = "opanai"}}', "budgets[1].scope.provider", "openai"),
        (f'{LEAST}mode = "hard"\nwhen_spent = "alert"', "budgets[1].mode", "alert"),
        (f'{LEAST}when_spent = "downgrade"', "budgets[1].downgrade_to", "is missing"),
        (f'{LEAST}when_spent = "downgrade"\ndowngrade_to = "dear"', "budgets[1].downgrade_to", "models"),
        (f'{LEAST}when_spent = "downgrade"\ndowngrade_to = "*"', "budgets[1].downgrade_to", "models"),
        (f'{LEAST}downgrade_to = "cheap"', "budgets[1].downgrade_to", "only with"),
        (f"{LEAST}downgrade_from = 0.5", "budgets[1].downgrade_from", "only with"),
        (
            f'{LEAST}when_spent = "downgrade"\ndowngrade_to = "cheap"\ndowngrade_from = 0',
            "budgets[1].downgrade_from",
            "",
        ),
        (f"{LEAST}alerts = [0]", "budgets[1].alerts", "entry 1"),
        (f"{LEAST}alerts = 0.8", "budgets[1].alerts", "list"),
        (f"{LEAST}colour = 1", "budgets[1].colour", "not a known key"),
    ],
)
def test_a_mistake_is_named_by_its_place(text, path, why):
    _, errors = read(f"[[budgets]]\n{text}")
    assert len(errors) == 1, errors
    assert path in errors[0] and why in errors[0]


def test_two_budgets_have_two_names():
    _, errors = read(f"[[budgets]]\n{LEAST}[[budgets]]\n{LEAST}")
    assert len(errors) == 1 and 'budgets[2].name: "daily" is the name of another' in errors[0]


def test_one_table_where_several_are_written_is_said_to_be_so():
    _, errors = read(f"[budgets]\n{LEAST}")
    assert len(errors) == 1 and "[[budgets]]" in errors[0]


def test_the_largest_amount_is_exact():
    found, _ = read(f"[[budgets]]\n{LEAST.replace('amount = 5', 'amount = 9000000')}")
    assert found[0].amount == AMOUNT_MAX
