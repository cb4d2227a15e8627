"""`sidestep explain --client NAME`: what a client may ask for, and what limits it."""

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from proxy.cli.budgets import page
from proxy.cli.options import Stop, load
from proxy.cli.tables import printable

if TYPE_CHECKING:
    from proxy.budgets.holds import Holds
    from proxy.budgets.shown import Balance, Page
    from proxy.config.spending import Budget, Rate
    from proxy.config.values import Client, Config
    from proxy.flow import Who

SAID = ("user", "team", "task")
ANY = "any"


def run(arguments: argparse.Namespace) -> int:
    if arguments.model is not None or arguments.file is not None or arguments.path is not None:
        raise Stop("--client tells what holds for any model: leave --model, --file and --path away", code=2)
    config = load(arguments.config, keys=False).config
    said = {name: value for name in SAID if (value := getattr(arguments, name)) is not None}
    told = holding(config, arguments.client, said)
    if arguments.admin:
        told = with_balances(told, page(arguments.admin, arguments.admin_token))
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        print(json.dumps(told, indent=2))
    else:
        print("\n".join(map(printable, lines(told))))
    return 0


def holding(config: "Config", name: str, said: Mapping[str, str]) -> dict[str, Any]:
    """What holds for the client's requests that say so much of themselves, in JSON's terms. Raises Stop where there is
    no such client, or it may not say that."""
    from proxy.budgets.holds import budgets_for, rates_for  # noqa: PLC0415 - see the package's docstring
    from proxy.config.spending import dollars  # noqa: PLC0415 - likewise

    client = config.clients.get(name)
    if client is None:
        known = ", ".join(config.clients) or "none: without [clients] whoever asks is a program of this machine"
        raise Stop(f"there is no client '{name[:100]}'; known: {known}", code=2)
    who = _who(client, said)
    spending = config.spending
    most = spending.max_cost_per_request if client.max_cost_per_request is None else client.max_cost_per_request
    return {
        "client": client.name,
        "team": who.team,
        "user": who.user,
        "task": who.task,
        "speaks_for": list(client.speaks_for),
        "models": None if client.models is None else list(client.models),
        "providers": None if client.providers is None else list(client.providers),
        "max_cost_per_request_usd": None if most is None else dollars(most),
        "budgets": [_budget(one.limit, one) for one in budgets_for(who, spending.budgets)],  # type: ignore[arg-type] # budgets alone
        "rates": [_rate(one.limit, one) for one in rates_for(who, spending.rates)],  # type: ignore[arg-type] # rates alone
    }


def _who(client: "Client", said: Mapping[str, str]) -> "Who":
    from proxy.budgets.identity import who  # noqa: PLC0415 - see the package's docstring
    from translators.faults import Malformed  # noqa: PLC0415 - likewise
    from translators.ir import Dialect  # noqa: PLC0415 - likewise

    try:
        return who(client, {f"x-sidestep-{name}": value for name, value in said.items()}, None, Dialect.OPENAI_CHAT)
    except Malformed as error:
        raise Stop(str(error), code=2) from None


def _budget(budget: "Budget", holds: "Holds") -> dict[str, Any]:
    from proxy.config.spending import amount_of  # noqa: PLC0415 - see the package's docstring

    return {
        "budget": budget.name,
        "scope": dict(holds.scope),
        "unit": budget.unit,
        "limit": amount_of(budget, budget.amount),
        "window": budget.window,
        "mode": "hard" if budget.hard else "soft",
        "when_spent": budget.when_spent,
        "downgrade_to": budget.downgrade_to or None,
        "downgrade_from": budget.downgrade_from if budget.downgrade_to else None,
    }


def _rate(rate: "Rate", holds: "Holds") -> dict[str, Any]:
    kinds = ("requests_per_minute", "tokens_per_minute", "concurrent")
    return {"rate": rate.name, "scope": dict(holds.scope), **{kind: getattr(rate, kind) or None for kind in kinds}}


def with_balances(told: dict[str, Any], found: "Page") -> dict[str, Any]:
    """The same, with the balances of each budget in the running proxy: none of one that nobody used of late."""
    from msgspec import to_builtins  # noqa: PLC0415 - see the package's docstring

    def of(budget: dict[str, Any]) -> list[dict[str, Any]]:
        mine = [one for one in found.budgets if _is_of(one, budget)]
        return [to_builtins(one) | {"left": one.left} for one in mine]

    return {**told, "store": found.store, "budgets": [one | {"now": of(one)} for one in told["budgets"]]}


def _is_of(balance: "Balance", budget: Mapping[str, Any]) -> bool:
    from proxy.budgets.holds import within  # noqa: PLC0415 - see the package's docstring

    return balance.budget == budget["budget"] and within(budget["scope"], balance.scope)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The same as text."""
    named = [f"{name} {told[name]}" for name in SAID if told[name]]
    yield f"{told['client']}: {', '.join(named) or 'of no team'}"
    yield f"  may speak for  {', '.join(told['speaks_for']) or 'nobody else'}"
    for name in ("models", "providers"):
        yield f"  {name:13}  {ANY if told[name] is None else ', '.join(told[name])}"
    if told["max_cost_per_request_usd"] is not None:
        yield f"  a request      {told['max_cost_per_request_usd']} USD at most"
    if told.get("store") not in (None, "ok"):
        yield f"the budgets' store: {told['store']}"
    yield "budgets" if told["budgets"] else "no budget holds"
    for one in told["budgets"]:
        yield from _told_of(one)
    yield "rates" if told["rates"] else "no rate holds"
    for one in told["rates"]:
        yield f"  {_named(one['rate'], one['scope'])}: {_fast(one)}"


def _told_of(budget: Mapping[str, Any]) -> Iterator[str]:
    unit = "USD" if budget["unit"] == "usd" else budget["unit"]
    does = budget["when_spent"]
    if budget["downgrade_to"]:
        does = f"{budget['downgrade_to']} from {budget['downgrade_from']:.0%} on"
    amount = f"{budget['limit']} {unit} a {budget['window']}"
    yield f"  {_named(budget['budget'], budget['scope'])}: {amount}, {budget['mode']}; when spent: {does}"
    for now in budget.get("now", ()):
        lost = f", {now['lost']} lost with processes that died" if float(now["lost"]) else ""
        parts = f"{now['spent']} spent, {now['reserved']} reserved{lost}"
        yield f"    {_whose(now['scope']) or 'now'}: {now['left']} {unit} left until {now['window_end']} ({parts})"
    if "now" in budget and not budget["now"]:
        yield "    nobody has spent of it of late by the proxy that was asked"


def _fast(rate: Mapping[str, Any]) -> str:
    words = {"requests_per_minute": "requests a minute", "tokens_per_minute": "tokens a minute"}
    parts = [f"{rate[kind]} {words.get(kind, 'at once')}" for kind in (*words, "concurrent") if rate[kind] is not None]
    return ", ".join(parts)


def _named(name: str, scope: Mapping[str, str]) -> str:
    return f"{name} ({_whose(scope)})" if scope else name


def _whose(scope: Mapping[str, str]) -> str:
    return ", ".join(
        f"each {dimension}" if value == "*" else f"{dimension} {value or 'unnamed'}"
        for dimension, value in scope.items()
    )
