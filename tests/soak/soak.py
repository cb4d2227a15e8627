"""A proxy at half of what it can do, for minutes, while providers fail and clients are slow or leave.

First it serves well providers as fast as it can, which says what its capacity is. Then it warms up: memory grows while
caches fill, and what is measured must not begin before. Then load and weather come together; at the end both stop, and
whatever the proxy still holds beyond what it held before the weather has leaked.

Judged are: clients' errors (none: behind each chain's end stands a provider that is well), parts of answers that look
whole (none), the growth of memory over the run, of what of it is in use and of files and tasks from rest to rest, and
whether whole answers of first attempts took longer towards the end. Memory is told block by block by its least value: a
leak lifts that, a crowded moment does not. What the largest crowd needed stays with the process though nobody uses it;
the interpreter's own count of what is in use tells the two apart.
"""

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from typing import Any

from tests.bench.report import percentile
from tests.soak.clients import Clients, mix
from tests.soak.load import Tally, closed, steady
from tests.soak.pace import LOUD, Following, Mark
from tests.soak.trend import BLOCKS, blocks, slope
from tests.soak.verdict import Claim
from tests.soak.watch import Held, Watch, at_rest
from tests.soak.world import World, running

LOAD = 0.5
WORKERS = 128
CAPACITY_S = 6.0
WARM_SHARE, WARM_MOST_S = 0.4, 300.0
"""Of the time asked for, beside it: before anything is judged."""
SLOPE_MIB_H = 1.0
KEPT_BLOCKS = 20_000
"""Of memory in use, about 1.5 MiB: what fills in five minutes (how targets fared) and what waits for the collector (of
the admin port's) are less, and one block kept of each request is more after a minute."""
ENOUGH = 0.5
"""Of the run: a shorter rest of it, after the largest crowd, says nothing of growth."""
DRIFT = 0.10
HOUR_S, MIB = 3_600.0, 1024.0 * 1024.0


@dataclass
class Run:
    tally: Tally
    watch: Watch
    since: float
    """When what is judged began."""
    before: Held
    """At rest, warmed up."""
    after: Held
    had: Mark
    """Time, and of the processor, while what is judged lasted."""


