"""One exercise: a proxy with somebody's configuration, a bounded load, and a fault that comes and goes."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from proxy.clock import Clock
from proxy.config.values import Config
from proxy.drill.exercise.asking import Kind, Outcome, ask
from proxy.drill.exercise.choice import Choice
from proxy.drill.exercise.judging import Seen
from proxy.drill.exercise.menu import Case
from proxy.drill.exercise.middle import Middle
from proxy.drill.exercise.pace import Pace, quickened
from proxy.drill.exercise.watching import CLOSED, Timeline
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok
from proxy.upstream.engines import EngineFor, engine_for

StartProxy = Callable[[Config, EngineFor], AbstractAsyncContextManager[tuple[str, Callable[[], Mapping[str, Any]]]]]
"""Starts a proxy whose calls go through the given engines; gives its data port's URL, without a path, and what its
`/state` says."""
LOOK_S = 0.01
"""Between looks at the breakers."""
PATIENCE_S = 30.0
"""What the client waits beyond every timeout of the proxy's; then the proxy has lost its request."""


async def exercise(
    start_proxy: StartProxy,
    config: Config,
    choice: Choice,
    case: Case,
    pace: Pace,
    *,
    kinds: Sequence[Kind],
    offline: bool,
    clock: Clock,
) -> Seen:
    """Plays it to its end: until the target is whole again, or `pace.after_s` after the fault. A chain that serves
    nobody when all is well is not drilled any further."""
    async with (
        _middle(config, choice, case, pace, offline=offline) as middle,
        start_proxy(quickened(config, pace), middle.engine_for) as (url, state),
    ):
        play = _Play(middle, choice, case, pace, url, kinds, clock)
        watcher = asyncio.create_task(_watch(play.timeline, state, clock))
        try:
            return await play.run()
        finally:
            watcher.cancel()


@asynccontextmanager
async def _middle(config: Config, choice: Choice, case: Case, pace: Pace, *, offline: bool) -> AsyncIterator[Middle]:
    target = choice.target
    async with AsyncExitStack() as stack:
        stand_in = ScriptedProvider(target.provider.name, target.provider.dialect, case.script(pace.severity))
        await stack.enter_async_context(stand_in)
        well = {
            name: await stack.enter_async_context(ScriptedProvider(name, provider.dialect, ok(), heard=0))
            for name, provider in config.providers.items()
            if offline
        }
        yield Middle(target, stand_in, well, engine_for)


async def _watch(timeline: Timeline, state: Callable[[], Mapping[str, Any]], clock: Clock) -> None:
    while True:
        timeline.see(clock.now(), state())
        await clock.sleep(LOOK_S)


class _Play:
    """Sends the load, each request whatever became of the ones before, and turns the fault on and off."""

    def __init__(
        self, middle: Middle, choice: Choice, case: Case, pace: Pace, url: str, kinds: Sequence[Kind], clock: Clock
    ) -> None:
        self.timeline = Timeline(choice.names, clock.now())
        self._middle = middle
        self._choice = choice
        self._case = case
        self._pace = pace
        self._url = url
        self._kinds = itertools.cycle(kinds)
        self._clock = clock
        self._outcomes: list[Outcome] = []
        self._load: asyncio.TaskGroup

    async def run(self) -> Seen:
        clock, pace, middle = self._clock, self._pace, self._middle
        began = clock.now()
        async with asyncio.TaskGroup() as self._load:
            await self._send(began + pace.before_s, lambda: False)
            failed_at = healed_at = clock.now()
            if not self._outcomes or any(one.end == "ok" for one in self._outcomes):
                middle.failing = True
                await self._send(failed_at + pace.fault_s, lambda: False)
                middle.failing = False
                healed_at = clock.now()
                await self._send(healed_at + pace.after_s, lambda: self._whole_since(healed_at))
                await self._send(clock.now() + pace.before_s, lambda: False)
        return Seen(
            choice=self._choice,
            case=self._case,
            pace=pace,
            outcomes=sorted(self._outcomes, key=lambda one: one.sent),
            timeline=self.timeline,
            calls=middle.calls,
            began=began,
            failed_at=failed_at,
            healed_at=healed_at,
            ended=clock.now(),
        )

    async def _send(self, until: float, enough: Callable[[], bool]) -> None:
        while self._clock.now() < until and not enough():
            self._load.create_task(self._one(next(self._kinds)))
            await self._clock.sleep(1 / self._pace.rate)

    async def _one(self, kind: Kind) -> None:
        waits = self._pace.patience
        timeout_s = waits.most_s + self._choice.target.timeouts.deadline_s + PATIENCE_S
        asked = self._choice.asked
        self._outcomes.append(
            await ask(self._url, asked, kind, timeout_s=timeout_s, clock=self._clock, client_s=waits.client_s)
        )

    def _whole_since(self, healed_at: float) -> bool:
        """Whether the target serves again, with nothing left of the fault."""
        name = self._choice.target.name
        if self.timeline.now(name) != CLOSED:
            return False
        return any(one.end == "ok" and one.sent >= healed_at and one.result.served_by == name for one in self._outcomes)
