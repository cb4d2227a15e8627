"""The rule by which a store grants: pure, and the same wherever balances are kept."""

from collections.abc import Callable, Mapping, MutableMapping

from proxy.ledger.store import Ask, Count, Standing

SCARCE = 10
"""A balance of which less than one part in so many is free is near its end: nobody takes more of it than it needs."""
SHARE = 8
"""Of what is free, one owner gets at most one part in so many to have in hand."""


def granted(total: int, ask: Ask) -> int:
    """How much `ask` gets of a balance of which `total` is granted to somebody."""
    if ask.force:
        return ask.need
    free = ask.limit - total
    if ask.least <= 0 or free < ask.least:
        return 0
    given = min(ask.need, free)
    if ask.chunk and not scarce(ask.limit, total + given):
        given = max(given, min(ask.chunk, free // SHARE))
    return given


def scarce(limit: int, total: int) -> bool:
    return (limit - total) * SCARCE < limit


def merged(one: Count, other: Count) -> Count:
    if one == other:
        return one
    return Count(max(one.granted, other.granted), max(one.returned, other.returned), max(one.spent, other.spent))


def apply(
    counts: MutableMapping[str, Count],
    owner: str,
    ask: Ask,
    lives: Callable[[str], bool] = lambda _: True,
    *,
    remembers: bool,
) -> Standing:
    """Merges and grants one ask in the counters of its balance, by owner; `lives` says of another one whether it was
    heard of, `remembers`: the owner knows this store."""
    for name, count in ask.others.items():
        if name != owner:
            counts[name] = merged(counts.get(name, _NONE), count)
    own = merged(counts.get(owner, _NONE), ask.own)
    if remembers:
        total = total_of(counts) + _outstanding(own) - _outstanding(counts.get(owner, _NONE))
        if given := granted(total, ask):
            own = Count(own.granted + given, own.returned, own.spent)
    if own != _NONE:
        counts[owner] = own
    others = {name: count for name, count in counts.items() if name != owner}
    return Standing(
        key=ask.key,
        own=own,
        total=total_of(counts),
        spent=sum(count.spent for count in counts.values()),
        others=others,
        lost=sum(held for name, count in others.items() if (held := in_hand(count)) > 0 and not lives(name)),
    )


def in_hand(count: Count) -> int:
    """What an owner reserved or leased, and neither spent nor gave back."""
    return _outstanding(count) - count.spent


def total_of(counts: Mapping[str, Count]) -> int:
    return sum(_outstanding(count) for count in counts.values())


def _outstanding(count: Count) -> int:
    return count.granted - count.returned


_NONE = Count()
