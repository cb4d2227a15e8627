"""Real `sidestep serve` processes under one budget, the providers that bill them, and the store that all share."""

import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from proxy.clock import SystemClock
from proxy.config.spending import NANOS
from proxy.ledger.store import Ask, Count, Store
from tests.budgets.provider import PRICE, BillingProvider, Deal
from tests.e2e.process import ENTRY, ROOT, provider
from tests.redis_server import RedisServer, free_port

MODEL = "priced"
TARGETS = ("alpha", "beta")
START_S = 30.0
"""Only a failing test waits that long."""
CLOCK = SystemClock()
TIMES = """
[breaker]
consecutive_failures = 1000
[retry]
base_s = 0.01
cap_s = 0.02
budget_min_per_s = 1000
[timeouts]
progress_s = 30
progress_unary_s = 30
deadline_s = 60
[server]
drain_s = 5
"""


class Proxy:
    """One process. It may be killed and started again, on the same port or, without one, on another."""

    def __init__(self, config: Path, port: int = 0, *, shared: bool = False) -> None:
        self.started_s = 0.0
        """How long it took until it served."""
        self.core_s = 0.0
        """The same in seconds of a core, where the system tells."""
        self.url = self.admin = ""
        self._words = ("--config", str(config), "--port", str(port), "--admin", "127.0.0.1:0")
        self._words += ("--reuse-port",) if shared else ()
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        since = CLOCK.now()
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ENTRY, "serve", *self._words),
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            stdout=DEVNULL,
            stderr=PIPE,
        )
        said = b""
        async with asyncio.timeout(START_S):
            while b"serving http" not in (line := await self._child.stderr.readline()):
                said += line
                assert line, f"sidestep did not start: {said.decode()}"
        self.started_s = CLOCK.now() - since
        self.core_s = _core_s(self._child.pid)
        self.url, self.admin = (part.decode().rstrip(",") for part in line.split() if part.startswith(b"http://"))
        return self

    async def kill(self) -> None:
        """As by `kill -9`."""
        await self._ended_by(signal.SIGKILL)

    async def stop(self) -> None:
        await self._ended_by(signal.SIGTERM)

    async def _ended_by(self, number: int) -> None:
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(number)
            await self._child.communicate()


def _core_s(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class World:
    providers: Sequence[BillingProvider]
    proxies: list[Proxy]
    limit: int
    """In nano-dollars."""
    ledger: str
    """The store's address."""
    redis: RedisServer | None = None
    config: Path = field(default_factory=Path)

    @property
    def billed(self) -> int:
        return sum(one.billed for one in self.providers)

    @property
    def urls(self) -> list[str]:
        return [one.url for one in self.proxies]

    async def counted(self) -> dict[str, Count]:
        """What every owner was granted, gave back and spent, as the store has it."""
        keys = await self._keys()
        assert len(keys) == 1, keys
        store = self._store()
        await store.open()
        told = await store.call("auditor", [Ask(keys[0], self.limit)], "")
        await store.close()
        return dict(told.standings[0].others)

    def _store(self) -> Store:
        from proxy.config.spending import LedgerSettings
        from proxy.ledger.stores import store_for

        return store_for(LedgerSettings(self.ledger, timeout_s=2), CLOCK, hard=True)

    async def _keys(self) -> list[str]:
        if self.redis is None:
            with closing(sqlite3.connect(self.ledger.removeprefix("sqlite:///"))) as file:
                return [key for (key,) in file.execute("SELECT DISTINCT balance FROM counts")]
        found = await self.redis.lines("KEYS", "sidestep:{ledger}:balance:*")
        return [line.removeprefix("sidestep:{ledger}:balance:") for line in found]


def taken(counts: dict[str, Count]) -> int:
    """What is granted and not given back: the store's word of what is spent at most."""
    return sum(one.granted - one.returned for one in counts.values())


@asynccontextmanager
async def a_world(
    folder: Path,
    limit: int,
    deal: Deal,
    *,
    processes: int = 1,
    shared: bool = False,
    redis: RedisServer | None = None,
    free_input: bool = False,
    more: str = "",
) -> AsyncIterator[World]:
    """`shared`: the processes listen on one port. Without `redis` they share an SQLite file."""
    ledger = redis.url if redis is not None else f"sqlite:///{folder / 'ledger.db'}"
    config = folder / "config.toml"
    async with AsyncExitStack() as stack:
        providers = [
            await stack.enter_async_context(BillingProvider(name, deal, seed)) for seed, name in enumerate(TARGETS)
        ]
        config.write_text(_config(providers, limit, ledger, free_input=free_input) + more)
        port = free_port() if shared else 0
        proxies = [Proxy(config, port, shared=shared) for _ in range(processes)]
        for one in proxies:
            stack.push_async_callback(one.stop)
        await asyncio.gather(*(one.start() for one in proxies))
        yield World(providers, proxies, limit, ledger, redis, config)


def _config(providers: Sequence[BillingProvider], limit: int, ledger: str, *, free_input: bool) -> str:
    price = PRICE.replace("input = 1", "input = 0") if free_input else PRICE
    parts = [TIMES]
    for one in providers:
        parts += [provider(one), f'[prices."{one.name}/{MODEL}"]', *price.split(", ")]
    chain = ", ".join(f'"{one.name}/{MODEL}"' for one in providers)
    parts += [f"[models.{MODEL}]", f"chain = [{chain}]"]
    parts += ["[[budgets]]", 'name = "all"', 'unit = "usd"', f"amount = {limit / NANOS:.9f}", 'window = "month"']
    parts += ["[ledger]", f'url = "{ledger}"']
    parts += ["timeout_s = 0.25"] if ledger.startswith("redis") else []
    return "\n".join(parts) + "\n"
