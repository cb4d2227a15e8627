"""How a running proxy stands, as its `/state` tells: what may keep a target from being called now, and how it fared of
late. Pure.

The questions are asked in the chain's own order: calls in flight, waits, keys, then the breaker.
"""

import math
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from proxy.config.values import Target
from proxy.resilience.observed import Told
from proxy.telemetry.names import PASSTHROUGH

STATE_CAP = 16 * 1024 * 1024


class LiveBreaker(Struct, frozen=True):
    state: str
    reason: str | None = None
    failures: int = 0
    opens_for_s: float | None = None
    admits_in_s: float | None = None
    ramp: float | None = None
    late: int = 0


class LiveTimes(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float


class LiveHealth(Struct, frozen=True):
    """The last five minutes."""

    answered: int = 0
    failed: int = 0
    success_ratio: float | None = None
    outcomes: dict[str, int] = {}
    latency_ms: LiveTimes | None = None
    first_token_ms: LiveTimes | None = None


class LiveSlot(Struct, frozen=True):
    """A half minute of a target."""

    number: int
    answered: int = 0
    failed: int = 0
    latency_ms: LiveTimes | None = None
    first_token_ms: LiveTimes | None = None


class LiveTarget(Struct, frozen=True):
    target: str
    in_flight: int
    throttled_for_s: float | None
    breaker: LiveBreaker
    health: LiveHealth = LiveHealth()
    course: list[LiveSlot] = []
    """The half minutes in which calls ended, the oldest first; only where it was asked for."""
    observed: Told | None = None
    """What orders go by; None where none does."""
    forced_in_s: float | None = None
    """When a call may be made against a key that is off or a wait; None where neither stands in the way."""

    @property
    def provider(self) -> str:
        return self.target.partition("/")[0]


class LiveKey(Struct, frozen=True):
    source: str
    in_flight: int
    off: str | None
    off_for_s: float | None
    throttled_for_s: float | None

    @property
    def free(self) -> bool:
        return self.off is None and self.throttled_for_s is None


class LiveProbe(Struct, frozen=True):
    """What the background looks at a provider have found."""

    interval_s: float
    asked_because: str | None
    up: bool | None
    why: str | None
    ms: float | None
    ago_s: float | None
    next_in_s: float


class Live(Struct, frozen=True):
    """`/state`, as far as it counts here."""

    source: str
    targets: list[LiveTarget]
    providers: dict[str, list[LiveKey]]
    probes: dict[str, LiveProbe] = {}
    strategy: str = ""
    """The one that is active."""
    configured: list[str] = []
    """The targets of all chains, in order; `provider/*` is any model of that provider."""


class Standing(Struct, frozen=True):
    """One target now."""

    breaker: str
    in_flight: int
    blocked: str
    """Why it is not called now, as a clause; empty when it is."""
    of_breaker: bool
    """Whether its breaker alone keeps it from being called."""
    free_in_s: float
    """When that may end, in seconds; 0 when it is called now."""
    notes: tuple[str, ...]
    """What else is to be known of it: its breaker, its keys."""
    of_keys: bool = False
    """Whether it is that every key is off."""
    forced_in_s: float | None = None
    """When it is asked all the same, where nobody else can be and its breaker alone is not in the way."""


def read(body: bytes) -> Live:
    """Raises msgspec.DecodeError for what is no such page."""
    return msgspec.json.decode(body, type=Live)


def in_order(live: Live) -> list[tuple[LiveTarget, bool]]:
    """All targets in the order of the configuration, those at the end that it does not name; and whether each was
    called. `provider/*` is one only until a model of that provider was called."""
    called = {one.target: one for one in live.targets}
    rows: dict[str, tuple[LiveTarget, bool]] = {}
    for name in live.configured:
        found = [called[name]] if name in called else _of_any(name, live)
        rows |= {one.target: (one, True) for one in found}
        if not found:
            rows[name] = _new(name), False
    rest = sorted(name for name in called if name not in rows)
    return [*rows.values(), *((called[name], True) for name in rest)]


def _of_any(name: str, live: Live) -> list[LiveTarget]:
    """The models that `provider/*` was called for; what passes through is none."""
    provider, _, model = name.partition("/")
    passed = f"{provider}/{PASSTHROUGH}"
    return [one for one in live.targets if model == "*" and one.provider == provider and one.target != passed]


def _new(name: str) -> LiveTarget:
    return LiveTarget(name, 0, None, LiveBreaker("CLOSED"))


def standing(target: Target, live: Live) -> Standing:
    """A target that was never called stands as a new one."""
    entry = next((one for one in live.targets if one.target == target.name), None)
    entry = entry or _new(target.name)
    keys = live.providers.get(target.provider.name)
    return stood(entry, keys, own_key=target.provider.client_key, limit=target.provider.per_target)


def stood(entry: LiveTarget, keys: Sequence[LiveKey] | None, *, own_key: bool = False, limit: int = 0) -> Standing:
    """The same by the state alone. `own_key`: each caller brings one; `limit` is the provider's `per_target`, if it
    is known."""
    busy = f"its limit of {limit} calls in flight is reached" if limit and entry.in_flight >= limit else ""
    blocked, free_in_s = (busy, 0.0) if busy else _held(entry, keys, own_key=own_key)
    of_breaker = not blocked
    if of_breaker:
        blocked, free_in_s = _shut(entry.breaker)
    forced_in_s = None if busy or of_breaker else entry.forced_in_s
    return Standing(
        breaker=entry.breaker.state,
        in_flight=entry.in_flight,
        blocked=blocked,
        of_breaker=of_breaker and bool(blocked),
        free_in_s=free_in_s,
        notes=(*breaker_notes(entry.breaker), *forced_notes(forced_in_s), *map(told, keys or ())),
        of_keys=forced_in_s is not None and entry.throttled_for_s is None and all(key.off for key in keys or ()),
        forced_in_s=forced_in_s,
    )


def _held(entry: LiveTarget, keys: Sequence[LiveKey] | None, *, own_key: bool) -> tuple[str, float]:
    """What stands in the way before the breaker is asked, and for how long; calls in flight aside."""
    if entry.throttled_for_s is not None:
        return _waits(entry.throttled_for_s)
    if own_key or keys is None or any(key.free for key in keys):
        return "", 0.0
    if not keys:
        return f"{entry.provider} has no token now", 0.0
    waits = [key.throttled_for_s for key in keys if key.off is None and key.throttled_for_s is not None]
    if waits:
        return _waits(min(waits))
    soonest = min(key.off_for_s or 0.0 for key in keys)
    return f"every key of {entry.provider} is refused or out of quota, for {math.ceil(soonest)} s more", soonest


def _waits(seconds: float) -> tuple[str, float]:
    return f"asked to wait {math.ceil(seconds)} s more", seconds


def _shut(breaker: LiveBreaker) -> tuple[str, float]:
    wait = breaker.admits_in_s or 0.0
    if breaker.state == "OPEN":
        return f"its breaker is open for {math.ceil(wait)} s more", wait
    if breaker.state == "PROBE" and breaker.admits_in_s is not None:
        return "its breaker is trying it with another request", wait
    return "", 0.0


def forced_notes(forced_in_s: float | None) -> list[str]:
    """When one request is let through against what stands in the way, as a clause."""
    if forced_in_s is None:
        return []
    now = "now" if forced_in_s <= 0 else f"in {math.ceil(forced_in_s)} s"
    return [f"one request may try it {now}, if nobody else can be called"]


def breaker_notes(breaker: LiveBreaker) -> list[str]:
    """What is to be known of a breaker that is not at rest, as clauses."""
    if breaker.state == "OPEN":
        return [f"opened by {_REASONS.get(breaker.reason or '', 'its failures')}"]
    if breaker.state == "PROBE" and breaker.admits_in_s is None:
        return ["the next request tries it, others wait for that one's end elsewhere"]
    if breaker.state == "RAMP" and breaker.ramp is not None:
        return [f"it gets {breaker.ramp:.0%} of the requests now, the next target the rest"]
    if breaker.failures:
        return [f"{breaker.failures} failure{'' if breaker.failures == 1 else 's'} in a row"]
    return []


_REASONS = {
    "consecutive": "failures in a row",
    "probe": "a probe that failed",
    "ramp": "failures while it was let back in",
    "manual": "an operator",
}


def told(key: LiveKey) -> str:
    """One key as a clause."""
    name = key.source or "no key"
    if key.off is not None:
        cause = "out of quota" if key.off == "quota" else "refused"
        return f"{name}: {cause}, off for {math.ceil(key.off_for_s or 0)} s"
    if key.throttled_for_s is not None:
        return f"{name}: asked to wait {math.ceil(key.throttled_for_s)} s"
    return f"{name}: free, {key.in_flight} in flight"
