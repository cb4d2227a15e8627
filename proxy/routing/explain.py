"""What would happen to a request, told without making a call: `sidestep explain`.

It asks the same router, the same translators and the same arithmetic of attempts and times as the chain does, so that
what it says is what would be done. What only the moment can tell (breakers, throttles, keys, turns that were kept) is
not in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from proxy.config.values import Target
from proxy.jobs import Job, Prepared
from proxy.resilience.retry import attempts_for, total_attempts
from proxy.routing.resolve import Resolution
from proxy.routing.sticky import headed, place_of
from translators.faults import Malformed
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


NOTE = "Breakers, rate limits and keys are judged when the request comes; this is the plan with all of them free."


def explain(
    asked: str, found: Resolution, job: Job, mode: Mode, *, body: Any = None, bound: Callable[[Any], int] | None = None
) -> Explanation:
    """The plan for `job`. `body` and `bound` say how many input tokens the request has at most."""
    targets, stays = _ordered(found, job)
    settings = targets[0].retry
    left = total_attempts(len(targets), settings)
    budget = targets[0].timeouts.deadline_s
    rows: list[Row] = []
    spent = 0.0
    tokens = bound(body) if bound and body is not None else None
    for position, target in enumerate(targets):
        prepared, problem = _prepared(job, target)
        report = prepared.report if prepared else Report()
        folded = prepared is not None and prepared.stream and not job.stream
        barred = report.blocking(mode)
        skipped = problem or "; ".join(f"{entry.field}: {entry.why}" for entry in barred)
        attempts = 0 if skipped else attempts_for(position, len(targets), left, target.retry)
        last = position == len(targets) - 1
        longest = 0.0 if skipped else _longest(job, target, attempts, budget - spent, last=last, folded=folded)
        rows.append(
            Row(
                target=target.name,
                dialect=(prepared.target if prepared else target).provider.dialect.value,
                verdict="skipped" if skipped else "tried",
                reason=skipped or _why(position, rows, stays=stays),
                losses=tuple(Loss(entry.field, entry.verdict.value, entry.why) for entry in report.entries),
                attempts=attempts,
                worst_case_s=round(longest, 3),
                upstream_stream=folded,
                input_tokens_bound=tokens,
            )
        )
        left -= attempts
        spent = min(budget, spent + longest)
    return Explanation(
        asked, found.name, found.reason, tuple(rows), round(spent, 3), sum(row.attempts for row in rows), NOTE
    )


def _ordered(found: Resolution, job: Job) -> tuple[tuple[Target, ...], bool]:
    """The targets in their order, and whether a live tool loop changed it."""
    origin = job.loop_origin() if found.route.sticky == "signed" else ""
    place = place_of(found.targets, origin) if origin else None
    return (headed(found.targets, place), True) if place else (found.targets, False)


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
