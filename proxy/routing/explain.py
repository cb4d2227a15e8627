"""What would happen to a request, told without making a call: `sidestep explain`.

It asks the same router, the same translators and the same arithmetic of attempts and times as the chain does, so that
what it says is what would be done. What only the moment can tell (breakers, throttles, keys) is in it where a running
proxy's state is given; turns that were kept never are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from proxy.config.origins import Origins, Setting
from proxy.config.values import Target
from proxy.jobs import Job, Prepared
from proxy.resilience.retry import attempts_for, total_attempts
from proxy.routing.live import Live, Standing, standing
from proxy.routing.resolve import Resolution
from proxy.routing.sticky import headed, place_of
from translators.faults import Malformed
from translators.ir import Dialect
from translators.profile import Profile
from translators.report import Mode, Report


@dataclass(frozen=True, slots=True)
class Loss:
    field: str
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One target of the chain, in its turn."""

    target: str
    dialect: str
    verdict: Literal["tried", "skipped"]
    reason: str
    losses: tuple[Loss, ...]
    attempts: int
    """Most attempts it gets when all before it fail at once."""
    worst_case_s: float
    """Longest it can keep the request before the next target's turn, pauses included."""
    upstream_stream: bool
    """Whether it is asked for a stream that is folded into one answer, for a client that asked for none."""
    input_tokens_bound: int | None = None
    settings: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """What rules its calls, by section and name, each with where it was set."""
    standing: Standing | None = None
    """How it stands in the running proxy that was asked, if one was."""
    order: str = ""
    """What the chain's order went by, as a clause; empty where the chain's own holds."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who was chosen for a request that left it open, or that an experiment took."""

    model: str
    reason: str
    strategy: str = ""
    task: str = ""
    score: float | None = None
    level: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What gives how much to the score."""
    experiment: str = ""
    arm: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    model: str
    route: str
    reason: str
    rows: tuple[Row, ...]
    worst_case_s: float
    """Longest time to an answer's first content or to the final error, seconds."""
    total_attempts: int
    note: str
    chosen: Chosen | None = None


WorstInput = Callable[[bytes, Mapping[str, Any], Dialect, Profile], int]
"""See `proxy.tokens.bound`."""
NOTE = "Breakers, rate limits and keys are judged when the request comes; this is the plan with all of them free."
NOTE_LIVE = "This is how the running proxy stood when it was asked; the next request may find it otherwise."
FORCED = "its breaker is open, but nothing else is left, and one request a second is let through"
FORCED_KEY = "its keys are off, but nothing else is left, and one request in 10 s is let through"
FORCED_WAIT = "it asked for a long wait, but nothing else is left, and one request a minute is let through"


def explain(
    asked: str,
    found: Resolution,
    job: Job,
    mode: Mode,
    *,
    worst_input: WorstInput | None = None,
    origins: Origins = Origins(),  # noqa: B008 - frozen
    live: Live | None = None,
    arranged: Mapping[str, str] | None = None,
) -> Explanation:
    """The plan for `job`. `worst_input` says how many input tokens a body has at most, `origins` where the
    settings came from; with `live` it is the plan of this moment. `arranged` says by what each target has its place,
    where an order gave it."""
    targets, stays = _ordered(found, job, live)
    walk = _Walk(found, job, mode, origins, targets, worst_input, arranged or {}, live)
    for position, target in enumerate(targets):
        walk.add(position, target, standing(target, live) if live else None, stays=stays)
    if live:
        walk.force()
    rows = tuple(walk.rows)
    total = sum(row.attempts for row in rows)
    return Explanation(asked, found.name, found.reason, rows, round(walk.spent, 3), total, NOTE_LIVE if live else NOTE)


