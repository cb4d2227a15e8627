"""Load on the clients: as fast as answers come (`closed`), or at a rate whatever becomes of them (`steady`)."""

import asyncio
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, cycle
from random import Random  # noqa: TID251 - seeded

from proxy.drill.load import CLOCK
from tests.soak.clients import Asked, Clients, Manner, Outcome

MANNERS: Mapping[Manner, float] = {"plain": 0.94, "slow reader": 0.02, "slow sender": 0.02, "leaves": 0.02}
PLAIN: Mapping[Manner, float] = {"plain": 1.0}
KEPT_REASONS = 20
TICK_S = 0.002


@dataclass
class Tally:
    """What came of a load; times are the clock's."""

    ends: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    """Of what was neither good nor shed nor the client's own doing, the reasons first met."""
    times: list[tuple[float, float]] = field(default_factory=list)
    """When it ended and how long it took: whole answers, not streamed, of the first target's first call, to
    clients that take them at once."""
    served: list[float] = field(default_factory=list)
    """When each good answer ended."""
    sheds: list[float] = field(default_factory=list)
    """When each was told to come again."""
    unsent: int = 0
    """Requests that the load itself could not send in time."""
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        now = CLOCK.now()
        self.ends[outcome.end] += 1
        if outcome.end == "ok":
            self.served.append(now)
            if outcome.first_try and outcome.manner == "plain" and not outcome.asked.stream:
                self.times.append((now, outcome.seconds))
        elif outcome.end == "shed":
            self.sheds.append(now)
        elif outcome.end != "left":
            said = f"{outcome.asked.kind}: {outcome.end}: {outcome.why}"
            if said in self.why or len(self.why) < KEPT_REASONS:
                self.why[said] += 1

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.ends["ok"] / self.seconds if self.seconds else 0.0


async def closed(clients: Clients, mix: Sequence[Asked], workers: int, seconds: float, tally: Tally) -> None:
    """So many workers, each asking again once it was answered, for so long; what is under way then is cut off."""
    began = CLOCK.now()

    async def work(first: int) -> None:
        at = cycle(mix[first % len(mix) :] + mix[: first % len(mix)])
        for one in at:
            tally.add(await clients.ask(one))

    tasks = [asyncio.create_task(work(number)) for number in range(workers)]
    over, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    tally.seconds += CLOCK.now() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in over:
        task.result()


async def steady(
    clients: Clients,
    mix: Sequence[Asked],
    per_s: Callable[[], float],
    seconds: float,
    tally: Tally,
    *,
    chance: Random,
    manners: Mapping[Manner, float] = MANNERS,
    most: int = 8_000,
) -> None:
    """Requests at random moments, `per_s()` of them on average; returns when the last is answered. Beyond `most` under
    way they are not sent but counted. What falls due within `TICK_S` is sent together."""
    loop = asyncio.get_running_loop()
    names, bounds = list(manners), list(accumulate(manners.values()))
    open_: set[asyncio.Task[None]] = set()

    async def one() -> None:
        manner = names[min(len(names) - 1, bisect(bounds, chance.random()))]
        tally.add(await clients.ask(chance.choice(mix), manner, chance))

    began = due = CLOCK.now()
    while (now := CLOCK.now()) < began + seconds:
        while due <= now:
            due += chance.expovariate(per_s())
            if len(open_) >= most:
                tally.unsent += 1
                continue
            task = loop.create_task(one())
            open_.add(task)
            task.add_done_callback(open_.discard)
        await CLOCK.sleep(max(TICK_S, due - now))
    tally.seconds += CLOCK.now() - began
    await asyncio.gather(*open_)
