"""What would happen to a request, told without making a call: `sidestep explain`.

It asks the same router, the same translators and the same arithmetic of attempts and times as the chain does, so that
what it says is what would be done. What only the moment can tell (breakers, throttles, keys) is not in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from proxy.config.values import Target
from proxy.jobs import Job
from proxy.resilience.retry import attempts_for, total_attempts
from proxy.routing.resolve import Resolution
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
    targets = found.targets
    settings = targets[0].retry
    left = total_attempts(len(targets), settings)
    budget = targets[0].timeouts.deadline_s
    rows: list[Row] = []
    spent = 0.0
    tokens = bound(body) if bound and body is not None else None
    for position, target in enumerate(targets):
        report, problem = _translated(job, target)
        barred = report.blocking(mode)
        skipped = problem or "; ".join(f"{entry.field}: {entry.why}" for entry in barred)
        attempts = 0 if skipped else attempts_for(position, len(targets), left, target.retry)
        longest = 0.0 if skipped else _longest(job, target, attempts, budget - spent, last=position == len(targets) - 1)
        rows.append(
            Row(
                target=target.name,
                dialect=target.provider.dialect.value,
                verdict="skipped" if skipped else "tried",
                reason=skipped or _why(position, rows),
                losses=tuple(Loss(entry.field, entry.verdict.value, entry.why) for entry in report.entries),
                attempts=attempts,
                worst_case_s=round(longest, 3),
                input_tokens_bound=tokens,
            )
        )
        left -= attempts
        spent = min(budget, spent + longest)
    return Explanation(
        asked, found.name, found.reason, tuple(rows), round(spent, 3), sum(row.attempts for row in rows), NOTE
    )


def _why(position: int, before: list[Row]) -> str:
    if position == 0:
        return "first of the chain"
    tried = [row.target for row in before if row.verdict == "tried"]
    return f"when {tried[-1]} fails" if tried else "those before it are skipped"


def _translated(job: Job, target: Target) -> tuple[Report, str]:
    try:
        return job.prepare(target).report, ""
    except Malformed as error:
        return Report(), str(error)


def _longest(job: Job, target: Target, attempts: int, budget: float, *, last: bool) -> float:
    """The worst is a target that fails just before its time is up, on each of its attempts, and asks for the longest
    pause each time. A stream's time is stretched by signs of life.

    While another target remains, an attempt gets at most half of what is left of `budget` (seconds).
    """
    times = target.timeouts
    silence = times.progress_s if job.stream or job.endpoint == "embeddings" else times.progress_unary_s
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
