"""Which cells of the matrix are played: all of them, or few of them that meet each other well."""

from collections.abc import Iterator
from itertools import product

from tests.faults.asking import ASKED
from tests.faults.expected import STATES
from tests.faults.rows import ROWS
from tests.faults.world import MODELS, Cell

PAIRS = tuple(product(ASKED, MODELS))
"""A client's and a provider's dialect."""
WAYS = tuple(product((False, True), STATES, (False, True)))
"""Stream or not, the breaker's state, alone or not."""
STEP = 7
"""How far the pairs are turned from fault to fault: prime to their number, so that each way meets each pair."""


def every(fault: str) -> Iterator[Cell]:
    """The whole product."""
    for pair, way in product(PAIRS, WAYS):
        yield Cell(fault, *pair, *way)


def spread(fault: str) -> Iterator[Cell]:
    """Every way, and among them every pair; over all faults every way with every pair."""
    turned = list(ROWS).index(fault) * STEP
    for at, way in enumerate(WAYS):
        yield Cell(fault, *PAIRS[(at + turned) % len(PAIRS)], *way)
