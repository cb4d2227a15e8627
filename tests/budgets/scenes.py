"""What a budget must hold under, each at any size. They raise AssertionError where it does not, and tell what they saw.

However the processes end, three sums are compared: what the providers billed, what the store says was spent, and what
it says is taken (granted and not given back), which is the most that anybody may have spent. Always

    billed <= taken <= limit

and what is left in the end is less than one more request needs.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

from tests.budgets.load import Crowd, all_at_once, ask
from tests.budgets.provider import OUTPUT, always_well, anything, dearest
from tests.budgets.world import Proxy, World, a_world, taken
from tests.redis_server import RedisServer

Said = dict[str, object]
MOST = 50
"""Tokens that a request of the crowd may have at most."""
LARGE = 2_000
"""The same of those that spend what is left."""
ONE_MORE = 1_000_000
"""More than the smallest request reserves: its bytes and what is added to them, at a nano-dollar the thousandth."""
PAUSE_S = 0.6
"""Longer than half the time for which an idle process keeps what it has in hand."""
HALF_AS_MUCH_AGAIN, TICKS_S = 1.5, 0.1
"""What a start after a kill may take of a clean one beside it, and what the system's count of time may miss."""
SPENT = "429 insufficient_quota"
AWAY = "503 budget_store_unavailable"
"""What is in hand is used up meanwhile."""


async def exactly(folder: Path, requests: int, fitting: int) -> Said:
    """So many at once, each of which costs what it reserves: as many are served as fit, and the others are told so."""
    most = 100
    limit = fitting * most * OUTPUT
    async with a_world(folder, limit, dearest, free_input=True) as world:
        for one in world.providers:
            one.slow_s = 0.2
        seen = await all_at_once(world.urls[0], requests, most)
        assert seen == {"ok": fitting, SPENT: requests - fitting}, seen
        assert world.billed == limit
        assert taken(await world.counted()) == limit
        return {"served": seen["ok"], "refused": seen[SPENT]}


async def anything_goes(folder: Path, limit: int, clients: int, *, processes: int = 1) -> Said:
    """Bills, failures, cuts and clients that leave, all by chance; several processes on one port and one file."""
    async with a_world(folder, limit, anything, processes=processes, shared=processes > 1) as world:
        async with Crowd(world.urls, clients, MOST) as crowd:
            await crowd.until(clients, SPENT)
        return {"seen": dict(crowd.seen), **await _ended(world)}


async def many_machines(
    folder: Path, redis: RedisServer, limit: int, clients: int, *, proxies: int, rounds: int, steps: int
) -> Said:
    """Several proxies on one Redis, of which one is killed, while Redis is stopped, started, held up and emptied."""
    async with a_world(folder, limit, anything, processes=proxies, redis=redis) as world:
        async with Crowd(world.urls, clients, MOST) as crowd:
            for number in range(rounds):
                await crowd.until(steps, "200")
                await _replaced(world, number % proxies, crowd)
                for trouble in (_restarted, _held_up, _emptied):
                    await crowd.until(steps, "200")
                    await trouble(redis, crowd, steps)
            await crowd.until(steps, "200")
        return {"seen": dict(crowd.seen), **await _ended(world, lost=True)}


async def _replaced(world: World, number: int, crowd: Crowd) -> None:
    """Killed, and another one in its place; the others have heard what it had by then."""
    await world.proxies[number].kill()
    crowd.urls = [one.url for place, one in enumerate(world.proxies) if place != number]
    await world.proxies[number].start()
    crowd.urls = world.urls


async def _restarted(redis: RedisServer, crowd: Crowd, steps: int) -> None:
    await redis.stop()
    await crowd.until(steps, "200", or_one=AWAY)
    await redis.start()


async def _held_up(redis: RedisServer, crowd: Crowd, steps: int) -> None:
    redis.pause()
    await crowd.until(steps, "200", or_one=AWAY)
    redis.resume()


async def _emptied(redis: RedisServer, _: Crowd, __: int) -> None:
    """All living processes have spoken to it since anybody died."""
    assert await redis.says("FLUSHALL") == b"+OK"


