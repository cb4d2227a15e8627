"""`sidestep check` says where budgets and usage are kept."""

import pytest

from proxy.cli.spending import lines
from proxy.config.hidden import Secret
from proxy.config.ledger import described
from proxy.config.spending import LedgerSettings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (LedgerSettings(), "none, nothing is kept"),
        (LedgerSettings("sqlite:////var/l.db"), "sqlite:////var/l.db; usage for 90 days in /var/l.db"),
        (LedgerSettings("sqlite:////var/l.db", usage=False), "sqlite:////var/l.db; no usage"),
        (
            LedgerSettings("redis://cache:6379/0", Secret("hush"), keep_days=7, file="here.db"),
            "redis://cache:6379/0, with a password; usage for 7 days in redis://cache:6379/0 and here.db",
        ),
    ],
)
def test_the_ledger_is_shown_without_its_password(settings, told):
    alerts = {"webhook": None, "signed": False}
    limits = {"rates": [], "budgets": [], "max_cost_per_request_usd": None}
    stack = {**limits, "alerts": alerts, "ledger": described(settings)}
    assert f"ledger         {told}" in list(lines(stack))
