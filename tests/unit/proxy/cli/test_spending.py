"""What may be spent is told to people in a line each."""

import pytest

from proxy.cli.describe import _spending
from proxy.cli.spending import lines, whom
from proxy.config.hidden import Secret
from proxy.config.spending import AlertSettings, Budget, LedgerSettings, Rate, Spending


def told(**spending) -> dict[str, str]:
    found = {}
    for line in lines(_spending(Spending(**spending))):
        name, _, text = line.partition(" ")
        found[name] = text.strip()
    return found


def test_where_nothing_is_said_nothing_is_limited():
    assert told() == {"budgets": "none", "rates": "none", "alerts": "in the log", "ledger": "none, nothing is kept"}


def test_a_budget_is_told_with_whom_it_concerns_and_what_happens_then():
    users = Budget("users", "usd", 5_500_000_000, "day", {"team": "research", "user": "*"})
    cheap = Budget("c", "tokens", 1000, "hour", hard=False, when_spent="downgrade", downgrade_to="cheap")
    assert told(budgets=(users, cheap))["budgets"] == (
        "users (team research, each user): 5.5 USD per day, hard, then reject; "
        "c (all): 1000 tokens per hour, soft, then downgrade to cheap"
    )


def test_what_a_request_may_cost_is_told_where_that_is_limited():
    assert told(max_cost_per_request=250_000_000)["a"] == "request      0.25 USD at most"


def test_a_rate_is_told_with_its_limits():
    rate = Rate("r", {"client": "*"}, requests_per_minute=20, concurrent=4)
    assert told(rates=(rate,))["rates"] == "r (each client): 20 requests a minute, 4 at once"


def test_of_a_webhook_its_address_is_told_and_never_its_secret():
    alerts = AlertSettings("https://hooks.example.com/x", Secret("sk-canary"))
    assert told(alerts=alerts)["alerts"] == "in the log, and to https://hooks.example.com/x, signed"


def test_the_ledger_is_told_with_what_is_kept_there():
    assert told(ledger=LedgerSettings("memory:", usage=False))["ledger"] == "memory:; no usage"


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ({}, "all"),
        ({"user": "*"}, "each user"),
        ({"team": "research", "user": "*"}, "team research, each user"),
    ],
)
def test_whom_a_limit_concerns_is_told_in_words(scope, told):
    assert whom(scope) == told
