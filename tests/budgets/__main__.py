"""`make budgets`: what budgets must hold under, at full size; tells what was seen, and ends with 1 where one did not.

python -m tests.budgets [SCENE ...]
"""

import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from proxy.clock import SystemClock
from tests.budgets import scenes
from tests.budgets.scenes import Said
from tests.redis_server import PROGRAM, RedisServer

DOLLAR = 1_000_000_000
CLOCK = SystemClock()
RESTART_S = 1.0
"""Of a core, on a quiet machine: how long that takes is up to what else it does."""


async def _on_redis(folder: Path) -> Said:
    if PROGRAM is None:
        return {"skipped": "needs redis-server or valkey-server"}
    home = folder / "redis"
    home.mkdir()
    server = await RedisServer(home).start()
    try:
        return await scenes.many_machines(folder, server, 20 * DOLLAR, 48, proxies=3, rounds=10, steps=200)
    finally:
        await server.stop()


SCENES: dict[str, tuple[str, Callable[[Path], Awaitable[Said]]]] = {
    "exactly": (
        "1,000 requests at once by the real SDK, each costing what it reserves, where 100 fit",
        lambda folder: scenes.exactly(folder, 1_000, 100),
    ),
    "one": (
        "bills, failures, cuts and clients that leave, by chance, at one process",
        lambda folder: scenes.anything_goes(folder, DOLLAR, 64),
    ),
    "file": (
        "the same at four processes on one port and one SQLite file",
        lambda folder: scenes.anything_goes(folder, DOLLAR, 64, processes=4),
    ),
    "redis": (
        "the same at three proxies on one Redis, which is stopped, held up and emptied while they are killed",
        _on_redis,
    ),
    "killed": (
        "a process killed 50 times under load",
        lambda folder: scenes.killed_often(folder, 100 * DOLLAR, 32, kills=50, steps=100, within_s=RESTART_S),
    ),
}


async def _played(name: str) -> bool:
    title, scene = SCENES[name]
    print(f"{name}: {title}", flush=True)
    since, held = CLOCK.now(), True
    with tempfile.TemporaryDirectory() as folder:
        try:
            for key, value in (await scene(Path(folder))).items():
                print(f"  {key}: {value}")
        except AssertionError:
            held = False
            traceback.print_exc(file=sys.stdout)
    print(f"  {'held' if held else 'FAILED'} after {CLOCK.now() - since:.0f} s", flush=True)
    return held


async def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in SCENES]:
        print(f"no such scene: {', '.join(unknown)}; there are: {', '.join(SCENES)}")
        return 2
    held = [await _played(name) for name in names or SCENES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(uvloop.run(main(sys.argv[1:])))
