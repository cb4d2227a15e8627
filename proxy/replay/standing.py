"""Begins where a recording did: breakers, waits and keys as the first of its exchanges found them."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.config.values import Target
from proxy.resilience.breaker import Reason, Snapshot, State
from proxy.resilience.targets import Registry


def resume(registry: Registry, targets: Iterable[Target], told: Mapping[str, Any], now: float) -> None:
    """Puts them so; `told` is `proxy.recording.form.Line.before`. What the configuration does not have is left out."""
    places = {one["target"]: one for one in told.get("targets", ())}
    keys: Mapping[str, Any] = told.get("keys", {})
    done: set[str] = set()
    for target in targets:
        state = registry.target(target, now)
        if target.name in places:
            one = places.pop(target.name)
            state.breaker.resume(snapshot_of(one["breaker"], now), now)
            if one["throttled_for_s"]:
                state.throttle.block(now, one["throttled_for_s"], lambda: 0.0)
        name = target.provider.name
        if name in keys and name not in done:
            done.add(name)
            registry.keys(target.provider).resume(keys[name], now)


def snapshot_of(told: Mapping[str, Any], now: float) -> Snapshot:
    """A breaker as `/state` tells it."""
    left = told["opens_for_s"]
    return Snapshot(
        state=State[told["state"]],
        reason=Reason(told["reason"]) if told["reason"] else None,
        failures=told["failures"],
        openings=told["openings"],
        reopens_at=None if left is None else now + left,
        ramp=told["ramp"],
        changed_at=None,
        late=0,
    )