async def played(seconds: float, seed: int, say: Callable[[str], None] = lambda _: None) -> Run:
    """Raises NotReady."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as world:
        clients, chance = Clients(world.url), Random(seed)
        per_cpu_s = await capacity(world, clients)
        say(f"a second of the processor serves {per_cpu_s:,.0f}")
        half = Following(world.proxy, LOAD * per_cpu_s)
        load = partial(steady, clients, mix(world.url), half.rate, chance=chance)
        warm = Tally()
        world.storm(seed)
        await load(min(WARM_MOST_S, seconds * WARM_SHARE), warm)
        before = await rest(world, clients)
        say(f"warmed up: {before.rss / MIB:.1f} MiB, {before.files} files, {before.tasks} tasks at rest")
        watch, tally = Watch(), Tally()
        world.storm(seed + 1)
        watcher = asyncio.create_task(watch.run(world))
        began = Mark.of(world.proxy)
        await load(seconds, tally)
        had = Mark.of(world.proxy).since(began)
        watcher.cancel()
        after = await rest(world, clients)
        return Run(tally, watch, began.at, before, after, had)


async def capacity(world: World, clients: Clients) -> float:
    """Requests of the mix that a second of the processor serves, the providers well."""
    tally = Tally()
    await closed(clients, mix(world.url), WORKERS, CAPACITY_S / 3, Tally())
    before = Mark.of(world.proxy)
    await closed(clients, mix(world.url), WORKERS, CAPACITY_S, tally)
    had = Mark.of(world.proxy).since(before)
    if tally.ends["ok"] < sum(tally.ends.values()):
        raise RuntimeError(f"with every provider well: {dict(tally.why)}")
    return tally.ends["ok"] / had.cpu_s


async def rest(world: World, clients: Clients) -> Held:
    """What it holds when load and weather have ended, and no connection is kept for later on either side."""
    world.calm()
    clients.close()
    return await at_rest(world)


def claims(run: Run) -> list[Claim]:
    ends = run.tally.ends
    asked = sum(ends.values())
    errors = ends["error"] + ends["shed"] + run.watch.missed
    drift = drifted(run)
    files, tasks = run.after.files - run.before.files, run.after.tasks - run.before.tasks
    return [
        Claim("errors that clients saw", "0", f"{errors} of {asked}", errors == 0),
        Claim("parts of answers that look whole", "0", str(ends["short"]), ends["short"] == 0),
        Claim(
            "growth of memory",
            f"< {SLOPE_MIB_H:g} MiB/h",
            *grown(run),
        ),
        Claim(
            "memory in use, from rest to rest",
            f"< {KEPT_BLOCKS:,} blocks",
            f"{run.after.blocks - run.before.blocks:+,d} blocks, of {run.before.blocks:,}",
            run.after.blocks - run.before.blocks < KEPT_BLOCKS,
        ),
        Claim("open files, from rest to rest", "+0", f"{files:+d}, of {run.before.files}", files <= 0),
        Claim("tasks, from rest to rest", "+0", f"{tasks:+d}, of {run.before.tasks}", tasks <= 0),
        Claim("drift of the p99", f"< {DRIFT:.0%}", *drift),
    ]


def grown(run: Run) -> tuple[str, bool | None]:
    """How fast resident memory grew from the run's largest crowd on: up to there it may, for what the largest crowd
    needs stays with the process."""
    crowd = max(run.watch.held, key=lambda one: one.blocks, default=run.after)
    left = run.after.at - crowd.at
    found = slope(blocks(run.watch.series("rss", crowd.at), min)).over(HOUR_S, MIB)
    told = (
        f"{found.per_s:+.1f} MiB/h ({found.low:+.1f} to {found.high:+.1f}) in the {left:.0f} s from the largest crowd "
        f"on, {(run.after.rss - run.before.rss) / MIB:+.2f} MiB from rest to rest"
    )
    within = found.within(SLOPE_MIB_H)
    return told, None if within is False and left < ENOUGH * run.had.at else _told_alone(run, within)


def drifted(run: Run) -> tuple[str, bool | None]:
    """How much the slowest hundredth of whole answers, of first attempts alone, slowed down over the run."""
    points = blocks(run.tally.times, lambda of: percentile(of, 0.99))
    if not points:
        return "nothing was measured", None
    usual = sorted(value for _, value in points)[len(points) // 2]
    found = slope(points).over(run.had.at, usual)
    told = f"{found.per_s:+.0%} ({found.low:+.0%} to {found.high:+.0%}) of {usual * 1000:.1f} ms"
    return told, _told_alone(run, found.within(DRIFT))


def _told_alone(run: Run, within: bool | None) -> bool | None:
    """Where neighbours had the processor, requests came to stand in crowds: then neither times nor memory, which keeps
    what the largest crowd needed, say anything against the proxy."""
    return None if within is False and run.had.waiting > LOUD else within


def facts(run: Run) -> dict[str, Any]:
    ends = run.tally.ends
    most = max(run.watch.held, key=lambda one: one.rss, default=run.after)
    return {
        "seconds": round(run.had.at, 1),
        "processor_share": round(run.had.share, 2),
        "waiting_share": round(run.had.waiting, 2),
        "blocks": BLOCKS,
        "ends": dict(ends),
        "unsent": run.tally.unsent,
        "why": dict(run.tally.why),
        "rss_mib": {name: round(one.rss / MIB, 2) for name, one in _moments(run, most)},
        "files": {name: one.files for name, one in _moments(run, most)},
        "tasks": {name: one.tasks for name, one in _moments(run, most)},
        "memory_blocks": {name: one.blocks for name, one in _moments(run, most)},
        "rss_blocks_mib": [round(value / MIB, 2) for _, value in blocks(run.watch.series("rss", run.since), min)],
        "p99_blocks_ms": [
            round(value * 1000, 1) for _, value in blocks(run.tally.times, lambda of: percentile(of, 0.99))
        ],
    }


def _moments(run: Run, most: Held) -> tuple[tuple[str, Held], ...]:
    return ("before", run.before), ("most", most), ("after", run.after)


def told(run: Run) -> list[str]:
    """The run in words, beside its claims."""
    ends = ", ".join(f"{count} {end}" for end, count in run.tally.ends.most_common())
    return [
        f"load     {sum(run.tally.ends.values()) / run.had.at:,.0f} requests a second for {run.had.at:.0f} s",
        f"had      {run.had.share:.0%} of a processor, {run.had.waiting:.0%} of the time waiting for it",
        f"answers  {ends}",
        *(f"         {count} x {why}" for why, count in run.tally.why.most_common(8)),
    ]
