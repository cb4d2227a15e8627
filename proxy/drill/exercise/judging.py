"""Whether a chain held, and why not: a function of what the client saw and what the breakers did.

It holds when
- nobody got an error, neither before the fault nor under it, and somebody got a whole answer under it;
- no part of an answer was passed off as the whole. A stream that broke off after its first content cannot be mended;
  told as an error it is counted apart (`told`), and only where the fault breaks streams;
- the target was left alone once it had failed often enough: by its breaker, its wait, or its key. A chain that asks a
  dead target first for ever has no client errors and is broken all the same;
- and it served again when the fault was over, but for a key that is turned off for minutes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from proxy.drill.demo import attempts
from proxy.drill.exercise.advice import advice
from proxy.drill.exercise.asking import KINDS, Outcome
from proxy.drill.exercise.choice import Choice
from proxy.drill.exercise.menu import Case
from proxy.drill.exercise.pace import Pace
from proxy.drill.exercise.watching import CLOSED, KEYLESS, OPEN, WAITING, Timeline

KEY_OFF = {"quota": "30 minutes", "auth": "5 minutes"}
"""How long a key stays off, by the fault's name."""


class Seen(Struct, frozen=True):
    """An exercise as it went. Times are seconds of one clock."""

    choice: Choice
    case: Case
    pace: Pace
    outcomes: Sequence[Outcome]
    timeline: Timeline
    calls: int
    """Calls that met the fault."""
    began: float
    failed_at: float
    healed_at: float
    ended: float

    @property
    def drilled(self) -> bool:
        """Whether there was a fault at all: a chain that serves nobody before it is spared it."""
        return self.healed_at > self.failed_at


class Findings(Struct, frozen=True):
    """What came of it. Times are seconds, since the fault's beginning or, for what comes after it, its end."""

    held: bool
    why: tuple[str, ...]
    """A sentence for each thing that did not hold."""
    notes: tuple[str, ...]
    """What is no failure, and worth a sentence."""
    change: str
    """What to change where the clients' timeout is why it did not hold; empty where it is not."""
    requests: int
    errors: Mapping[str, int]
    """What the client was told instead of an answer, or that it left, and how often."""
    left: int
    """The clients that left, for nothing had come for as long as they wait."""
    told: int
    short: int
    served: Mapping[str, int]
    """Whole answers, by target."""
    met: int
    """Requests that met the fault."""
    calls: int
    switched_s: float | None
    """Until another target's first answer."""
    out_s: float | None
    """Until the target was left alone."""
    usual_ms: float | None
    """The median answer before the fault."""
    added_p50_ms: float | None
    added_p99_ms: float | None
    """What answers under the fault took longer than those before it."""
    half_open_s: float | None
    ramp_s: float | None
    back_s: float | None
    """After the fault: the first probe's time, the ramp's beginning, and when the target was whole again."""


def judge(seen: Seen) -> Findings:
    during = [one for one in seen.outcomes if seen.failed_at <= one.sent < seen.healed_at]
    errors = Counter(one.result.error[:200] for one in seen.outcomes if one.end == "error")
    added = sorted(_added_ms(seen, during))
    why = tuple(_whys(seen, during))
    served = Counter(one.result.served_by or "unknown" for one in seen.outcomes if one.end == "ok")
    usual = sorted(1000 * one.waited_s for one in seen.outcomes if one.sent < seen.failed_at and one.end == "ok")
    return Findings(
        held=not why,
        why=why,
        notes=tuple(_notes(seen, during)),
        change=advice(
            seen.choice, seen.pace, _early(seen), [one for one in seen.outcomes if one.sent >= seen.failed_at]
        ),
        requests=len(seen.outcomes),
        errors=dict(errors),
        left=sum(one.left for one in seen.outcomes),
        told=sum(one.end == "told" for one in seen.outcomes),
        short=len(_short(seen)),
        served=dict(served.most_common()),
        met=sum(_met(seen, one) for one in during),
        calls=seen.calls,
        switched_s=_switched_s(seen, during),
        out_s=_since(seen.failed_at, _out_at(seen)),
        usual_ms=_quantile(usual, 0.5),
        added_p50_ms=_quantile(added, 0.5),
        added_p99_ms=_quantile(added, 0.99),
        half_open_s=_after(seen, "?"),
        ramp_s=_after(seen, "123456789"),
        back_s=_back_s(seen),
    )


