"""Three times what the proxy can do: what it still does, what it tells the others, and how soon it is well again.

Two ways of being full. In `places` the providers take their time, so that exchanges under way are what runs out, as in
most days' overload of a proxy for slow upstreams; there good answers a second are compared. In `processor` they answer
at once and the processor runs out; there good answers for each second of the processor are compared, since what
neighbours take from it is no fault of the proxy's, and the load follows: three times what it could answer with the
processor that it got in the last moment.
"""

import asyncio
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from typing import Any

from proxy.drill.load import CLOCK, Broken, once
from tests.bench.report import percentile
from tests.soak.clients import Asked, Clients, asked
from tests.soak.load import PLAIN, Tally, closed, steady
from tests.soak.pace import LOUD, Following, Mark
from tests.soak.verdict import Claim
from tests.soak.world import World, running

FACTOR = 3.0
RECOVERY_S = 10.0
ADMIN_S = 5.0
"""A page that takes longer would be taken for no answer."""
LOOK_S = 0.25
PLACES, LATENCY_S = 24, 0.2
PEAK_S, CALM_S, AFTER_S = 8.0, 6.0, 15.0
WINDOW_S = 1.0
SLACK, SLACK_S = 2.0, 0.01
"""Recovered is a second whose slowest hundredth took at most so many times, and so much longer than, before."""


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    settings: str
    latency_s: float
    workers: int
    """As many as fill it."""
    padding: int
    """Bytes of each prompt."""
    by_processor: bool
    goodput: float
    """Of the peak, the least that is still served. A refusal takes the processor's time as well: where that is what ran
    out, two refusals for each answer must cost something."""


SCENES = (
    Scene("places", f"[limits]\nin_flight = {PLACES}", LATENCY_S, PLACES, 0, by_processor=False, goodput=0.9),
    Scene("processor", "", 0.0, 64, 4_000, by_processor=True, goodput=2 / 3),
)


@dataclass
class Phase:
    began: float
    tally: Tally = field(default_factory=Tally)
    had: Mark = field(default_factory=lambda: Mark(0.0, 0.0, 0.0))
    """Time, and of the processor, while it lasted."""

    @property
    def ended(self) -> float:
        return self.began + self.had.at

    def goodput(self, scene: Scene) -> float:
        """Good answers that came while the phase lasted, a second of time or of the processor."""
        came = sum(self.began <= at < self.ended for at in self.tally.served)
        return came / max(1e-9, self.had.cpu_s if scene.by_processor else self.had.at)


@dataclass
class Looks:
    """The admin port, asked again and again."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0


async def looking(world: World, looks: Looks) -> None:
    while True:
        began = CLOCK.now()
        try:
            async with asyncio.timeout(ADMIN_S):
                answered = await once(world.admin, "/livez")
            looks.failed += answered.status != 200
        except (OSError, Broken, TimeoutError):
            looks.failed += 1
        looks.seconds.append(CLOCK.now() - began)
        await CLOCK.sleep(LOOK_S)


@dataclass
class Run:
    scene: Scene
    peak: Phase
    calm: Phase
    over: Phase
    after: Phase
    looks: Looks

    @property
    def recovery_s(self) -> float | None:
        """From the load's fall to the first second from which on all is as before; None where that never came."""
        before = percentile([took for _, took in self.calm.tally.times], 0.99)
        usual = max(before * SLACK, before + SLACK_S)
        windows = int(self.after.had.at / WINDOW_S)
        well = windows
        for number in reversed(range(windows)):
            since = self.after.began + number * WINDOW_S
            if not _as_usual(self.after.tally, since, usual):
                break
            well = number
        return None if well == windows else well * WINDOW_S


def _as_usual(tally: Tally, since: float, usual: float) -> bool:
    """Whether nobody was shed in the second from `since` on, and all were answered as quickly as is usual."""
    times = [took for at, took in tally.times if since <= at < since + WINDOW_S]
    shed = any(since <= at < since + WINDOW_S for at in tally.sheds)
    return bool(times) and not shed and percentile(times, 0.99) <= usual


