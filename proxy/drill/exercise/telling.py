"""What a drill prints: what it is about to do, the picture of what happened, what came of it; or all of it as data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from proxy.config.values import Config
from proxy.drill.exercise.asking import KINDS, MOST_TOKENS, QUESTION
from proxy.drill.exercise.choice import Choice
from proxy.drill.exercise.judging import Findings, Seen, count
from proxy.drill.exercise.menu import Case
from proxy.drill.exercise.pace import Pace
from proxy.drill.exercise.watching import LEGEND, row

SIGNS = 60
"""How wide the picture is at most."""
_INPUT_TOKENS = 20
"""What the question is, with what vendors put around it; said, not counted."""


def opening(choice: Choice, case: Case, pace: Pace, *, source: str, offline: bool) -> Iterator[str]:
    """What will be done, with what configuration, and what it may cost."""
    yield f"{choice.target.name} {case.about}, for {pace.fault_s:.3g} s"
    yield f"chain {choice.asked}: {' -> '.join(choice.names)}, configured by {source_of(source)}"
    yield f"load: {pace.rate:g} requests a second, {' and '.join(KINDS)} in turn"
    yield from clients(pace)
    yield from times(pace)
    yield from beside(pace)
    yield cost(pace.most_requests, offline=offline)


def source_of(source: str) -> str:
    return "the environment" if source == "environment" else source


def clients(pace: Pace) -> Iterator[str]:
    """How long the clients wait, where they do not wait for ever."""
    if pace.patience.asked_s is not None:
        yield f"clients: they leave when nothing has come for {pace.patience.asked_s:g} s, and say so in their requests"


def times(pace: Pace) -> Iterator[str]:
    """Where the times are not the configuration's own."""
    if pace.changed:
        yield f"to be quick: {', '.join(pace.changed)} (--seconds {pace.own_s:.3g} takes them as they are)"
    if pace.capped:
        yield f"and at most {pace.patience.most_s:.3g} s for {', '.join(pace.capped)}"


def beside(pace: Pace) -> Iterator[str]:
    """Where the proxy's timeouts and the clients' are shorter together."""
    if pace.beside:
        yield f"and, where it is silent, on the same side of the client's as before: {', '.join(pace.beside)}"


def cost(most: int, *, offline: bool) -> str:
    """What at most so many requests use."""
    if offline:
        return "offline: every provider is scripted; no key is used and nothing costs anything"
    tokens = most * (_INPUT_TOKENS + MOST_TOKENS)
    return (
        f"cost: real providers answer at most {most} requests of some {_INPUT_TOKENS} tokens in ({QUESTION!r}) and at "
        f"most {MOST_TOKENS} out: {tokens} tokens"
    )


def aside(config: Config) -> Iterator[str]:
    """What of the configuration refuses requests and is no part of a drill."""
    spending = config.spending
    there = {"budgets": spending.budgets, "rates": spending.rates, "clients": config.clients}
    names = [name for name, of in there.items() if of]
    if names:
        yield f"left aside: {', '.join(names)}; what they would refuse is served here"


def picture(seen: Seen) -> Iterator[str]:
    """The breakers over time, a line each, under a line that says when the fault was in force."""
    names = seen.choice.names
    width = max(len("served by"), *(len(name) + 2 for name in names))
    lasted = seen.ended - seen.began
    signs = max(1, min(SIGNS, int(lasted * seen.pace.rate / 1.5)))
    sign_s = lasted / signs
    fault = "".join(
        "!" if seen.failed_at <= seen.began + (place + 0.5) * sign_s < seen.healed_at else " " for place in range(signs)
    )
    yield f"{'fault':{width}} {fault}".rstrip()
    for place, name in enumerate(names, 1):
        drawn = seen.timeline.picture(name, seen.began, sign_s, signs)
        yield f"{f'{place} {name}':{width}} {drawn}"
    yield f"{'served by':{width}} {row(_served(seen), seen.began, sign_s, signs)}".rstrip()
    yield f"{'':{width}} {LEGEND}"
    yield f"{'':{width}} a sign is {sign_s:.2g} s  served by: the target's number, E an error, T broken off and told"


def _served(seen: Seen) -> Sequence[tuple[float, str]]:
    places = {name: str(place) for place, name in enumerate(seen.choice.names, 1)}
    signs = {"error": "E", "told": "T", "short": "S"}
    return [(one.sent, signs.get(one.end) or places.get(one.result.served_by, "-")) for one in seen.outcomes]


def result(seen: Seen, found: Findings) -> Iterator[str]:
    """What came of it, and in the last line whether the chain held."""
    yield f"client errors   {sum(found.errors.values())} of {count(found.requests, 'request')}{_errors(found.errors)}"
    if seen.drilled:
        yield from _drilled(seen, found)
    for note in found.notes:
        yield f"note: {note}"
    for why in found.why:
        yield f"why: {why}"
    if found.change:
        yield f"change: {found.change}"
    yield "the chain held" if found.held else "the chain did NOT hold"


def _drilled(seen: Seen, found: Findings) -> Iterator[str]:
    yield f"broken off      {found.told} after the first content, told as an error; {found.short} passed off as whole"
    yield f"served by       {', '.join(f'{name} {number}' for name, number in found.served.items()) or 'nobody'}"
    yield f"the fault met   {count(found.met, 'request')} in {count(found.calls, 'call')}{_out(seen, found)}"
    yield f"switched after  {_seconds(found.switched_s)}"
    yield f"added latency   {_added(found)}"
    yield f"back            {_back(found)}"


def _errors(errors: Mapping[str, int]) -> str:
    if not errors:
        return ""
    said, times = max(errors.items(), key=lambda one: one[1])
    return f", {count(times, 'time')}: {said}"


def _out(seen: Seen, found: Findings) -> str:
    if found.out_s is None:
        return "" if seen.case.effect == "none" or not found.calls else "; it was never left alone"
    how = {"breaker": "its breaker opened", "wait": "it was left alone", "key": "its key was turned off"}
    return f"; {how[seen.case.effect]} after {_seconds(found.out_s)}"


def _added(found: Findings) -> str:
    if found.added_p50_ms is None or found.added_p99_ms is None or found.usual_ms is None:
        return "unknown: nothing was answered under the fault"
    usual = f"to the usual {found.usual_ms:.1f} ms"
    return f"{found.added_p50_ms:.1f} ms p50, {found.added_p99_ms:.1f} ms p99, {usual}"


def _back(found: Findings) -> str:
    if found.out_s is None:
        return "it was never away"
    steps = ((found.half_open_s, "half-open"), (found.ramp_s, "ramp from"), (found.back_s, "whole at"))
    told = [f"{what} {_seconds(at)}" for at, what in steps if at is not None]
    if found.back_s is None:
        told.append("not whole within this drill")
    return f"{', '.join(told)} after the fault" if found.back_s is not None else ", ".join(told)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def data(seen: Seen, found: Findings) -> dict[str, Any]:
    """All of it in JSON's terms; times of the timeline are seconds since the fault began."""
    pace = structs.asdict(seen.pace)
    waits = seen.pace.patience
    del pace["severity"], pace["patience"]
    pace |= {"patience_s": waits.most_s, "client_timeout_s": waits.asked_s, "client_s": waits.client_s}
    return {
        "target": seen.choice.target.name,
        "chain": list(seen.choice.names),
        "asked": seen.choice.asked,
        "fault": seen.case.name,
        "pace": pace,
        **structs.asdict(found),
        "timeline": {
            name: [[round(at - seen.failed_at, 3), mark] for at, mark in changes]
            for name, changes in seen.timeline.changes.items()
        },
    }
