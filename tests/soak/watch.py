"""What a process holds, seen from outside: memory and files by the system, tasks and exchanges by its admin port."""

import asyncio
import json
import re
from dataclasses import dataclass, field

from proxy.drill.load import CLOCK, Broken, once
from tests.soak.trend import Series
from tests.soak.world import World

EVERY_S = 0.5
SETTLE_S = 15.0


@dataclass(frozen=True, slots=True)
class Held:
    at: float
    rss: int
    files: int
    tasks: int
    in_flight: int
    blocks: int
    """Pieces of memory that the interpreter has in use."""


@dataclass
class Watch:
    held: list[Held] = field(default_factory=list)
    missed: int = 0
    """Looks that the admin port did not answer."""

    async def run(self, world: World) -> None:
        while True:
            try:
                self.held.append(await look(world))
            except (OSError, Broken, TimeoutError):
                self.missed += 1
            await CLOCK.sleep(EVERY_S)

    def series(self, name: str, since: float) -> Series:
        return [(one.at, getattr(one, name)) for one in self.held if one.at >= since]


async def look(world: World) -> Held:
    """Raises OSError, Broken or TimeoutError where the admin port does not answer."""
    async with asyncio.timeout(5):
        text = (await once(world.admin, "/metrics")).body.decode()
        state = json.loads((await once(world.admin, "/state")).body)
    tasks, blocks = (_gauge(text, name) for name in ("sidestep_tasks", "sidestep_memory_blocks"))
    return Held(CLOCK.now(), world.proxy.rss(), world.proxy.files(), tasks, state["in_flight"], blocks)


def _gauge(text: str, name: str) -> int:
    """-1 where it is not told."""
    told = re.search(rf"(?m)^{name} (\S+)$", text)
    return int(float(told[1])) if told else -1


async def at_rest(world: World) -> Held:
    """What it holds once nothing is asked of it any more and that has not changed for a second."""
    give_up = CLOCK.now() + SETTLE_S
    last, steady = await look(world), 0
    while steady < 2 and CLOCK.now() < give_up:
        await CLOCK.sleep(EVERY_S)
        now = await look(world)
        same = (now.files, now.tasks, now.in_flight) == (last.files, last.tasks, 0)
        last, steady = now, steady + 1 if same else 0
    return last
