"""Everything that the file says of money and rates, each section by its own module."""

from collections.abc import Collection, Mapping

from proxy.config.alerts import read_alerts
from proxy.config.budgets import read_budgets
from proxy.config.ledger import read_ledger
from proxy.config.prices import read_prices, read_tokens
from proxy.config.rates import read_rates
from proxy.config.routes import ANY
from proxy.config.spending import Dimension, Spending
from proxy.config.table import Table


def read_spending(
    root: Table,
    env: Mapping[str, str],
    hosts: Collection[str],
    names: Mapping[Dimension, Collection[str]],
    models: Collection[str],
) -> Spending:
    """`hosts` may be reached without TLS; `names` are what clients, models and providers are called here, `models`
    those of `[models]` alone."""
    clients, asked, providers = names["client"], names["model"], names["provider"]
    # A budget's model is the one that serves, whose name is its provider's affair; a rate's is the one asked for.
    budgets = read_budgets(root, {"client": clients, "provider": providers}, models)
    ledger = root.table("ledger") if "ledger" in root else None
    return Spending(
        budgets=budgets,
        rates=read_rates(root, {"client": clients} if ANY in asked else {"client": clients, "model": asked}),
        ledger=read_ledger(ledger, env, root.problems, asked=bool(budgets)),
        prices=read_prices(root.table("prices")),
        tokens=read_tokens(root.table("tokens")),
        alerts=read_alerts(root.table("alerts"), env, hosts),
    )
