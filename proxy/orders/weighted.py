"""Shares by weight: pure.

Each target draws a number and waits -ln(draw) / weight; who waits least is first. Of such waits each is the least in
exactly its weight's share of all draws, and what holds of the first holds of those after it: where the first target
fails, the next are asked by their weights too. Draws by chance make shares, draws from a key make a key stay
(`proxy.orders.affinity`).
"""

import math
from collections.abc import Sequence


def by_weight(weights: Sequence[float], draws: Sequence[float]) -> list[int]:
    """The places in their order; `draws` are at least 0 and below 1. Those of no weight come last, as they stand."""
    waits = [-math.log1p(-draw) / weight if weight else math.inf for weight, draw in zip(weights, draws, strict=True)]
    return sorted(range(len(waits)), key=waits.__getitem__)
