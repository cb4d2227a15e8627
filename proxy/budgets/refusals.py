"""What a client is told where something cannot be paid for. Pure."""

from typing import Final

from proxy.budgets.budgets import Held
from proxy.budgets.scopes import told
from proxy.config.spending import amount_of, dollars
from proxy.flow import Refused
from proxy.telemetry.names import (
    BUDGET_STORE_UNAVAILABLE,
    INSUFFICIENT_QUOTA,
    PASSTHROUGH,
    REQUEST_TOO_COSTLY,
    UNPRICED_MODEL,
)
from proxy.tokens.hosted import OPTIONS, PREVIEW, SEARCH
from translators.faults import Fault, Kind, say

SOON_S: Final = 1.0
"""Retry-After where the lack is a matter of moments."""


def spent(held: Held, now: float, lost: int = 0) -> Refused:
    """The window's amount is used up, or what is left of it does not suffice; so much was `lost` with processes."""
    budget = held.plan.budget
    amount = f"{dollars(budget.amount)} USD" if budget.unit == "usd" else f"{budget.amount} {budget.unit}"
    message = (
        f"The budget {told(budget, held.values)} of {amount} per {budget.window} does not cover this request any more; "
        f"it begins anew at {held.span.until}."
    )
    if lost:
        message += f" {amount_of(budget, lost)} of it stay charged for processes that ended with so much in hand."
    return _refused(429, INSUFFICIENT_QUOTA, message, held.span.end - now, again=False)


def taken(held: Held) -> Refused:
    """What is left is reserved by requests that are under way, which may turn out cheaper."""
    message = (
        f"What is left of the budget {told(held.plan.budget, held.values)} is reserved by requests that are under way."
    )
    return _refused(429, INSUFFICIENT_QUOTA, message, SOON_S, again=True)


def away(held: Held, reason: str) -> Refused:
    message = f"The budget {told(held.plan.budget, held.values)} cannot be looked up now: {reason.rstrip('.')}."
    return _refused(503, BUDGET_STORE_UNAVAILABLE, message, SOON_S, again=True)


def unpriced(held: Held | None, target: str) -> Refused:
    """None: what cannot be held is the limit of one request."""
    missing = "[passthrough] fee_usd" if target.endswith(f"/{PASSTHROUGH}") else f'[prices."{target}"]'
    other = "" if held is None else ', or unpriced = "allow" to the budget'
    message = f"No price is known for {target}, so {_named(held)} cannot hold: add {missing}{other}."
    return _refused(403, UNPRICED_MODEL, message, None, again=False)


def unpriced_tool(held: Held | None, target: str, tool: str) -> Refused:
    """Likewise. `tool` is the type of one that the provider runs by itself."""
    search = f'add search to [prices."{target}"]'
    can = {SEARCH: search, PREVIEW: search, OPTIONS: f'add request to [prices."{target}"], for each call'}
    other = [can[tool]] if tool in can else []
    other += [] if held is None else ['unpriced = "allow" to the budget']
    todo = f": {', or '.join(other)}" if other else ""
    message = f"Nobody knows what {target} charges for {tool[:40]}, so {_named(held)} cannot hold{todo}."
    return _refused(403, UNPRICED_MODEL, message, None, again=False)


def too_dear(target: str, most: int, allowed: int) -> Refused:
    message = (
        f"At worst this request costs {dollars(most)} USD at {target}, more than the {dollars(allowed)} USD that one "
        "may cost here; ask for a shorter answer."
    )
    return _refused(400, REQUEST_TOO_COSTLY, message, None, again=False)


def unbounded(held: Held | None, target: str) -> Refused:
    """Likewise."""
    message = (
        f"What this request may use at {target} has no bound, so {_named(held)} cannot hold: ask "
        "for at most so many tokens, and for nothing that the provider fetches or runs by itself."
    )
    return _refused(400, REQUEST_TOO_COSTLY, message, None, again=False)


def _named(held: Held | None) -> str:
    return "max_cost_per_request_usd" if held is None else f"the budget {held.plan.budget.name}"


def _refused(status: int, code: str, message: str, wait_s: float | None, *, again: bool) -> Refused:
    kind = Kind.SHED if status == 503 else Kind.REFUSED
    told_as = INSUFFICIENT_QUOTA if code == INSUFFICIENT_QUOTA else None
    fault = Fault(kind=kind, status=status, type=told_as, code=code, message=say(message))
    return Refused(fault, retry_after_s=wait_s, should_retry=again)
