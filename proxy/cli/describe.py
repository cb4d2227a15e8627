"""The resolved stack as plain values: what `sidestep check` prints, and the start-up lines are made of.

Keys appear as their sources, headers by name alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import structs, to_builtins

from proxy.cli import selection
from proxy.config.clients import ENV_CLIENT
from proxy.config.dollars import in_dollars as usd
from proxy.config.ledger import described as ledger_described
from proxy.config.orders import Ordering
from proxy.config.profiles import profile_for, vendor_of
from proxy.config.secrets import CLIENT
from proxy.config.spending import Spending, amount_of
from proxy.config.telemetry import described
from proxy.config.values import (
    BreakerSettings,
    Client,
    Config,
    EmbeddingRoute,
    ModelRoute,
    Provider,
    RetrySettings,
    Target,
    TimeoutSettings,
)
from proxy.resilience.retry import attempts_for, total_attempts
from proxy.routing.resolve import Router

Plain = dict[str, Any]


def describe(config: Config, warnings: Iterable[str]) -> Plain:
    """Everything that will rule, in JSON's terms."""
    router = Router(config, profile_for, vendor_of)
    server = config.server
    return {
        "source": config.source,
        "demo": config.demo,
        "server": {**structs.asdict(server), "cluster_hosts": list(server.cluster_hosts)},
        "admin": {"tokens": [digest[:8] for digest in config.admin.token_sha256]},
        "providers": [_provider(provider) for provider in config.providers.values()],
        "models": [_model(route, router) for route in config.models.values()],
        "embeddings": [_embedding(route, router) for route in config.embeddings.values()],
        "passthrough": _plain(structs.asdict(config.passthrough)),
        "clients": [_client(client) for client in config.clients.values()],
        "defaults": {
            "timeouts": structs.asdict(TimeoutSettings()),
            "breaker": structs.asdict(BreakerSettings()),
            "retry": structs.asdict(RetrySettings()),
        },
        "limits": structs.asdict(config.limits),
        "health": structs.asdict(config.health),
        "telemetry": described(config.telemetry),
        "record": structs.asdict(config.record),
        "spending": _spending(config.spending),
        "selection": selection.described(config.selection),
        "warnings": list(warnings),
    }


def _provider(provider: Provider) -> Plain:
    return {
        "name": provider.name,
        "vendor": provider.vendor or None,
        "dialect": provider.dialect.value,
        "base_url": provider.base_url,
        "keys": [CLIENT] if provider.client_key else [key.source for key in provider.keys],
        "headers": list(provider.headers),
        "proxy": provider.proxy,
        "ca_file": provider.ca_file,
        "token_url": provider.token_url,
        "default_model": provider.default_model,
        "health": structs.asdict(provider.health),
        "per_target": provider.per_target,
        "trace": provider.trace,
        "profile": _plain(provider.profile),
        "models": {model: _plain(fields) for model, fields in provider.models.items()},
    }


def _plain(fields: Mapping[str, Any]) -> Plain:
    """Fields in JSON's terms; sets in order."""
    plain: Plain = to_builtins(fields, order="sorted")
    return plain


def _model(route: ModelRoute, router: Router) -> Plain:
    found = router.chat(route.name)
    targets = found.targets if found else ()
    return {
        "name": route.name,
        "mode": route.mode,
        "defaults": dict(route.defaults),
        "max_output": route.max_output,
        "failover_on_content": route.failover_on_content,
        "fan_out": route.fan_out,
        "sticky": route.sticky,
        "ordering": _ordering(route.ordering),
        **_chain(targets),
    }


def _embedding(route: EmbeddingRoute, router: Router) -> Plain:
    found = router.embeddings(route.name)
    return {
        "name": route.name,
        "dimensions": found.dimensions if found else None,
        "same_space": route.same_space,
        "ordering": _ordering(route.ordering),
        **_chain(found.targets if found else ()),
    }


def _ordering(ordering: Ordering | None) -> Plain | None:
    """As it is written; None where the chain's own order holds."""
    return None if ordering is None else _plain(to_builtins(ordering))


def _chain(targets: tuple[Target, ...]) -> Plain:
    retry, timeouts = (targets[0].retry, targets[0].timeouts) if targets else (RetrySettings(), None)
    left = total_attempts(len(targets), retry)
    total = min(left, sum(target.retry.attempts_per_target for target in targets))
    chain = []
    for position, target in enumerate(targets):
        attempts = attempts_for(position, len(targets), left, target.retry)
        left -= attempts
        chain.append(_target(target, attempts))
    return {"deadline_s": timeouts and timeouts.deadline_s, "total_attempts": total, "chain": chain}


def _target(target: Target, attempts: int) -> Plain:
    return {
        "target": target.name,
        "dialect": target.provider.dialect.value,
        "default_model": target.provider.default_model if target.model == "*" else None,
        "context_window": target.profile.context_window,
        "max_output": target.profile.max_output,
        "attempts": attempts,
        "breaker": structs.asdict(target.breaker),
        "retry": structs.asdict(target.retry),
        "timeouts": structs.asdict(target.timeouts),
    }


def _client(client: Client) -> Plain:
    source = "SIDESTEP_CLIENT_SHA256" if client.name == ENV_CLIENT else "file"
    keys = [digest[:8] for digest in client.key_sha256]
    return {
        "name": client.name,
        "source": source,
        "keys": keys,
        "mode": client.mode,
        "models": None if client.models is None else list(client.models),
        "providers": None if client.providers is None else list(client.providers),
        "team": client.team or None,
        "tags": dict(client.tags),
        "speaks_for": list(client.speaks_for),
        "max_cost_per_request_usd": usd(client.max_cost_per_request),
        "may_choose_strategy": client.may_choose_strategy,
    }


def _spending(spending: Spending) -> Plain:
    """In JSON's terms; of a secret, that it is there."""
    alerts = spending.alerts
    return {
        "budgets": [
            structs.asdict(budget) | {"amount": amount_of(budget, budget.amount)} for budget in spending.budgets
        ],
        "max_cost_per_request_usd": usd(spending.max_cost_per_request),
        "rates": [structs.asdict(rate) for rate in spending.rates],
        "alerts": {"webhook": alerts.webhook or None, "signed": alerts.secret is not None},
        "ledger": ledger_described(spending.ledger),
    }
