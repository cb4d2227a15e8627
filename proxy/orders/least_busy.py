"""The less busy of two that are drawn by chance first: pure.

To send every request to whoever is least busy would be a stampede: a target that comes back from an outage, or from a
wait that it asked for, has nothing under way, and all who come at that moment would go there at once. So two are drawn,
and the less busy of them leads. Both draws may fall on the same one: in a chain of n nobody leads more than
1 - (1 - 1/n)^2 of the requests, however idle it is, which is three quarters of two and five ninths of three.

Busy is measured against what a target bears: calls in flight as a part of its limit.
"""

from collections.abc import Sequence


def loads(in_flight: Sequence[int], limits: Sequence[int]) -> list[float]:
    """How busy each would be with one more. A limit of 0 is none, and counts as the largest of the others'."""
    usual = max(limits, default=0) or 1
    return [(calls + 1) / (limit or usual) for calls, limit in zip(in_flight, limits, strict=True)]


def by_load(load: Sequence[float], one: float, other: float) -> list[int]:
    """The places in their order: the less busy of two that `one` and `other` (at least 0, below 1) draw, then the rest,
    the less busy first."""
    count = len(load)
    first, second = int(one * count), int(other * count)
    head = second if load[second] < load[first] else first
    return [head, *sorted((place for place in range(count) if place != head), key=load.__getitem__)]
