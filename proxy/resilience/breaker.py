"""The circuit breaker of one target: refuses calls that would very likely fail, and finds out when they no longer do.

             consecutive failures                        time is up, or a forced call was answered
    CLOSED ----------------------> OPEN -------------------------------------------------> PROBE
       ^                            ^ ^  a probe failed or was throttled                      |
       |                            | +-------------------------------------------------------+
       | the ramp's time is up      | 2 failures in a row, or one 429                         | probes answered
       +--------------------------- RAMP <----------------------------------------------------+

Pure: `now` is an argument of every call and chance a function given once, so the same calls give the same answers.
States that end by time do so at their exact moment, whenever somebody looks; looking changes nothing else.

Rules:
- A permit belongs to a generation. Results of an older one are counted as `late` and change nothing, the end of a
  probe that was decided at its commit among them.
- Each change of state but RAMP -> CLOSED starts a generation: the ramp's slow calls are still evidence once it is over,
  or a target that fails only by time-out would always pass its ramp. Each decided probe starts one too, so that a
  probe is decided once: at its commit, or at its end when it never committed.
- A probe that nobody settled gives its place up when its permit expires. If it fails later, that still counts until
  the next probe is decided, since a time-out reaches us a moment after the permit's end.
- An opening counts towards the next one's length, and is forgiven after a minute of CLOSED. The count stops where the
  length stops growing, else a day's outage would take hours to forgive.
- Where there is nowhere else to go, `force` lets one call a second through, and every call of the ramp. A forced call
  that is answered ends the wait early; one that fails neither lengthens the wait nor counts as an opening.
- What a look at the provider finds may delay PROBE, and that is all (`delay`).
- Throttling says nothing of a target's health, except to a probe or ramp call: going on would cut its back-off short.

The caller settles each permit exactly once.
"""

import enum
import math
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from proxy.config.values import BreakerSettings
from translators.faults import Fault, Kind

Role = Literal["closed", "probe", "ramp", "forced"]
Verdict = Literal["success", "fail", "throttled", "ignored"]

FORGIVE_S = 60.0
"""This long in CLOSED takes one from the count of openings."""
FORCE_EVERY_S = 1.0
"""A refused chain of targets still makes one call in this time."""
RAMP_FAILURES = 2
"""So many failures in a row end the ramp."""


class _Named(enum.Enum):
    def __repr__(self) -> str:
        return self.name


class State(_Named):
    CLOSED = "closed"
    OPEN = "open"
    PROBE = "probe"
    RAMP = "ramp"


class Reason(_Named):
    """Why a breaker opened; kept until it closes."""

    CONSECUTIVE = "consecutive"
    PROBE = "probe"
    RAMP = "ramp"
    MANUAL = "manual"


OnChange = Callable[[State, State, Reason | None, float], None]
"""Called with the state before, the state after, the reason of the last opening and the moment, in seconds."""


class Permit(Struct, frozen=True, eq=False):
    """Leave to make one call. Compared by identity; calls of one generation may share a permit."""

    generation: int
    role: Role
    expires: float
    """When a probe's place is free again, settled or not; infinite for the other roles."""


class Snapshot(Struct, frozen=True):
    """A breaker at one moment, for people and metrics. Times are seconds of the clock passed in."""

    state: State
    reason: Reason | None
    failures: int
    """Failures in a row."""
    openings: int
    """Openings in a row, less those forgiven: the length of the next OPEN doubles with each."""
    reopens_at: float | None
    """When OPEN ends; None in any other state."""
    ramp: float | None
    """The fraction of calls that RAMP admits; None in any other state."""
    changed_at: float | None
    """The last change of state; None before the first."""
    late: int
    """Results that came after their generation's end."""


def verdict(fault: Fault | None) -> Verdict:
    """An attempt's end as a breaker sees it. A fault of a key or a model's name (QUOTA, AUTH, MISSING) says nothing."""
    if fault is None:
        return "success"
    given = fault.outcome.breaker
    if given != "neutral":
        return given
    return "throttled" if fault.kind is Kind.THROTTLED else "ignored"


_CLOSED: Final = State.CLOSED  # a member looked up in its class costs as much as a call
_OPEN: Final = State.OPEN


