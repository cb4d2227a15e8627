"""How targets fared of late, as `/state` and `/metrics` show it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from proxy.resilience.targets import TargetState
from proxy.resilience.window import Figures, Times, Window, figures
from proxy.telemetry import names
from proxy.telemetry.metrics import Labels

Gauge = tuple[str, Labels, float]
"""A metric's name, its labels and its value."""

_MS: Final = 1000


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
