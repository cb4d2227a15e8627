"""Balances in this process' memory: for one process that may forget them when it ends, and for tests.

Several ledgers may share one.
"""

from collections.abc import Sequence

from proxy.clock import Clock
from proxy.ledger.grants import apply
from proxy.ledger.store import GONE_S, Ask, Count, Told

SWEEP_EVERY = 256
"""Calls between two looks for what has expired."""


class MemoryStore:
    """See Store. `memory` is any name for what it keeps."""

    def __init__(self, clock: Clock, memory: str = "memory") -> None:
        self._clock = clock
        self._memory = memory
        self._balances: dict[str, dict[str, Count]] = {}
        self._expires: dict[str, int] = {}
        self._marks: dict[str, int] = {}
        self._seen: dict[str, float] = {}
        """When each owner called last."""
        self._calls = 0

    async def open(self) -> None:
        """Nothing to do."""

    async def call(self, owner: str, asks: Sequence[Ask], memory: str) -> Told:
        now = self._clock.wall()
        self._calls += 1
        if self._calls % SWEEP_EVERY == 0:
            self._expire(now)
        self._seen[owner] = now
        remembers = memory in {"", self._memory}
        standings = []
        for ask in asks:
            counts = self._balances.setdefault(ask.key, {})
            self._expires[ask.key] = max(ask.expires, self._expires.get(ask.key, 0))
            standings.append(apply(counts, owner, ask, self._lives, remembers=remembers))
        return Told(tuple(standings), self._memory, now)

    async def mark(self, name: str, expires: int) -> bool:
        now = self._clock.wall()
        if self._marks.get(name, 0) > now:
            return False
        self._marks[name] = expires
        return True

    async def close(self) -> None:
        """Keeps everything, for those who share it."""

    def _lives(self, owner: str) -> bool:
        return self._seen.get(owner, -GONE_S) > self._clock.wall() - GONE_S

    def forget(self, memory: str) -> None:
        """Knows nothing any more."""
        self._memory = memory
        self._balances.clear()
        self._expires.clear()
        self._marks.clear()

    def _expire(self, now: float) -> None:
        for key in [key for key, expires in self._expires.items() if expires <= now]:
            del self._expires[key], self._balances[key]
        for name in [name for name, expires in self._marks.items() if expires <= now]:
            del self._marks[name]