async def killed_often(
    folder: Path, limit: int, clients: int, kills: int, steps: int, within_s: float | None = None
) -> Said:
    """One process on a file, killed again and again under load. Each start afterwards takes less than `within_s` of a
    core; without it one of them is compared with a clean start at the same moment, however fast the machine is then."""
    async with a_world(folder, limit, always_well) as world:
        [proxy] = world.proxies
        starts, cores, clean = [], [], []
        async with Crowd(world.urls, clients, MOST, leaving=0) as crowd:
            for number in range(kills):
                await crowd.until(steps, "200")
                await proxy.kill()
                if within_s is None:
                    fresh = _alike(world, folder / f"clean{number}.db")
                    _, core_s = await asyncio.gather(proxy.start(), _clean_start(fresh))
                    clean.append(core_s)
                else:
                    await proxy.start()
                crowd.urls = world.urls
                starts.append(proxy.started_s)
                cores.append(proxy.core_s)
            await crowd.until(steps, "200")
        if within_s is not None:
            assert max(cores) < within_s, cores
        else:
            pairs = list(zip(cores, clean, strict=True))
            assert any(one <= HALF_AS_MUCH_AGAIN * other + TICKS_S for one, other in pairs), pairs
        await proxy.stop()
        counts = await world.counted()
        spent, out = sum(one.spent for one in counts.values()), taken(counts)
        dead = sorted((one.granted - one.returned - one.spent for one in counts.values()), reverse=True)
        assert len(counts) == kills + 1
        assert spent <= world.billed <= out <= limit, "what was over-counted is what the dead had leased"
        assert dead[-1] == 0, "who ended as it should gave back what it had"
        with closing(sqlite3.connect(folder / "ledger.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            "seen": dict(crowd.seen),
            "billed": world.billed,
            "told as spent": spent,
            "taken": out,
            "leased by the dead, at most": dead[0],
            "restart, seconds of a core": [round(one(cores), 2) for one in (min, median, max)],
            "restart, seconds": [round(one(starts), 2) for one in (min, median, max)],
        }


async def _clean_start(proxy: Proxy) -> float:
    """Seconds of a core that it takes."""
    try:
        await proxy.start()
    finally:
        await proxy.kill()
    return proxy.core_s


def _alike(world: World, ledger: Path) -> Proxy:
    """A process that is configured as those of the world, with a ledger of its own."""
    config = ledger.with_suffix(".toml")
    config.write_text(world.config.read_text().replace(world.ledger, f"sqlite:///{ledger}"))
    return Proxy(config)


async def _ended(world: World, *, lost: bool = False) -> Said:
    """What is left is spent to its end; then every process ends. `lost`: some of them had died before."""
    for one in world.providers:
        one.deal = always_well
    async with Crowd(world.urls, 8, LARGE, leaving=0) as crowd:
        await crowd.until(40, SPENT)
    await _to_the_last(world.urls)
    await asyncio.gather(*(one.stop() for one in world.proxies))
    counts = await world.counted()
    spent, out = sum(one.spent for one in counts.values()), taken(counts)
    assert world.billed <= out <= world.limit, (world.billed, out, world.limit)
    assert world.limit - out < ONE_MORE, "all of it can be spent"
    assert lost or (world.billed <= spent == out), "nobody keeps anything"
    return {"limit": world.limit, "billed": world.billed, "told as spent": spent, "taken": out, "bills": _bills(world)}


def _bills(world: World) -> int:
    return sum(one.bills for one in world.providers)


async def _to_the_last(urls: list[str]) -> None:
    """Until nobody serves the smallest of requests any more, also when all had the time to give back what is idle."""
    refusals = 0
    async with asyncio.timeout(60):
        while refusals < 3:
            seen = {await ask(url, 1) for url in urls}
            assert seen <= {"200", SPENT, AWAY}, seen
            refusals = refusals + 1 if seen == {SPENT} else 0
            if refusals:
                await asyncio.sleep(PAUSE_S)  # noqa: TID251 - real processes, real time
