"""Targets and keys as `/state` and `/metrics` show them: how they stand, and how they fared of late."""

from collections.abc import Callable, Iterable, Iterator
from heapq import nlargest
from typing import Any, Final

from msgspec import structs

from proxy.clock import Clock
from proxy.resilience.breaker import State
from proxy.resilience.keys import KeyPool, KeySnapshot
from proxy.resilience.targets import Registry, TargetState
from proxy.resilience.window import Figures, Times, Window, course, figures
from proxy.telemetry import names
from proxy.telemetry.metrics import Labels, Metrics

Gauge = tuple[str, Labels, float]
"""A metric's name, its labels and its value."""

_MS: Final = 1000


def target(state: TargetState, now: float, wall: float, pool: KeyPool | None = None) -> dict[str, Any]:
    """One target, in JSON's terms; `pool` has its provider's keys, where there are any."""
    breaker = state.breaker.snapshot(now)
    free_at, admits_at = state.throttle.free_at(now), state.breaker.next_admit(now)
    return {
        "target": state.name,
        "in_flight": state.in_flight,
        "throttled_for_s": round(free_at - now, 1) if free_at > now else None,
        "forced_in_s": _forced(state, pool, now),
        "breaker": {
            "state": breaker.state.name,
            "reason": breaker.reason.value if breaker.reason else None,
            "failures": breaker.failures,
            "openings": breaker.openings,
            "opens_for_s": round(breaker.reopens_at - now, 1) if breaker.reopens_at is not None else None,
            "admits_in_s": round(admits_at - now, 1) if admits_at > now else None,
            "ramp": breaker.ramp,
            "late": breaker.late,
        },
        "health": health(state, now),
        "observed": None if state.observed is None else structs.asdict(state.observed.told(wall)),
    }


def _forced(state: TargetState, pool: KeyPool | None, now: float) -> float | None:
    """How long until a call may be made against a key that is off or a wait; None where neither stands in the way."""
    nearest = None if pool is None else state.forced.soonest(state.throttle, pool, now)
    if pool is None or nearest is None or (state.throttle.until <= now and pool.choose(now) is not None):
        return None
    return round(nearest[1] - now, 1)


def targets(
    states: Iterable[TargetState],
    now: float,
    wall: float,
    most: int = 0,
    pool_of: Callable[[TargetState], KeyPool | None] = lambda _: None,
) -> list[dict[str, Any]]:
    """All of them; where `most` is given, so many of those that were called last, each with its course."""
    if not most:
        return [target(state, now, wall, pool_of(state)) for state in states]
    latest = nlargest(most, states, key=lambda state: (state.in_flight > 0, state.window.noted_at))
    told = [target(state, now, wall, pool_of(state)) for state in latest]
    return [{**row, "course": [*_course(state.window, now)]} for row, state in zip(told, latest, strict=True)]


def _course(window: Window, now: float) -> Iterator[dict[str, Any]]:
    for number, found in course(window, now):
        yield {
            "number": number,
            "answered": found.answered,
            "failed": found.failed,
            "latency_ms": _told(found.latency),
            "first_token_ms": _told(found.first),
        }


def key(one: KeySnapshot, now: float) -> dict[str, Any]:
    """One key by its hash, likewise."""
    return {
        "key": one.fingerprint,
        "source": one.source,
        "in_flight": one.in_flight,
        "off": one.off_kind,
        "off_for_s": round(one.off_until - now) if one.off_until is not None else None,
        "throttled_for_s": round(one.throttled_until - now, 1) if one.throttled_until is not None else None,
    }


def health(state: TargetState, now: float) -> dict[str, Any]:
    """One target's, in JSON's terms."""
    found = figures([state.window], now)
    ratio = found.success_ratio
    return {
        "outcomes": found.outcomes,
        "answered": found.answered,
        "failed": found.failed,
        "success_ratio": None if ratio is None else round(ratio, 4),
        "latency_ms": _told(found.latency),
        "first_token_ms": _told(found.first),
    }


def _told(times: Times | None) -> dict[str, float] | None:
    return None if times is None else {"p50": round(times.p50 * _MS, 1), "p95": round(times.p95 * _MS, 1)}


def gauges(states: Iterable[TargetState], now: float, labels: Callable[[TargetState], Labels]) -> Iterator[Gauge]:
    """Of all targets; those that share a label are summed up."""
    shared: dict[Labels, list[Window]] = {}
    for state in states:
        shared.setdefault(labels(state), []).append(state.window)
    for names_of, windows in shared.items():
        yield from _gauges(names_of, figures(windows, now))


def _gauges(labels: Labels, found: Figures) -> Iterator[Gauge]:
    if found.success_ratio is not None:
        yield names.TARGET_SUCCESS_RATIO, labels, found.success_ratio
    for name, times in ((names.TARGET_SECONDS, found.latency), (names.TARGET_TTFT_SECONDS, found.first)):
        if times is not None:
            yield name, (*labels, "0.5"), times.p50
            yield name, (*labels, "0.95"), times.p95


_SEVERITY: Final = (State.CLOSED, State.RAMP, State.PROBE, State.OPEN)
"""Of targets that share a label, the worst is told."""


def breakers(
    states: Iterable[TargetState], now: float, labels: Callable[[TargetState], Labels]
) -> Iterator[tuple[str, str, str]]:
    """Each label, and its state by name."""
    worst: dict[Labels, State] = {}
    for state in states:
        shared, found = labels(state), state.breaker.state(now)
        worst[shared] = max(worst.get(shared, found), found, key=_SEVERITY.index)
    for (provider, model), found in worst.items():
        yield provider, model, found.name


def tell(metrics: Metrics, registry: Registry, clock: Clock) -> None:
    """From now on `metrics` asks how all targets stand, whenever it is scraped."""

    def labels(state: TargetState) -> Labels:
        provider, _, model = state.key
        return metrics.provider_label(provider), metrics.model_label(model)

    metrics.breakers = lambda: breakers(registry.targets(), clock.now(), labels)
    metrics.targets = lambda: gauges(registry.targets(), clock.now(), labels)
