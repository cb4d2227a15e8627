"""The quickest first: pure.

One target leads and gets the requests. Another takes the lead when it is quicker by a margin (`MARGIN`), and not within
`HOLD_S` of the last change unless the leader has become twice as slow as it: so that two that are as good as each other
do not take turns with every measurement.

Who is not asked is not measured, so now and then a request goes to another target first: one in twenty at most, and the
seldomer to a target the slower it was, so that finding out costs less than a twentieth of the leader's time on average.
None goes to who was asked within the last `REST_S`: a busy proxy does not explore more for being busy. Who is not
measured yet is tried sooner.
"""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

MARGIN: Final = 0.8
"""Who takes the lead needs at most this part of the leader's time."""
HOLD_S: Final = 30.0
FAR: Final = 0.5
"""Who needs at most this part of it need not wait for that."""
REST_S: Final = 10.0
EXPLORED: Final = 0.05
"""The part of the requests that goes exploring, at most; the other targets have equal parts of it."""
NEW: Final = 0.2
"""The same of targets that are not measured yet, which rest for `NEW_REST_S` alone."""
NEW_REST_S: Final = 1.0


class Seen(Struct, frozen=True):
    """What is known of a target."""

    seconds: float | None
    """None: nothing."""
    asked_at: float | None


class Lead(Struct, frozen=True):
    """Who leads, and since when."""

    name: str
    since: float


def leading(names: Sequence[str], seen: Sequence[Seen], before: Lead | None, now: float) -> Lead:
    """Who leads now; while nobody was measured, the head of the chain."""
    best = _quickest(seen)
    if before is None or before.name not in names:
        return Lead(names[best], now)
    mine, its = seen[names.index(before.name)].seconds, seen[best].seconds
    if mine is None or its is None:
        return before
    needed = FAR if now - before.since < HOLD_S else MARGIN
    return Lead(names[best], now) if its < mine * needed else before


def by_latency(seen: Sequence[Seen], lead: int, now: float, chance: float) -> list[int]:
    """The places in their order: the leader, or whoever is explored, then the others by their time; those that nobody
    has measured after them, as they stand. `chance` is at least 0 and below 1."""
    times = _times(seen)
    places = sorted(range(len(seen)), key=times.__getitem__)
    _first(places, lead)
    if chance < NEW and (explored := _explored(seen, lead, now, chance)) is not None:
        _first(places, explored)
    return places


def _explored(seen: Sequence[Seen], lead: int, now: float, chance: float) -> int | None:
    """Whom this request is to find out about."""
    quick, part = seen[lead].seconds, 1.0 / (len(seen) - 1)
    for place, one in enumerate(seen):
        if place == lead:
            continue
        if one.seconds is None:
            chance -= NEW * part
        else:
            chance -= EXPLORED * part * (1.0 if quick is None or quick >= one.seconds else quick / one.seconds)
        if chance < 0.0:
            rest = NEW_REST_S if one.seconds is None else REST_S
            return place if one.asked_at is None or now - one.asked_at >= rest else None
    return None


def _quickest(seen: Sequence[Seen]) -> int:
    times = _times(seen)
    return times.index(min(times))


def _times(seen: Sequence[Seen]) -> list[float]:
    return [math.inf if one.seconds is None else one.seconds for one in seen]


def _first(places: list[int], place: int) -> None:
    places.remove(place)
    places.insert(0, place)
