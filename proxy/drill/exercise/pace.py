"""How long the parts of an exercise last, and how fast the configuration's clocks go for it.

Nobody waits minutes for a breaker in a drill. So breaker times shrink, all by one factor, until the target's first
opening is a third of the fault's time: it opens, a probe fails, it opens for twice as long, and comes back after the
fault. Timeouts are capped (`patience`). Nothing is ever made longer, a fault that lasts long enough is met with the
configuration's own times, and `changed`, `capped` and `beside` name every value that is another. Attempts, pauses and
budgets of retries stay as they are.
"""

import math

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
)
from proxy.drill.exercise.menu import Case, Severity
from proxy.drill.exercise.patience import CAPPED, Patience, patience
from proxy.resilience.silence import FAIR_PART

SCALED = ("open_s", "open_max_s", "ramp_s")
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
    patience: Patience
    severity: Severity
    changed: tuple[str, ...]
    """Breaker times of the target that are not the configuration's own, as in `open_s 30 -> 3.3`."""
    capped: tuple[str, ...]
    """Its timeouts that are `patience.most_s` instead of longer."""
    beside: tuple[str, ...]
    """Where they and the client's keep their places, each that is another, as in `progress_s 30 -> 2.5`."""
    own_s: float
    """From this many seconds of fault on, breaker times are the configuration's own."""
    enough: int
    """So many failing calls open the breaker."""

    @property
    def most_requests(self) -> int:
        return int(self.rate * (2 * self.before_s + self.fault_s + self.after_s)) + PARTS


def pace(
    target: Target, case: Case, *, rate: float, seconds: float, offline: bool, client_s: float | None = None
) -> Pace:
    """The pace of an exercise whose fault lasts `seconds`, or longer where a silent target needs that; its clients
    leave after `client_s` of silence, or never."""
    breaker, own = target.breaker, target.timeouts
    factor = min(1.0, seconds / OPENINGS / breaker.open_s)
    waits = patience(own, case, seconds, offline=offline, client_s=client_s)
    breaking, timeouts = _breaker(breaker, factor), waits.quick(own)
    silence = max(timeouts.progress_s, timeouts.progress_unary_s)
    if target.profile.reasons:
        silence = max(silence, timeouts.first_token_reasoning_s)
    each = min(silence, waits.granted_s) if waits.beside else silence
    fault_s = max(seconds, _noticed_s(breaking, silence, each, rate, seconds)) if case.silent else seconds
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
        patience=waits,
        severity=Severity(_shortest_s(timeouts.progress_s, timeouts.progress_unary_s, waits), wait),
        changed=_changes(breaker, breaking),
        capped=() if waits.beside else tuple(name for name in CAPPED if getattr(own, name) > waits.most_s),
        beside=waits.changes(own),
        own_s=OPENINGS * breaker.open_s,
        enough=_failing(breaking, silence, each) + (math.ceil(silence / each) if each < silence else 0),
    )


def _noticed_s(breaker: BreakerSettings, silence_s: float, each_s: float, rate: float, seconds: float) -> float:
    """How long a silent target needs to be noticed, and to open for once: its timeout, as often as opens its breaker. A
    client in a hurry has calls cut short after `each_s`, whose waits add up while there are any."""
    opening_s = min(_failing(breaker, silence_s, each_s) / rate, seconds) + breaker.open_s
    if each_s >= silence_s:
        return silence_s + opening_s
    return silence_s / min(1.0, rate * each_s) + each_s + opening_s


def _failing(breaker: BreakerSettings, silence_s: float, each_s: float) -> int:
    """How many calls are so many failures as open the breaker, once waits that were cut short have added up."""
    return breaker.consecutive_failures * math.ceil(silence_s / FAIR_PART / each_s)


def _shortest_s(progress_s: float, progress_unary_s: float, waits: Patience) -> float:
    """The shortest silence that is put up with where the next target is not called."""
    return min(progress_s, progress_unary_s, waits.most_s if waits.client_s is None else waits.granted_s)


def _breaker(settings: BreakerSettings, factor: float) -> BreakerSettings:
    return structs.replace(settings, **{name: getattr(settings, name) * factor for name in SCALED})


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
        timeouts=pace.patience.quick(provider.timeouts),
        health=HealthSettings(),
    )


def _route(route: ModelRoute, pace: Pace) -> ModelRoute:
    return structs.replace(
        route,
        breaker={name: value * pace.factor if name in SCALED else value for name, value in route.breaker.items()},
        timeouts={name: pace.patience.of(value) if name in CAPPED else value for name, value in route.timeouts.items()},
    )
