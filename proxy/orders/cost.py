"""The cheapest for this request first: pure.

What it costs at a target (`proxy.pricing.cost.Lines`) is what its price says of the input's length (with the tiers that
so long an input reaches), of the part of it that was of late read from that target's cache, and of an answer as long as
these answers were of late, if the request allows one. How long answers are depends on who asks, more than on who
answers; so one length serves to compare all targets of a chain.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from translators.usage import priced

USUAL_OUTPUT: Final = 500
"""Tokens of an answer while nobody knows better."""
_BOUNDS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")
CHOICES_MAX: Final = 128


class Shape:
    """What of a request decides its cost, whoever is asked."""

    __slots__ = ("input", "output", "tier")

    def __init__(self, entire: int, output: int, tier: str | None) -> None:
        self.input = entire
        self.output = output
        self.tier = tier


def shape(payload: Mapping[str, Any], entire: int, known: Sequence[float]) -> Shape:
    """Of a request with about `entire` input tokens; `known` are the lengths of answers that targets gave of late."""
    output = round(sum(known) / len(known)) if known else USUAL_OUTPUT
    for name in _BOUNDS:
        bound = payload.get(name)
        if isinstance(bound, int) and bound > 0:
            output = min(output, bound)
    choices = payload.get("n")
    if isinstance(choices, int) and 1 < choices <= CHOICES_MAX:
        output *= choices
    return Shape(max(1, entire), output, priced(payload.get("service_tier")))


def by_cost(costs: Sequence[float]) -> list[int]:
    """The places in their order; those of no price, which cost infinitely much, last, and equals as they stand."""
    return sorted(range(len(costs)), key=costs.__getitem__)
