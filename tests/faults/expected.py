"""What is to come of a cell of the matrix, worked out from the specification alone: a naive model of one target with
its breaker, and of the target behind it, which is always well."""

from typing import NamedTuple

from tests.faults.rows import What

STATES = ("closed", "worn", "open", "probe", "ramp", "held back")
"""What the breaker of the first target is found in. `worn`: one failure short of opening. `ramp`: its share admits the
next request, and not the one after it. `held back`: its share does not admit the next one."""
STATES_AFTER = {"closed": "CLOSED", "worn": "CLOSED", "open": "OPEN", "probe": "PROBE", "ramp": "RAMP"}
STATES_AFTER["held back"] = "RAMP"


class Kind(NamedTuple):
    breaker: str
    tries: int
    """At a target that it does not open."""
    onward: str
    """Whether the `next` target is asked."""
    status: int
    """As the last word."""
    code: str | None


KINDS = {
    "connect": Kind("fail", 3, "next", 502, "all_targets_failed"),
    "timeout": Kind("fail", 1, "next", 504, "all_targets_failed"),
    "server": Kind("fail", 3, "next", 502, "all_targets_failed"),
    "overloaded": Kind("fail", 2, "next", 503, "overloaded"),
    "throttled": Kind("throttled", 3, "next", 429, "rate_limit_exceeded"),
    "quota": Kind("nothing", 1, "next", 503, "no_target_available"),
    "auth": Kind("nothing", 1, "next", 503, "upstream_auth_error"),
    "missing": Kind("nothing", 1, "next", 404, "model_not_found"),
    "refused": Kind("success", 1, "last", 400, None),
    "too_long": Kind("success", 1, "last", 400, "context_length_exceeded"),
    "content": Kind("success", 1, "last", 400, None),
    "protocol": Kind("fail", 3, "next", 502, "upstream_invalid_response"),
}


class Expected(NamedTuple):
    view: str
    by: str
    """`first` or `second`, whoever answered; empty for an error."""
    kinds: tuple[str, ...]
    """Of the attempts, in order, as the answer's head tells them."""
    breaker: str
    """Of the first target, afterwards."""
    status: int = 200
    code: str | None = None
    """Told only where it is Sidestep's own."""


def expected(what: What, state: str, *, alone: bool, translated: bool) -> Expected:
    admits = state not in ("open", "held back")
    if not admits and not alone:
        return Expected("whole", "second", ("ok",), STATES_AFTER[state])
    if what.kind == "ok" or what.committed:
        return _answered(what, state)
    kind = KINDS[what.kind]
    tries = 1 if state == "open" or what.waits or (state == "ramp" and not alone) else kind.tries
    failures = 4 if state == "worn" else 0
    after, kinds = STATES_AFTER[state], []
    while len(kinds) < tries and (after != "OPEN" or not kinds):
        kinds.append(what.kind)
        failures += kind.breaker == "fail"
        after = _after(kind.breaker, state, after, failures)
    if not alone and (kind.onward == "next" or (what.kind == "refused" and translated)):
        return Expected("whole", "second", (*kinds, "ok"), after)
    return Expected("error", "", tuple(kinds), after, what.status or kind.status, kind.code)


def _after(verdict: str, state: str, before: str, failures: int) -> str:
    """The breaker's state after another attempt that failed before its commit."""
    if state == "open":
        return "PROBE" if verdict == "success" else before
    ramping = state in ("ramp", "held back")
    if verdict == "fail" and (state == "probe" or failures == (2 if ramping else 5)):
        return "OPEN"
    if verdict == "throttled" and (ramping or state == "probe"):
        return "OPEN"
    return before


def _answered(what: What, state: str) -> Expected:
    """The first content arrived. Probes and forced calls have passed with it; all others are judged at their end."""
    after = {"open": "PROBE", "worn": "OPEN" if what.committed else "CLOSED"}.get(state, STATES_AFTER[state])
    return Expected("told" if what.committed else "whole", "first", ("ok",), after)
