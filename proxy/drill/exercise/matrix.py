"""Many faults, each once for whole answers and once for streams: a table in about a minute.

Each cell has a proxy of its own, so that no breaker remembers the cell before; a few are played side by side.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from proxy.clock import Clock
from proxy.config.values import Config
from proxy.drill.exercise import telling
from proxy.drill.exercise.asking import KINDS, Kind
from proxy.drill.exercise.choice import Choice
from proxy.drill.exercise.judging import Findings, Seen, judge
from proxy.drill.exercise.menu import Case
from proxy.drill.exercise.pace import Pace, pace
from proxy.drill.exercise.run import StartProxy, exercise

SECONDS = 1.5
"""How long each fault lasts unless told otherwise."""
SIDE_BY_SIDE = 4
_ROW = "{:<9} {:<34} {}"


class Cell(Struct, frozen=True):
    case: Case
    kind: Kind
    seen: Seen
    found: Findings


async def matrix(
    start_proxy: StartProxy,
    config: Config,
    choice: Choice,
    *,
    rate: float,
    seconds: float,
    offline: bool,
    clock: Clock,
    cases: Sequence[Case],
    client_s: float | None = None,
) -> list[Cell]:
    """Every cell, in the order of `cases`."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def play(case: Case, kind: Kind) -> Cell:
        at = pace(choice.target, case, rate=rate, seconds=seconds, offline=offline, client_s=client_s)
        async with places:
            seen = await exercise(start_proxy, config, choice, case, at, kinds=(kind,), offline=offline, clock=clock)
        return Cell(case, kind, seen, judge(seen))

    async with asyncio.TaskGroup() as all_of_them:
        tasks = [all_of_them.create_task(play(case, kind)) for case in cases for kind in KINDS]
    return [task.result() for task in tasks]


def opening(choice: Choice, paces: Sequence[Pace], *, source: str, offline: bool) -> Iterator[str]:
    """What will be done, with what configuration, and what it may cost; `paces` are those of the faults."""
    usual = min(paces, key=lambda one: one.fault_s)
    yield f"{choice.target.name} fails in {len(paces)} ways, each for {usual.fault_s:.3g} s or until it shows"
    yield f"chain {choice.asked}: {' -> '.join(choice.names)}, configured by {telling.source_of(source)}"
    yield f"load: {usual.rate:g} requests a second for each fault and kind, {SIDE_BY_SIDE} of them side by side"
    yield from telling.clients(usual)
    yield from telling.times(usual)
    yield from dict.fromkeys(line for one in paces for line in telling.beside(one))
    yield telling.cost(sum(one.most_requests for one in paces) * len(KINDS), offline=offline)


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """A row for each fault, what did not hold, and the sum."""
    yield _ROW.format("fault", "whole answers", "streams").rstrip()
    for case in dict.fromkeys(cell.case.name for cell in cells):
        told: Mapping[Kind, str] = {cell.kind: _cell(cell.found) for cell in cells if cell.case.name == case}
        yield _ROW.format(case, *(told.get(kind, "") for kind in KINDS)).rstrip()
    for cell in cells:
        yield from (f"why: {cell.case.name}, {cell.kind}: {why}" for why in cell.found.why)
        if cell.found.change:
            yield f"change: {cell.case.name}, {cell.kind}: {cell.found.change}"
    held = sum(cell.found.held for cell in cells)
    yield f"the chain held in {held} of {len(cells)}"


def _cell(found: Findings) -> str:
    told = f", {found.told} told" if found.told else ""
    added = "" if found.added_p99_ms is None else f", +{found.added_p99_ms:.0f} ms p99"
    return f"{'held' if found.held else 'NOT held'}, {sum(found.errors.values())} errors{told}{added}"