class _Walk:
    """The chain's walk along `targets`, played with the longest times."""

    def __init__(
        self,
        found: Resolution,
        job: Job,
        mode: Mode,
        origins: Origins,
        targets: tuple[Target, ...],
        worst_input: WorstInput | None,
        arranged: Mapping[str, str],
        live: Live | None,
    ) -> None:
        self._live = live
        self._arranged = arranged
        self._worst_input = worst_input
        self._found = found
        self._job = job
        self._mode = mode
        self._origins = origins
        self._targets = targets
        self._left = total_attempts(len(targets), targets[0].retry)
        self._budget = targets[0].timeouts.deadline_s
        self.rows: list[Row] = []
        self.spent = 0.0

    def add(self, position: int, target: Target, stood: Standing | None, *, stays: bool) -> None:
        prepared, problem = _prepared(self._job, target)
        report = prepared.report if prepared else Report()
        folded = prepared is not None and prepared.stream and not self._job.stream
        cannot = problem or "; ".join(f"{entry.field}: {entry.why}" for entry in report.blocking(self._mode))
        skipped = cannot or (stood.blocked if stood else "")
        attempts = 0 if skipped else attempts_for(position, len(self._targets), self._left, target.retry)
        row = Row(
            target=target.name,
            dialect=(prepared.target if prepared else target).provider.dialect.value,
            verdict="skipped" if skipped else "tried",
            reason=skipped or self._why(position, stays=stays),
            losses=tuple(Loss(entry.field, entry.verdict.value, entry.why) for entry in report.entries),
            attempts=attempts,
            worst_case_s=self._taken(position, target, attempts, folded=folded),
            upstream_stream=folded,
            input_tokens_bound=self._most(prepared),
            settings=self._origins.effective(target, self._found.route),
            standing=None if cannot else stood,
            order=self._arranged.get(target.name, ""),
        )
        self.rows.append(row)

    def _why(self, position: int, *, stays: bool) -> str:
        if position == 0 and self._arranged and not stays:
            return "first by the order of its entry"
        return _why(position, self.rows, stays=stays)

    def _most(self, prepared: Prepared | None) -> int | None:
        if prepared is None or self._worst_input is None:
            return None
        at = prepared.target
        return self._worst_input(prepared.body, prepared.fields, at.provider.dialect, at.profile)

    def _taken(self, position: int, target: Target, attempts: int, *, folded: bool) -> float:
        """The longest that so many attempts take, which is then spent."""
        if not attempts:
            return 0.0
        last = not any(self._later(target) for target in self._targets[position + 1 :])
        longest = _longest(self._job, target, attempts, self._budget - self.spent, last=last, folded=folded)
        self._left -= attempts
        self.spent = min(self._budget, self.spent + longest)
        return round(longest, 3)

    def _later(self, target: Target) -> bool:
        """Whether one that comes later has a claim to time."""
        return self._live is None or not standing(target, self._live).blocked

    def force(self) -> None:
        """Where nobody can be called, the target nearest its probe is asked all the same; without one, a target whose
        keys are off or that waits, where that is due."""
        stood = [(place, row.standing) for place, row in enumerate(self.rows) if row.standing is not None]
        due = [(place, one) for place, one in stood if one.of_breaker or one.forced_in_s == 0]
        if not due or any(row.verdict == "tried" for row in self.rows):
            return
        place, one = min(due, key=lambda pair: (pair[1].of_breaker, not pair[1].of_keys, pair[1].free_in_s))
        row = self.rows[place]
        taken = self._taken(place, self._targets[place], 1, folded=row.upstream_stream)
        reason = FORCED if one.of_breaker else FORCED_KEY if one.of_keys else FORCED_WAIT
        self.rows[place] = replace(row, verdict="tried", reason=reason, attempts=1, worst_case_s=taken)


def _ordered(found: Resolution, job: Job, live: Live | None) -> tuple[tuple[Target, ...], bool]:
    """The targets in their order, and whether a live tool loop changed it."""
    origin = job.loop_origin() if found.route.sticky == "signed" else ""
    place = place_of(found.targets, origin) if origin else None
    if not place or (live is not None and standing(found.targets[place], live).blocked):
        return found.targets, False
    return headed(found.targets, place), True


def _why(position: int, before: list[Row], *, stays: bool) -> str:
    if position == 0:
        return "first, since this tool loop's thinking is its own" if stays else "first of the chain"
    tried = [row.target for row in before if row.verdict == "tried"]
    return f"when {tried[-1]} fails" if tried else "those before it are skipped"


def _prepared(job: Job, target: Target) -> tuple[Prepared | None, str]:
    try:
        return job.prepare(target), ""
    except Malformed as error:
        return None, str(error)


def _longest(job: Job, target: Target, attempts: int, budget: float, *, last: bool, folded: bool) -> float:
    """The worst is a target that fails just before its time is up, on each of its attempts, and asks for the longest
    pause each time. A stream's time is stretched by signs of life; one that is folded goes on while it makes progress.

    While another target remains, an attempt gets at most half of what is left of `budget` (seconds).
    """
    if folded:
        return budget
    times = target.timeouts
    silence = times.progress_s if job.stream or job.endpoint != "chat" else times.progress_unary_s
    if job.reasons(target):
        silence = max(silence, times.first_token_reasoning_s)
    if job.stream:
        silence = max(silence, times.idle_s)
    spent = 0.0
    for attempt in range(1, attempts + 1):
        left = budget - spent
        spent += min(silence, left if last else left / 2)
        if attempt < attempts:
            spent += target.retry.max_inline_wait_s
    return min(spent, budget)
