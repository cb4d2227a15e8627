"""The rule in Redis' language against the one in ours."""

from collections.abc import Mapping
from random import Random  # noqa: TID251 - seeded

from proxy.config.spending import AMOUNT_MAX, LedgerSettings
from proxy.ledger.grants import apply
from proxy.ledger.redis import RedisStore
from proxy.ledger.store import Ask, Count

OWNERS = ("one", "two", "three")
BIG = 10**24
"""What an owner may have been granted and have given back in a month under the largest budget."""


async def test_both_grant_and_merge_the_same_on_whatever_they_are_asked(redis_server):
    """A thousand asks of all sizes, by several owners, with counters of their own that grow beyond what a double
    holds; sums and standings equal to the last digit."""
    chance = Random(5)
    store = RedisStore(LedgerSettings(url=redis_server.url, timeout_s=5), hard=False)
    held: dict[str, dict[str, Count]] = {}
    living: set[str] = set()
    for _ in range(250):
        asks = [an_ask(chance, held) for _ in range(chance.randint(1, 7))]
        owner = chance.choice(OWNERS)
        told = await store.call(owner, asks, "")
        living.add(owner)
        naive = [apply(held.setdefault(ask.key, {}), owner, ask, living.__contains__, remembers=True) for ask in asks]
        for has, right in zip(told.standings, naive, strict=True):
            assert (has.key, has.own, has.total) == (right.key, right.own, right.total)
            assert (has.spent, has.lost) == (right.spent, right.lost)
            assert some(has.others) == some(right.others)
    given = [ask for counts in held.values() for ask in counts.values()]
    assert max(count.granted for count in given) > 2**53, "the sizes that matter were met"
    await store.close()


def some(counts: Mapping[str, Count]) -> dict[str, Count]:
    return {name: count for name, count in counts.items() if count != Count()}


def an_ask(chance: Random, held: dict[str, dict[str, Count]]) -> Ask:
    kind, key = chance.choice((("small", "a"), ("small", "b"), ("large", "c"), ("huge", "d")))
    limit = {"small": 100, "large": 10**12, "huge": AMOUNT_MAX}[kind]
    # Near what is free, where every comparison may tip over.
    free = limit - sum(count.granted - count.returned for count in held.get(key, {}).values())
    least = max(0, chance.choice((0, 1, free - 1, free, free + 1, free // 3, chance.randint(0, limit // 20))))
    need = least + chance.choice((0, 0, 1, limit // 50))
    chunk = chance.choice((0, 0, 1, limit // 50, limit // 9, limit))
    return Ask(
        key,
        limit,
        a_count(chance, held.get(key, {}), kind),
        least=least,
        need=need,
        chunk=chunk,
        force=chance.random() < 0.03,
        others={f"gone-{chance.randint(0, 3)}": a_count(chance, {}, kind) for _ in range(chance.choice((0, 0, 0, 2)))},
    )


def a_count(chance: Random, counts: dict[str, Count], kind: str) -> Count:
    """What an owner may say of itself or others: late, current, or more than the store knows."""
    if chance.random() < 0.5 or not counts:
        top = BIG if kind == "huge" else 20
        granted = chance.choice((0, chance.randint(0, top)))
        return Count(granted, max(0, granted - chance.randint(0, 3)), min(granted, 2))
    known = chance.choice(tuple(counts.values()))
    return Count(known.granted, known.granted - chance.randint(0, min(known.granted, 3)), known.spent)
