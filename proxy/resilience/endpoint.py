"""Looking at a provider without a request: when that is worth a call, and what it may do. Pure.

All models of a provider share one address, so one look serves them all. It is worth a call when a breaker there is
open, or when no request has told anything for a while; while requests come, they tell more.

What it finds can delay a breaker's next probe while the provider itself is down, and nothing else: a list of models
that is answered proves no model, and a provider that is down is found out by requests, for they may fail over.
"""

from collections.abc import Sequence
from typing import Literal

from proxy.resilience.breaker import State
from proxy.resilience.targets import TargetState

Occasion = Literal["open", "idle"]
"""Why a provider is looked at."""


def occasion(states: Sequence[TargetState], now: float, interval_s: float) -> Occasion | None:
    """Why the provider whose targets these are is to be looked at now; None where requests tell, or where it asked to
    be left alone. A target that was never called is none of them, so a provider that nobody called is idle."""
    free = [state for state in states if state.throttle.free_at(now) <= now]
    if any(state.breaker.state(now) is State.OPEN for state in free):
        return "open"
    if len(free) == len(states) and all(_idle(state, now, interval_s) for state in states):
        return "idle"
    return None


def _idle(state: TargetState, now: float, interval_s: float) -> bool:
    return not state.in_flight and now - state.window.noted_at >= interval_s


def tell(states: Sequence[TargetState], now: float, down_until: float | None) -> None:
    """Tells their breakers that the provider counts as down until then; None: it is up."""
    for state in states:
        state.breaker.delay(now, now if down_until is None else down_until)
