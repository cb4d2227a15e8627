"""What is told of a budget that runs out, and how a receiver knows that it was us. Pure.

`x-sidestep-signature` is `sha256=` and the HMAC-SHA256, in hex, of the value of `x-sidestep-timestamp`, a dot, and the
body as it came, under the shared secret. A receiver compares it in constant time, and the timestamp with its clock. A
message that is sent again has the same `id` and a new timestamp.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from proxy.budgets.budgets import Held
from proxy.config.hidden import Secret
from proxy.config.spending import dollars
from proxy.flow import Headers
from proxy.telemetry.names import BUDGET_ALERT, SIGNATURE, TIMESTAMP

Facts = Mapping[str, str | float | Mapping[str, str]]


def facts(held: Held, threshold: float, spent: int) -> Facts:
    """Of `held`, of which so much is spent, in JSON's terms: dollars are text, for they are exact."""
    budget, scope = held.plan.budget, held.plan.cut
    pairs = zip((*scope.asked, *scope.served), held.values, strict=True)
    usd = budget.unit == "usd"
    return {
        "budget": budget.name,
        "scope": {dimension: value for (dimension, _), value in pairs},
        "unit": budget.unit,
        "amount": dollars(budget.amount) if usd else budget.amount,
        "spent": dollars(spent) if usd else spent,
        "fraction": round(spent / budget.amount, 4),
        "threshold": threshold,
        "window": budget.window,
        "window_ends": _moment(held.span.end),
    }


def body(told: Facts, at: float) -> bytes:
    """The message of `told`; its id is what is alike whoever tells it."""
    named = orjson.dumps([told["budget"], told["scope"], told["window_ends"], told["threshold"]])
    return orjson.dumps(
        {"event": BUDGET_ALERT, "id": hashlib.sha256(named).hexdigest()[:32], "at": _moment(at), **told}
    )


def signed(secret: Secret, message: bytes, at: float) -> Headers:
    """The headers that say when it was sent, and by whom."""
    timestamp = str(int(at))
    made = hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + message, hashlib.sha256)
    return [(TIMESTAMP, timestamp), (SIGNATURE, f"sha256={made.hexdigest()}")]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
