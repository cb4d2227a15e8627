"""How long the parts of an exercise last, and how fast the configuration's clocks go for it.

Nobody waits minutes for a breaker in a drill. So breaker times shrink, all by one factor, until the target's first
opening is a third of the fault's time: it opens, a probe fails, it opens for twice as long, and comes back after the
fault. Timeouts are capped, for only a silent target lets them run out. Nothing is ever made longer, a fault that lasts
long enough is met with the configuration's own times, and `changed` and `capped` name every value that is another.
Attempts, pauses and budgets of retries stay as they are.

A timeout is not capped so low that a provider which is well could miss it: `FLOOR_S` for real ones, `SCRIPTED_FLOOR_S`
for those of an offline drill.
"""

from msgspec import Struct, structs

from proxy.config.spending import Spending
from proxy.config.values import (
    BreakerSettings,
    Config,
    HealthSettings,
    ModelRoute,
    PassthroughSettings,
    Provider,
    RecordSettings,
    Target,
    TelemetrySettings,
    TimeoutSettings,
)
from proxy.drill.exercise.menu import Case, Severity

FLOOR_S, SCRIPTED_FLOOR_S = 10.0, 0.5
SCALED = ("open_s", "open_max_s", "ramp_s")
CAPPED = ("progress_s", "progress_unary_s", "first_token_reasoning_s", "idle_s")
OPENINGS = 3
"""The fault lasts so many times the target's first opening."""
PARTS = 4
"""Each part of an exercise may begin a request more than its time says."""
SHORTEST_WAIT_S = 0.1
"""Past what is waited for within a request, so that a target that asks for a wait is left at once."""


class Pace(Struct, frozen=True):
    """Times are seconds."""

    rate: float
    """Requests a second."""
    before_s: float
    """While all is well, before it and at its end."""
    fault_s: float
    after_s: float
    """The longest that is waited, once the fault is over, for the target to be back."""
    factor: float
    """What breaker times are multiplied with; at most 1."""
    patience_s: float
    """What timeouts are capped at."""
    severity: Severity
    changed: tuple[str, ...]
    """Breaker times of the target that are not the configuration's own, as in `open_s 30 -> 3.3`."""
    capped: tuple[str, ...]
    """Its timeouts that are `patience_s` instead of longer."""
    own_s: float
    """From this many seconds of fault on, breaker times are the configuration's own."""

    @property
    def most_requests(self) -> int:
        return int(self.rate * (2 * self.before_s + self.fault_s + self.after_s)) + PARTS


def pace(target: Target, case: Case, *, rate: float, seconds: float, offline: bool) -> Pace:
    """The pace of an exercise whose fault lasts `seconds`, or longer where a silent target needs that."""
    breaker = target.breaker
    factor = min(1.0, seconds / OPENINGS / breaker.open_s)
    patience = max(seconds / 5, SCRIPTED_FLOOR_S if offline else FLOOR_S)
    breaking, timeouts = _breaker(breaker, factor), _timeouts(target.timeouts, patience)
    silence = max(timeouts.progress_s, timeouts.progress_unary_s)
    if target.profile.reasons:
        silence = max(silence, timeouts.first_token_reasoning_s)
    opening = min(breaking.consecutive_failures / rate, seconds)
    fault_s = max(seconds, silence + opening + breaking.open_s) if case.silent else seconds
    wait = min(max(seconds / 3, target.retry.max_inline_wait_s + SHORTEST_WAIT_S), max(seconds, 3.0))
    probing = (breaking.probe_successes + 2) / rate
    after = {
        "breaker": 1.2 * (fault_s + breaking.open_s) + 1.5 * breaking.ramp_s + probing + silence * case.silent + 2,
        "wait": 1.2 * wait + probing + 2,
        "key": max(0.1 * seconds, 2 / rate),
        "none": max(0.1 * seconds, 2 / rate),
    }
    return Pace(
        rate=rate,
        before_s=max(0.1 * seconds, 6 / rate),
        fault_s=fault_s,
        after_s=after[case.effect],
        factor=factor,
        patience_s=patience,
        severity=Severity(min(timeouts.progress_s, timeouts.progress_unary_s), wait),
        changed=_changes(breaker, breaking),
        capped=tuple(name for name in CAPPED if getattr(target.timeouts, name) > patience),
        own_s=OPENINGS * breaker.open_s,
    )


def _breaker(settings: BreakerSettings, factor: float) -> BreakerSettings:
    return structs.replace(settings, **{name: getattr(settings, name) * factor for name in SCALED})


def _timeouts(settings: TimeoutSettings, patience_s: float) -> TimeoutSettings:
    return structs.replace(settings, **{name: min(getattr(settings, name), patience_s) for name in CAPPED})


def _changes(own: BreakerSettings, used: BreakerSettings) -> tuple[str, ...]:
    pairs = ((name, getattr(own, name), getattr(used, name)) for name in SCALED)
    return tuple(f"{name} {was:.3g} -> {now:.3g}" for name, was, now in pairs if was != now)


def quickened(config: Config, pace: Pace) -> Config:
    """`config` at that pace, on free ports of this machine, for a client without a key and for nothing but chat,
    with no traces, no budgets and no recording: staged failures are no news for who watches the real ones, and must
    not push real exchanges out of a file. Nor are lists of models asked for, which the fault says nothing of."""
    return structs.replace(
        config,
        providers={name: _provider(provider, pace) for name, provider in config.providers.items()},
        models={name: _route(route, pace) for name, route in config.models.items()},
        clients={},
        passthrough=PassthroughSettings(),
        telemetry=TelemetrySettings(),
        spending=Spending(),
        record=RecordSettings(),
        server=structs.replace(
            config.server, listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=1.0, refresh_capabilities=False
        ),
    )


def _provider(provider: Provider, pace: Pace) -> Provider:
    return structs.replace(
        provider,
        breaker=_breaker(provider.breaker, pace.factor),
        timeouts=_timeouts(provider.timeouts, pace.patience_s),
        health=HealthSettings(),
    )


def _route(route: ModelRoute, pace: Pace) -> ModelRoute:
    return structs.replace(
        route,
        breaker={name: value * pace.factor if name in SCALED else value for name, value in route.breaker.items()},
        timeouts={
            name: min(value, pace.patience_s) if name in CAPPED else value for name, value in route.timeouts.items()
        },
    )
