"""What may be spent, and how fast, as `sidestep check` shows it to people."""

from collections.abc import Iterator
from typing import Any

Plain = dict[str, Any]
EACH = "*"


def lines(spending: Plain) -> Iterator[str]:
    """Of what `proxy.cli.describe` says of it."""
    budgets, rates = spending["budgets"], spending["rates"]
    yield f"budgets        {'; '.join(map(_budget, budgets)) or 'none'}"
    if spending["max_cost_per_request_usd"] is not None:
        yield f"a request      {spending['max_cost_per_request_usd']} USD at most"
    yield f"rates          {'; '.join(map(_limits, rates)) or 'none'}"
    yield f"alerts         {_webhook(**spending['alerts'])}"
    yield f"ledger         {_ledger(spending['ledger'])}"


def _budget(budget: Plain) -> str:
    """`users (each user): 5 USD per day, hard, then reject`."""
    unit = "USD" if budget["unit"] == "usd" else budget["unit"]
    then = f"{budget['when_spent']} to {budget['downgrade_to']}" if budget["downgrade_to"] else budget["when_spent"]
    amount = f"{budget['amount']} {unit} per {budget['window']}, {'hard' if budget['hard'] else 'soft'}"
    return f"{budget['name']} ({whom(budget['scope'])}): {amount}, then {then}"


def _limits(rate: Plain) -> str:
    told = [
        f"{rate[key]} {words}"
        for key, words in (
            ("requests_per_minute", "requests a minute"),
            ("tokens_per_minute", "tokens a minute"),
            ("concurrent", "at once"),
        )
        if rate[key]
    ]
    return f"{rate['name']} ({whom(rate['scope'])}): {', '.join(told)}"


def whom(scope: dict[str, str]) -> str:
    """Whom a scope concerns: `team research, each user`."""
    parts = [f"each {kind}" if value == EACH else f"{kind} {value}" for kind, value in scope.items()]
    return ", ".join(parts) or "all"


def _webhook(webhook: str | None, *, signed: bool) -> str:
    return f"in the log, and to {webhook}{', signed' if signed else ''}" if webhook else "in the log"


def _ledger(told: Plain) -> str:
    """Where budgets are kept, and where records of usage."""
    if not told["url"]:
        return "none, nothing is kept"
    places = told["usage_places"]
    kept = f"usage for {told['keep_days']} days in {' and '.join(places)}" if places else "no usage"
    password = ", with a password" if told["password"] else ""
    return f"{told['url']}{password}; {kept}"
