"""The store of a ledger that many machines share: Redis or Valkey, one script for each call.

Every balance of a ledger lies under one hash tag, so that one script may touch them all, and the script is the only one
who changes them: whatever happens to the connection, it ran whole or not at all. The time is the server's, for the
owners' clocks need not agree about which day it is.

What hard budgets need of the server is looked at whenever a connection is new: that it writes down what it is told
(`appendonly yes`), or a restart would forget leases of which their owners live on; and that it never throws anything
away to make room (`maxmemory-policy noeviction`), for a balance that is gone reads like one that nobody has used. A
server that forgot nevertheless is noticed by its memory, a name that the first call of all makes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from typing import Any, Final

from proxy.config.spending import LedgerSettings
from proxy.ledger.grants import in_hand
from proxy.ledger.script import CALL
from proxy.ledger.store import Ask, Away, Count, Standing, Told, Unfit
from proxy.redis import Ask as Exchange
from proxy.redis import Command, Lost, Missing, Redis, Refused

PREFIX: Final = "sidestep:{ledger}:"
MEMORY: Final = f"{PREFIX}memory"
ALIVE: Final = f"{PREFIX}alive"
"""When each owner was noted as living."""
EXACT: Final = 2**53 - 1
"""The largest number that the script is exact with; no budget is as large."""
TOGETHER: Final = 100
"""Balances in one script, which keeps the server from everything else: a tenth of a call's time at most."""
UNSURE: Final = 1_000
"""Marks that are remembered for want of an answer."""
DIGEST: Final = sha1(CALL.encode(), usedforsecurity=False).hexdigest()
UNFIT: Final = {
    "NOAUTH": "it wants a password: set [ledger] password",
    "WRONGPASS": "check user and password of [ledger]",
    "NOPERM": "let the user do EVALSHA, EVAL, TIME, HGETALL, HGET, HSET, HDEL, EXPIREAT, SET, GET and INFO",
    "MOVED": "it is one of a cluster, which is not followed: name a server that holds everything",
    "WRONGTYPE": f"something else uses keys that begin with {PREFIX}: name another database, redis://host:port/N",
}
"""Refusals that waiting does not heal, with what to do."""


class RedisStore:
    """`settings.url` names Redis; `hard`: hard budgets are kept here, and what they need of the server is demanded."""

    def __init__(self, settings: LedgerSettings, *, hard: bool) -> None:
        self._marker = os.urandom(8).hex()
        self._hard = hard
        self._missing = ""
        self._unsure: set[str] = set()
        """Marks of which nobody knows whether they were set."""
        password = settings.password.reveal() if settings.password else None
        try:
            self._redis = Redis(settings.url, password, settings.timeout_s, self._look)
        except Missing as missing:
            self._missing = str(missing)

    async def open(self) -> None:
        if self._missing:
            raise Unfit(self._missing)
        with _as_the_ledger_says():
            await self._redis.open()

    async def call(self, owner: str, asks: Sequence[Ask], memory: str) -> Told:
        standings: list[Standing] = []
        for start in range(0, max(len(asks), 1), TOGETHER):
            some = asks[start : start + TOGETHER]
            seconds, micros, has, *counts = await self._run(owner, some, memory)
            standings += (standing(owner, ask.key, one) for ask, one in zip(some, counts, strict=True))
        return Told(tuple(standings), has, int(seconds) + int(micros) / 1_000_000)

    async def mark(self, name: str, expires: int) -> bool:
        key = f"{PREFIX}mark:{name}"
        try:
            [set_now, holder] = await self._ask(
                ("SET", key, self._marker, "NX", "EXAT", expires),
                ("GET", key),
            )
        except Away:
            # It may have been set, and the answer alone have been lost: then it is this process' own to act on.
            if len(self._unsure) < UNSURE:
                self._unsure.add(name)
            raise
        first = bool(set_now) or (name in self._unsure and holder == self._marker)
        self._unsure.discard(name)
        return first

    async def close(self) -> None:
        if not self._missing:
            await self._redis.close()

    async def _run(self, owner: str, asks: Sequence[Ask], memory: str) -> list[Any]:
        keys = (MEMORY, ALIVE, *(f"{PREFIX}balance:{ask.key}" for ask in asks))
        words = (len(keys), *keys, owner, memory, *_words(asks))
        try:
            [reply] = await self._ask(("EVALSHA", DIGEST, *words))
        except _Unknown:
            [reply] = await self._ask(("EVAL", CALL, *words))
        return list(reply)

    async def _ask(self, *commands: Command) -> list[Any]:
        with _as_the_ledger_says():
            return _unrefused(await self._redis.ask(*commands))

    async def _look(self, exchange: Exchange) -> None:
        if not self._hard:
            return
        with _as_the_ledger_says():
            facts = _unrefused(await exchange(("INFO", "persistence"), ("INFO", "memory")))
        if wrong := lacking("\n".join(facts)):
            raise Unfit(f"{self._redis.name} cannot keep hard budgets: {wrong}")


class _Unknown(Exception):
    """The server does not have the script: it was restarted, or told to forget its scripts."""


@contextmanager
def _as_the_ledger_says() -> Iterator[None]:
    try:
        yield
    except Lost as lost:
        raise Away(str(lost)) from None
    except Refused as refused:
        if refused.code == "NOSCRIPT":
            raise _Unknown from None
        if advice := UNFIT.get(refused.code):
            raise Unfit(f"{refused}; {advice}") from None
        raise Away(str(refused)) from None


def _unrefused(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Refused):
            raise reply
    return replies


def lacking(info: str) -> str:
    """What a server with this INFO lacks for hard budgets, as a clause that says what to set; empty for nothing."""
    facts = dict(line.strip().split(":", 1) for line in info.splitlines() if ":" in line)
    wanted = (("aof_enabled", "1", "appendonly yes"), ("maxmemory_policy", "noeviction", "maxmemory-policy noeviction"))
    missing = [setting for fact, value, setting in wanted if facts.get(fact) != value]
    return f"set {' and '.join(missing)} in its configuration" if missing else ""


def standing(owner: str, key: str, counts: Sequence[str]) -> Standing:
    """What the script answers of one balance: names and counters in turn."""
    owners, lost = {}, 0
    for name, text in zip(counts[::2], counts[1::2], strict=True):
        granted, returned, spent, lives = map(int, text.split())
        owners[name] = count = Count(granted, returned, spent)
        lost += 0 if lives else max(0, in_hand(count))
    everyone = tuple(owners.values())
    own = owners.pop(owner, Count())
    total = sum(count.granted - count.returned for count in everyone)
    return Standing(key, own, total, sum(count.spent for count in everyone), owners, lost)


def _words(asks: Sequence[Ask]) -> Sequence[str | int]:
    words: list[str | int] = []
    for ask in asks:
        words += (min(number, EXACT) for number in (ask.limit, ask.least, ask.need, ask.chunk))
        words += ("1" if ask.force else "", ask.expires, *_digits(ask.own), len(ask.others))
        for name, count in ask.others.items():
            words += (name, *_digits(count))
    return words


def _digits(count: Count) -> tuple[int, int, int]:
    return count.granted, count.returned, count.spent