class Breaker:
    """One target's breaker, CLOSED at first. `settings` may be replaced at any time and count from then on."""

    __slots__ = (
        "_due_at", "_ends_at", "_failures", "_forced_at", "_generation", "_late", "_on_change", "_on_late", "_openings",
        "_owed", "_passed", "_probe", "_reason", "_shared", "_since", "_state", "_uniform", "settings",
    )  # fmt: skip

    def __init__(
        self,
        settings: BreakerSettings,
        uniform: Callable[[], float],
        on_change: OnChange | None = None,
        on_late: Callable[[], None] | None = None,
    ) -> None:
        """`on_late` is called with each late result."""
        self.settings = settings
        self._uniform = uniform
        self._on_change = on_change
        self._on_late = on_late
        self._state = State.CLOSED
        self._reason: Reason | None = None
        self._generation = 0
        self._shared = Permit(0, "closed", math.inf)
        self._failures = 0
        self._openings = 0
        self._since = 0.0
        self._ends_at = math.inf
        """When OPEN or RAMP is over."""
        self._due_at = math.inf
        """The same without a delay."""
        self._probe: Permit | None = None
        self._passed = 0
        self._owed = 0.0
        """The part of a call that the ramp has yet to admit."""
        self._forced_at = -math.inf
        self._late = 0

    def state(self, now: float) -> State:
        if now >= self._ends_at:
            self._end()
        return self._state

    def shut(self, now: float) -> bool:
        """Whether it is OPEN."""
        if now >= self._ends_at:
            self._end()
        return self._state is _OPEN

    def admit(self, now: float, permit_s: float) -> Permit | None:
        """A permit, or None for a refusal. A probe keeps its place for `permit_s`, the attempt's own time-out."""
        state = self.state(now)
        if state is _CLOSED:
            return self._shared
        if state is State.RAMP:
            return self._diffuse(now)
        if state is State.PROBE and (self._probe is None or now >= self._probe.expires):
            self._probe = Permit(self._generation, "probe", now + permit_s)
            return self._probe
        return None

    def force(self, now: float) -> Permit | None:
        """For the target nearest its probe, after no target of the chain could be called: a permit once a second.

        CLOSED and RAMP always give one: what a ramp holds back belongs to the next target, never to an error.
        """
        if self.state(now) in (State.CLOSED, State.RAMP):
            return self._shared
        if now - self._forced_at < FORCE_EVERY_S:
            return None
        self._forced_at = now
        return Permit(self._generation, "forced", math.inf)

    def commit(self, permit: Permit, now: float) -> None:
        """The call's first content has arrived: a probe has passed. Every other call is judged at its end."""
        if permit.role != "closed":
            state = self.state(now)
            if permit.generation == self._generation:
                self._answered(permit, state, now)

    def settle(self, permit: Permit, given: Verdict, now: float, retry_at: float | None = None) -> None:
        """The call's end. `retry_at` is the moment before which the upstream does not want to be asked again."""
        state = self.state(now)
        if permit.generation != self._generation:
            self._late += 1
            if self._on_late is not None:
                self._on_late()
        elif permit.role in {"closed", "ramp"}:
            self._count(given, state, now, retry_at)
        elif given == "success":
            self._answered(permit, state, now)
        elif permit.role == "probe":
            if given != "ignored":
                self._open(Reason.PROBE, now, retry_at)
            elif permit is self._probe:
                self._probe = None

    def trip(self, now: float) -> None:
        """Opens by an operator's hand, for the time an opening takes now; it recovers as after any other. One that is
        OPEN opens once more, and never ends earlier for it."""
        shut = self.shut(now)
        self._open(Reason.MANUAL, now, self._ends_at if shut else None)

    def delay(self, now: float, until: float) -> None:
        """OPEN lasts until `until`, instead of any earlier delay: the provider was asked in another way, and is down.

        It never ends before its time, nor later than the longest opening, for what was asked may be down alone: then
        calls themselves find out. In any other state this does nothing.
        """
        if self.state(now) is State.OPEN:
            latest = self._since + self.settings.open_max_s
            self._ends_at = max(self._due_at, now, min(until, latest))

    def resume(self, seen: Snapshot, now: float) -> None:
        """Stands as another one stood at its moment `now`, but for the probe that may have been under way there."""
        ramp_s = self.settings.ramp_s
        self._reason, self._openings, self._since = seen.reason, seen.openings, now
        if seen.state is State.OPEN:
            self._enter(State.OPEN, now, now if seen.reopens_at is None else seen.reopens_at)
        elif seen.state is State.PROBE:
            self._enter(State.PROBE, now)
        elif seen.state is State.RAMP:
            since = now - (seen.ramp or 0.0) * ramp_s
            self._enter(State.RAMP, since, since + ramp_s)
        self._failures = seen.failures

    def next_admit(self, now: float) -> float:
        """The earliest moment at which `admit` may say yes: `now` unless OPEN or while a probe is under way."""
        if self.state(now) is State.OPEN:
            return self._ends_at
        return now if self._probe is None else max(now, self._probe.expires)

    def snapshot(self, now: float) -> Snapshot:
        state = self.state(now)
        return Snapshot(
            state=state,
            reason=self._reason,
            failures=self._failures,
            openings=self._unforgiven(now),
            reopens_at=self._ends_at if state is State.OPEN else None,
            ramp=self._fraction(now) if state is State.RAMP else None,
            changed_at=self._since if self._generation else None,
            late=self._late,
        )

    def _end(self) -> None:
        """Makes the change of state that time has brought, at the moment when it was due."""
        due = self._ends_at
        if self._state is State.OPEN:
            self._enter(State.PROBE, due)
        else:
            self._ends_at = math.inf
            self._shared = Permit(self._generation, "closed", math.inf)
            self._reason = None
            self._change(State.CLOSED, due)

    def _count(self, given: Verdict, state: State, now: float, retry_at: float | None) -> None:
        """An ordinary outcome, in CLOSED or RAMP."""
        if given == "success":
            self._failures = 0
            return
        ramp = state is State.RAMP
        if given == "fail":
            self._failures += 1
            bearable = self.settings.consecutive_failures
            if self._failures >= (min(RAMP_FAILURES, bearable) if ramp else bearable):
                self._open(Reason.RAMP if ramp else Reason.CONSECUTIVE, now, retry_at)
        elif given == "throttled" and ramp:
            self._open(Reason.RAMP, now, retry_at)

    def _answered(self, permit: Permit, state: State, now: float) -> None:
        """The target answered a probe or a forced call. A probe that lost its place says nothing by it."""
        if permit is self._probe:
            self._generation += 1
            self._probe = None
            self._passed += 1
            if self._passed >= self.settings.probe_successes:
                self._enter(State.RAMP, now, now + self.settings.ramp_s)
        elif permit.role == "forced" and state is State.OPEN:
            self._enter(State.PROBE, now)

    def _diffuse(self, now: float) -> Permit | None:
        """Error diffusion: the admitted calls spread evenly, and their sum is the fractions' sum."""
        self._owed += self._fraction(now)
        if self._owed < 1:
            return None
        self._owed -= 1
        return self._shared

    def _fraction(self, now: float) -> float:
        return max(self.settings.ramp_min, (now - self._since) / (self._ends_at - self._since))

    def _open(self, reason: Reason, now: float, retry_at: float | None) -> None:
        settings = self.settings
        longest = 1 + max(0, math.ceil(math.log2(settings.open_max_s / settings.open_s)))
        self._openings = min(longest, self._unforgiven(now) + 1)
        open_s = min(settings.open_max_s, settings.open_s * 2.0 ** (self._openings - 1))
        until = now + open_s * (1 + settings.jitter * self._uniform())
        self._reason = reason
        self._enter(State.OPEN, now, until if retry_at is None else max(until, retry_at))

    def _unforgiven(self, now: float) -> int:
        if self._state is not State.CLOSED or not self._openings:
            return self._openings
        return max(0, self._openings - int((now - self._since) // FORGIVE_S))

    def _enter(self, state: State, at: float, ends_at: float = math.inf) -> None:
        """Begins `state` with a new generation and no evidence."""
        self._ends_at = self._due_at = ends_at
        self._generation += 1
        self._shared = Permit(self._generation, "ramp", math.inf)
        self._failures = self._passed = 0
        self._owed = 0.0
        self._probe = None
        self._change(state, at)

    def _change(self, state: State, at: float) -> None:
        before, self._state, self._since = self._state, state, at
        if self._on_change is not None:
            self._on_change(before, state, self._reason, at)
