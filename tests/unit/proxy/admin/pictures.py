"""Pictures for the tests of what shows them."""

from proxy.admin.overview import overview
from proxy.filters.observe import Told
from proxy.flow import Attempt, Choice

AT = "2026-01-02T03:04:05.000006Z"


def state(*targets, **fields):
    """What the application tells of its state; a target is a name or what is told of it."""
    rows = [target(one) if isinstance(one, str) else one for one in targets]
    return {"source": "file", "targets": rows, "providers": {}, "configured": []} | fields


def target(name, breaker=None, **fields):
    shut = {"state": "CLOSED", "failures": 0} | (breaker or {})
    return {"target": name, "in_flight": 0, "throttled_for_s": None, "breaker": shut} | fields


def balance(**fields):
    shown = {
        "budget": "daily",
        "scope": {"user": "ann"},
        "unit": "usd",
        "limit": "2",
        "spent": "1",
        "reserved": "0",
        "lost": "0",
        "fraction": 0.5,
        "window": "day",
        "window_end": "2026-01-03T00:00:00Z",
        "mode": "hard",
        "when_spent": "reject",
    }
    return shown | fields


def told(number, **fields):
    """An exchange's line."""
    line = {
        "id": f"req_{number}",
        "client": None,
        "route": "chat",
        "asked": "m",
        "provider": "alpha",
        "model": "large",
        "status": 200,
        "kind": None,
        "code": None,
        "attempts": "",
        "skipped": [],
        "ms": 12.5,
        "added_ms": 0.5,
        "first_token_ms": None,
        "tokens_in": 3,
        "tokens_out": 4,
        "cost_usd": None,
        "translation": "",
        "stream": False,
        "retry_count": 0,
        "own_error": False,
    }
    return Told(AT, "info", "exchange", **(line | fields))


def seen(number, attempts=(), skipped=(), choice=None, **fields):
    tried = [Attempt(target, kind, status, ms) for target, kind, status, ms in attempts]
    return told(number, **fields), tried, list(skipped), choice


def chosen(**fields):
    return Choice("m", "it was cheap", **fields)


def picture(*targets, recent=(), budgets=(), now=60.0, **fields):
    """Of a proxy with these targets."""
    store = {"budgets": list(budgets), "store": "ok" if budgets else None}
    return overview(state(*targets, **fields), store, recent, example="curl", now=now, wall=1e9)
