"""`[alerts]`: who is told, beside the log, that a budget is running out, or that a model fares badly
(`proxy.config.marks`).

The address is checked as a provider's is. What is sent there is signed, always: without a signature a receiver could
not tell an alert from anybody's, so an address without a secret is a mistake, and so is a secret that is empty.
"""

from collections.abc import Collection, Mapping

from proxy.config.addresses import check_url
from proxy.config.hidden import Secret
from proxy.config.marks import read_watched
from proxy.config.secrets import NoSecret, read_secret
from proxy.config.spending import AlertSettings
from proxy.config.table import Table


def read_alerts(table: Table, env: Mapping[str, str], cluster_hosts: Collection[str] = ()) -> AlertSettings:
    webhook = table.text("webhook") or ""
    if webhook and (problem := check_url(webhook, plain_hosts=cluster_hosts)):
        table.wrong("webhook", problem)
    secret = _secret(table, env)
    if webhook and "secret" not in table:
        table.wrong("secret", 'is missing: what is sent to the webhook is signed with it; name one as in "env:NAME"')
    if secret is not None and "webhook" not in table:
        table.wrong("webhook", "is missing: the secret signs what is sent there")
    models, strategies = read_watched(table, "models"), read_watched(table, "strategies")
    table.finish()
    return AlertSettings(webhook, secret, models, strategies)


def _secret(table: Table, env: Mapping[str, str]) -> Secret | None:
    source = table.text("secret")
    if source is None:
        return None
    try:
        return read_secret(source, env)
    except NoSecret as error:
        table.wrong("secret", str(error))
        return None