def _whys(seen: Seen, during: Sequence[Outcome]) -> Iterator[str]:
    name = seen.choice.target.name
    early = sum(one.end != "ok" for one in _early(seen))
    if early:
        yield f"{count(early, 'request')} failed before the fault: the chain does not serve when all is well"
        return
    failed = [one for one in seen.outcomes if one.end == "error"]
    if failed and seen.choice.alone:
        yield f"{count(len(failed), 'client error')}: {name} is alone in its chain, so nobody takes over; add a target"
    elif failed:
        first = failed[0].result.error[:200]
        yield f"{count(len(failed), 'client error')} though another target is in the chain: {first}"
    elif during and not any(one.end == "ok" for one in during):
        yield "no request under the fault got a whole answer"
    if short := len(_short(seen)):
        yield f"{count(short, 'part')} of an answer passed off as the whole"
    told = [one for one in seen.outcomes if one.end == "told"]
    if told and not (seen.case.breaks and all(one.sent < seen.healed_at for one in told)):
        yield f"{count(len(told), 'stream')} broke off without a cause: {told[0].result.error[:200]}"
    if _should_be_out(seen) and _out_at(seen) is None:
        yield f"{name} was asked {seen.calls} times while it failed and was never left alone"
    if seen.case.effect != "key" and _back_s(seen) is None and (during or failed):
        yield f"{name} was not back {seen.pace.after_s:.1f} s after the fault"


def _early(seen: Seen) -> list[Outcome]:
    """What had come to its end before the fault."""
    return [one for one in seen.outcomes if one.sent < seen.failed_at and one.ended <= seen.failed_at]


def _notes(seen: Seen, during: Sequence[Outcome]) -> Iterator[str]:
    name = seen.choice.target.name
    if not seen.drilled:
        return
    if any(one.end == "told" for one in during) and seen.case.breaks:
        yield "a stream that breaks after its first content cannot be taken back: its client is told, not given less"
    if seen.case.effect == "key" and _out_at(seen) is not None:
        yield f"the key stays off for {KEY_OFF[seen.case.name]}: this drill does not wait for it"
    if not seen.calls and seen.case.effect != "none":
        first = seen.choice.names[0]
        yield f"nobody asked {name} under the fault" + (f": {first} stands before it" if first != name else "")
    elif seen.case.effect == "breaker" and _out_at(seen) is None and not _should_be_out(seen):
        opens_at = seen.choice.target.breaker.consecutive_failures
        yield f"its breaker opens at {opens_at} failures in a row, and there were not so many"


def _short(seen: Seen) -> list[Outcome]:
    """Answers that are not whole and look it: by their own form, or because their target gave no whole ones then."""
    false = seen.case.effect != "none"
    return [
        one
        for one in seen.outcomes
        if one.end == "short" or (false and one.end == "ok" and _under(seen, one) and _by_target(seen, one))
    ]


def _under(seen: Seen, one: Outcome) -> bool:
    return seen.failed_at <= one.sent and one.ended < seen.healed_at


def _by_target(seen: Seen, one: Outcome) -> bool:
    return one.result.served_by == seen.choice.target.name


def _met(seen: Seen, one: Outcome) -> bool:
    """Whether a request was sent to the failing target; of a stream that broke off the headers say that it served."""
    return one.end == "told" or any(told[0] == seen.choice.target.name for told in attempts(one.result))


def _should_be_out(seen: Seen) -> bool:
    if seen.case.effect == "none":
        return False
    enough = seen.pace.enough if seen.case.effect == "breaker" else 1
    return seen.calls > enough


def _out_at(seen: Seen) -> float | None:
    marks = {"breaker": OPEN, "wait": WAITING + OPEN, "key": KEYLESS, "none": ""}[seen.case.effect]
    return seen.timeline.first(seen.choice.target.name, marks, seen.failed_at) if marks else None


def _switched_s(seen: Seen, during: Sequence[Outcome]) -> float | None:
    others = [one.sent + one.waited_s for one in during if one.end == "ok" and not _by_target(seen, one)]
    return _since(seen.failed_at, min(others, default=None))


def _back_s(seen: Seen) -> float | None:
    """Until the target had no mark left and had given an answer; None while it has not."""
    name = seen.choice.target.name
    answers = [one.ended for one in seen.outcomes if one.end == "ok" and _by_target(seen, one)]
    answered = min((at for at in answers if at > seen.healed_at), default=None)
    if seen.timeline.now(name) != CLOSED:
        return None
    if answered is None:  # one that never served, for others stand before it, has nothing to come back to
        return 0.0 if not any(at < seen.failed_at for at in answers) and not seen.calls else None
    return max(0.0, max(answered, seen.timeline.changes[name][-1][0]) - seen.healed_at)


def _after(seen: Seen, marks: str) -> float | None:
    return _since(seen.healed_at, seen.timeline.first(seen.choice.target.name, marks, seen.healed_at))


def _added_ms(seen: Seen, during: Sequence[Outcome]) -> Iterator[float]:
    well = [one for one in seen.outcomes if one.end == "ok" and one.sent < seen.failed_at]
    usual = {kind: _quantile(sorted(one.waited_s for one in well if one.kind == kind), 0.5) or 0.0 for kind in KINDS}
    for one in during:
        if one.end == "ok":
            yield max(0.0, one.waited_s - usual[one.kind]) * 1000


def _quantile(values: Sequence[float], part: float) -> float | None:
    """Of sorted values, by the nearest rank."""
    return values[min(len(values) - 1, int(part * len(values)))] if values else None


def _since(start: float, at: float | None) -> float | None:
    return None if at is None else max(0.0, at - start)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
