"""What is told of a budget that runs out, and how a receiver knows that it was us. Pure.

`x-sidestep-signature` is `sha256=` and the HMAC-SHA256, in hex, of the value of `x-sidestep-timestamp`, a dot, and the
body as it came, under the shared secret. A receiver compares it in constant time, and the timestamp with its clock. A
message that is sent again has the same `id` and a new timestamp.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from proxy.budgets.windows import moment
from proxy.config.hidden import Secret
from proxy.config.spending import amount_of
from proxy.flow import Headers
from proxy.telemetry.names import BUDGET_ALERT, MODEL_ALERT, SIGNATURE, TIMESTAMP

if TYPE_CHECKING:
    from proxy.budgets.budgets import Held

Facts = Mapping[str, str | float | Mapping[str, str]]


def facts(held: "Held", threshold: float, spent: int) -> Facts:
    """Of `held`, of which so much is spent, in JSON's terms: dollars are text, for they are exact."""
    budget = held.plan.budget
    return {
        "budget": budget.name,
        "scope": held.plan.cut.by_dimension(held.values),
        "unit": budget.unit,
        "amount": amount_of(budget, budget.amount),
        "spent": amount_of(budget, spent),
        "fraction": round(spent / budget.amount, 4),
        "threshold": threshold,
        "window": budget.window,
        "window_ends": held.span.until,
    }


def body(told: Facts, at: float) -> bytes:
    """The message of `told`; its id is what is alike whoever tells it."""
    named = orjson.dumps([told["budget"], told["scope"], told["window_ends"], told["threshold"]])
    return orjson.dumps({"event": BUDGET_ALERT, "id": hashlib.sha256(named).hexdigest()[:32], "at": moment(at), **told})


def model_body(told: Facts, at: float) -> bytes:
    """The message of a model or a strategy that has begun to fare badly, or well again. Each is told once, and has an
    id of its own."""
    named = orjson.dumps([sorted(told.items()), at])
    return orjson.dumps({"event": MODEL_ALERT, "id": hashlib.sha256(named).hexdigest()[:32], "at": moment(at), **told})


def signed(secret: Secret, message: bytes, at: float) -> Headers:
    """The headers that say when it was sent, and by whom."""
    timestamp = str(int(at))
    made = hmac.new(secret.reveal().encode(), timestamp.encode() + b"." + message, hashlib.sha256)
    return [(TIMESTAMP, timestamp), (SIGNATURE, f"sha256={made.hexdigest()}")]
