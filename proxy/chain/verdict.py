"""The last word: what the client is told when no target answered. Pure.

The most useful error is chosen and every target is named with its reason. The primary's fault decides, since a later
target's 400 may be the translation's doing; one of the request itself (refused, too long, content) stands as it is.
Whether the client should try again is said too.
"""

from collections.abc import Sequence

from msgspec import Struct

from proxy.flow import Refused
from translators.faults import Fault, Kind, say

OWN_WORDS = (Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT)
"""Faults of the request: told as the target told them."""
MAX_RETRY_AFTER_S = 120.0
"""The OpenAI SDK gives up altogether on anything longer."""
SOON_S = 1.0
"""Retry-After of what only this machine's own lack stood in the way of."""

NOT_OPEN = "its provider is not open to this client"
"""Why a target was left out before the chain was walked: that decides nothing, and is told with the others."""
UNABLE = frozenset({"cannot", "smaller"})
"""Reasons of `Skip.why` that lie in the request and stay true however long one waits."""


class Skip(Struct, frozen=True):
    """A target that was not called, and why."""

    target: str
    why: str
    """`breaker`, `throttled`, `keys`, `busy`, `budget`, `cannot`, `smaller`."""
    reason: str
    """One clause for people."""
    wait_s: float | None = None
    """When it may serve again, where that is known."""
    param: str | None = None
    """The field it cannot express."""
    overloaded: bool = False
    """Of one that is throttled: it asked for the wait because it cannot serve, not because of anybody's rate."""


class LastWord(Struct, frozen=True):
    fault: Fault
    retry_after_s: float | None = None
    should_retry: bool = False


_OF_BUDGETS = (503, 429, 403, 400)
"""Statuses of what cannot be paid for: what passes by itself is told before what does not."""


def told_first(one: Refused | None, other: Refused) -> Refused:
    """Which of two reasons why targets cannot be paid for is told; the earlier one where both are of a kind."""
    if one is None or _OF_BUDGETS.index(other.fault.status) < _OF_BUDGETS.index(one.fault.status):
        return other
    return one


def last_word(faults: Sequence[tuple[str, Fault]], skips: Sequence[Skip]) -> LastWord:
    """What to tell after `faults` (target, fault; in the order they happened) and `skips`; one of them is not empty."""
    if not faults:
        return _nobody_called(skips)
    first_target = faults[0][0]
    primary = next(fault for target, fault in reversed(faults) if target == first_target)
    if primary.kind in OWN_WORDS:
        return LastWord(primary)
    if any(fault.kind is Kind.SHED for _, fault in faults):
        return _not_asked(primary, faults, skips)
    waits = [skip.wait_s for skip in skips if skip.why == "throttled" and skip.wait_s is not None]
    waits += [fault.retry_after_s or 1.0 for _, fault in faults if fault.kind is Kind.THROTTLED]
    throttled = all(fault.kind is Kind.THROTTLED for _, fault in faults) and all(s.why == "throttled" for s in skips)
    message = _named(faults, skips)
    fault = Fault(kind=primary.kind, status=primary.status, message=message)
    if throttled:
        return LastWord(fault, min(waits), should_retry=min(waits) <= MAX_RETRY_AFTER_S)
    return LastWord(fault, primary.retry_after_s if primary.kind is Kind.THROTTLED else None)


def _not_asked(primary: Fault, faults: Sequence[tuple[str, Fault]], skips: Sequence[Skip]) -> LastWord:
    """A target that no connection of ours could be had for may answer the next request."""
    if not skips and all(fault.kind is Kind.SHED for _, fault in faults):
        message = say(f"No connection to a provider could be opened: {primary.message}.")
    else:
        message = _named(faults, skips)
    return LastWord(Fault(kind=primary.kind, status=primary.status, message=message), SOON_S, should_retry=True)


def _nobody_called(skips: Sequence[Skip]) -> LastWord:
    reasons = {skip.why for skip in skips}
    message = f"No target can take this request: {_list(skips)}."
    if reasons == {"smaller"}:
        fault = Fault(kind=Kind.TOO_LONG, status=400, message=say(message), code="context_length_exceeded")
        return LastWord(fault)
    if reasons <= UNABLE:
        param = next((skip.param for skip in skips if skip.param), None)
        fault = Fault(kind=Kind.REFUSED, status=400, message=say(message), param=param, code="unsupported_parameter")
        return LastWord(fault)
    waits = [skip.wait_s for skip in skips if skip.wait_s is not None and skip.why != "keys"]
    wait = min(waits, default=None)
    if reasons <= {"throttled", *UNABLE}:
        first = next(skip for skip in skips if skip.why == "throttled")
        kind, status = (Kind.OVERLOADED, 503) if first.overloaded else (Kind.THROTTLED, 429)
        fault = Fault(kind=kind, status=status, message=say(message))
        return LastWord(fault, wait, should_retry=wait is not None and wait <= MAX_RETRY_AFTER_S)
    if wait is not None:
        fault = Fault(kind=Kind.SHED, status=503, message=say(message), code="no_target_available")
        return LastWord(fault, min(30.0, max(1.0, wait)), should_retry=True)
    kind = Kind.AUTH if reasons <= {"keys", *UNABLE} else Kind.SHED
    # A key most likely needs a person: that one call may find it well again makes nobody's own retry worth its wait.
    soonest = min((skip.wait_s for skip in skips if skip.wait_s is not None), default=None)
    return LastWord(Fault(kind=kind, status=503, message=say(message), code="no_target_available"), soonest)


def _named(faults: Sequence[tuple[str, Fault]], skips: Sequence[Skip]) -> str:
    """Each target once, with the reason of its last fault."""
    latest = dict(faults)
    tried = "; ".join(f"{target}: {_reason(fault)}" for target, fault in latest.items())
    skipped = f"; {_list(skips)}" if skips else ""
    lead = "All targets failed" if len(latest) + len(skips) > 1 else "The only target failed"
    return say(f"{lead}: {tried}{skipped}.")


def _reason(fault: Fault) -> str:
    status = f" {fault.status}" if fault.status else ""
    return f"{fault.kind.value}{status}, {fault.message.rstrip('.')}"


def _list(skips: Sequence[Skip]) -> str:
    return "; ".join(f"{skip.target}: {skip.reason}" for skip in skips)
