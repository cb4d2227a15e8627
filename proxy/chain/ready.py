"""Whether a target can be called now, and with which key; its turn; and the tools that whoever calls it works with."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from msgspec import Struct

from proxy.chain.verdict import Skip
from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.values import Provider, Target
from proxy.jobs import Prepared
from proxy.resilience.breaker import Permit
from proxy.resilience.keys import KeyState
from proxy.resilience.targets import Registry, TargetState
from proxy.upstream.seam import Engine
from proxy.upstream.timings import AttemptTimes


class Alert(Protocol):
    """Tells the operator of something that needs a person: a key refused, a model missing."""

    def __call__(self, event: str, /, **facts: str | int) -> None: ...


class Tools(Struct, frozen=True):
    """What the chain works with under one configuration."""

    registry: Registry
    engine: Callable[[Provider], Engine]
    clock: Clock
    count: Callable[[str, str, str], None]
    """Counts an attempt: provider, model, kind."""
    alert: Alert
    spent: Callable[[str, str, int], None] = lambda *_: None
    """Counts what an attempt costs: provider, model, nano-dollars."""
    key_back: Callable[[str, KeyState], None] = lambda *_: None
    """Tells that a provider's key, which was off, was accepted."""


class Ready(Struct, frozen=True):
    """A target that can be called now."""

    key: KeyState
    permit: Permit
    times: AttemptTimes
    at: float
    """Loop time of the permit: its call begins then."""
    later: tuple[Target, ...] = ()
    """The targets behind it, which have a claim to its time while one of them can be called."""


class Try(Struct):
    """A target's turn: what was made for it and how far it is."""

    target: Target
    state: TargetState
    prepared: Prepared
    position: int
    allowed: int
    made: int = 0
    repaired: bool = False
    unheld: bool = False
    """No ramp holds it back any more, and no further target has a claim to its time: nobody else answered."""


def key_for(
    tools: Tools,
    target: Target,
    state: TargetState,
    headers: Mapping[str, str],
    now: float,
    spent: Collection[int],
    calls: int = 1,
) -> KeyState | Skip:
    """The key to call `target` with now, or why it cannot be called: too much is under way there, it asked for a wait,
    or no key is free but those in `spent`. Breakers are asked afterwards. `headers` are the client's;
    `calls` are to be made at once."""
    limit = target.provider.per_target
    if limit and state.in_flight + calls > limit:
        why = "is reached" if calls == 1 else f"leaves no room for {calls} at once"
        return Skip(target.name, "busy", f"its limit of {limit} calls in flight {why}", 1.0)
    if state.throttle.until > now:
        until = state.throttle.until
        return _throttled(target, until - now, overloaded=until == state.overloaded_until)
    if target.provider.client_key:
        return callers_key(headers)
    pool = tools.registry.keys(target.provider)
    key = pool.choose(now, spent)
    if key is not None:
        return key
    free_at = pool.free_at(now)
    if free_at is None:
        why = f"every key of {target.provider.name} is refused or out of quota"
        return Skip(target.name, "keys", why if len(pool) else f"{target.provider.name} has no token now")
    return _throttled(target, free_at - now)


def callable_now(tools: Tools, target: Target, headers: Mapping[str, str]) -> bool:
    """Whether nothing of all that, nor its breaker, keeps `target` from being called now."""
    now = tools.clock.now()
    state = tools.registry.target(target, now)
    if state.breaker.next_admit(now) > now:
        return False
    return not isinstance(key_for(tools, target, state, headers, now, ()), Skip)


def _throttled(target: Target, wait_s: float, *, overloaded: bool = False) -> Skip:
    reason = f"asked to wait {math.ceil(wait_s)} s more"
    return Skip(target.name, "throttled", reason, wait_s, overloaded=overloaded)


def callers_key(headers: Mapping[str, str]) -> KeyState:
    """The caller's own key, from either header that clients use; no key is a matter for the provider to refuse."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    value = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    return KeyState(index=-1, source="client", secret=Secret(value) if value else None, fingerprint="")


def usable(state: TargetState, now: float) -> bool:
    """Whether breaker and throttle let a call through now."""
    return state.throttle.until <= now and not state.breaker.shut(now)


def behind_breaker(target: Target, wait_s: float) -> Skip:
    """Why it cannot be called for so long."""
    return Skip(target.name, "breaker", "its breaker is open", max(0.0, wait_s))