async def played(scene: Scene, seconds: float) -> Run:
    """Raises NotReady."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), scene.settings, scene.latency_s) as world:
        clients, chance = Clients(world.url), Random(scene.name)
        mix = _mix(world.url, scene.padding)
        await closed(clients, mix, scene.workers, CALM_S / 2, Tally())  # warms up
        peak = await phase(world, lambda tally: closed(clients, mix, scene.workers, PEAK_S, tally))
        best = peak.goodput(scene)

        def load(factor: float, seconds: float) -> Callable[[Tally], Any]:
            rate = Following(world.proxy, best).rate if scene.by_processor else (lambda: best)
            return lambda tally: steady(
                clients, mix, lambda: factor * rate(), seconds, tally, chance=chance, manners=PLAIN
            )

        calm = await phase(world, load(0.5, CALM_S))
        looks = Looks()
        watcher = asyncio.create_task(looking(world, looks))
        over = await phase(world, load(FACTOR, seconds), cut=seconds)
        after = await phase(world, load(0.5, AFTER_S))
        watcher.cancel()
        clients.close()
        return Run(scene, peak, calm, over, after, looks)


async def phase(world: World, load: Callable[[Tally], Any], cut: float | None = None) -> Phase:
    """`cut`: it counts as over after so many seconds, whatever is still to be answered, which then goes on."""
    before = Mark.of(world.proxy)
    found = Phase(before.at)
    task = asyncio.create_task(load(found.tally))
    await asyncio.wait({task}, timeout=cut)
    found.had = Mark.of(world.proxy).since(before)
    await task
    return found


def _mix(url: str, padding: int) -> list[Asked]:
    return [
        asked(url, "chat", model, stream=stream, padding=padding)
        for model in ("chat", "claude")
        for stream in (False, True)
    ]


def claims(run: Run) -> list[Claim]:
    over, ends = run.over, run.over.tally.ends
    before, now = run.peak.goodput(run.scene), over.goodput(run.scene)
    of = "for a second of the processor" if run.scene.by_processor else "a second"
    asked_for = sum(ends.values()) + over.tally.unsent
    broken = ends["told"] + ends["short"]
    slowest = max(run.looks.seconds)
    recovery = run.recovery_s
    name = run.scene.name
    return [
        Claim(
            f"{name}: goodput at {FACTOR:g} times",
            f">= {run.scene.goodput:.0%} of the peak",
            f"{now / before:.0%}: {now:,.0f} good answers {of}, at the peak {before:,.0f}",
            _told_by_time(run, now >= run.scene.goodput * before),
        ),
        Claim(
            f"{name}: who is not served is told to come again",
            "503, Retry-After, x-should-retry",
            f"{ends['shed']} of {asked_for} shed, {ends['error']} other errors",
            ends["error"] == 0 and ends["shed"] > 0,
        ),
        Claim(f"{name}: admitted streams are whole", "0 broken", f"{broken} broken", broken == 0),
        Claim(
            f"{name}: the admin port answers throughout",
            f"each time, in {ADMIN_S:g} s",
            f"{len(run.looks.seconds) - run.looks.failed} of {len(run.looks.seconds)} times, slowest {slowest:.2f} s",
            run.looks.failed == 0,
        ),
        Claim(
            f"{name}: recovery after the load fell",
            f"< {RECOVERY_S:g} s",
            "not seen" if recovery is None else f"{recovery:g} s",
            _told_by_time(run, recovery is not None and recovery < RECOVERY_S),
        ),
    ]


def _told_by_time(run: Run, held: bool) -> bool | None:
    """What times say is nothing against the proxy where neighbours had its processor."""
    loud = any(one.had.waiting > LOUD for one in (run.peak, run.over, run.after))
    return held or (None if loud and not run.scene.by_processor else False)


def facts(run: Run) -> dict[str, Any]:
    return {
        "scene": run.scene.name,
        **{
            name: {
                "seconds": round(one.had.at, 1),
                "processor_share": round(one.had.share, 2),
                "waiting_share": round(one.had.waiting, 2),
                "ends": dict(one.tally.ends),
                "unsent": one.tally.unsent,
                "why": dict(one.tally.why),
                "p99_ms": round(percentile([took for _, took in one.tally.times], 0.99) * 1000, 1)
                if one.tally.times
                else None,
            }
            for name, one in (("peak", run.peak), ("calm", run.calm), ("overload", run.over), ("after", run.after))
        },
    }


def told(run: Run) -> list[str]:
    """The phases in words."""
    of = "for a second of the processor" if run.scene.by_processor else "a second"
    return [
        f"{run.scene.name}, {name:<9} {one.goodput(run.scene):7,.0f} good answers {of}; "
        f"{one.had.at:.1f} s, {one.had.share:.0%} of a processor, {one.had.waiting:.0%} of the time waiting for it; "
        + ", ".join(f"{count} {end}" for end, count in one.tally.ends.most_common())
        for name, one in (("peak", run.peak), ("calm", run.calm), ("overload", run.over), ("after", run.after))
    ]


def allow_files() -> None:
    """As many open files as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
