"""`order`, `weights`, `free` and `affinity` of `[models."NAME"]` and `[embeddings.NAME]`.

Nothing said is None: the chain's order, and nothing to be asked on a request's way. `weights` and `free` may stay where
another `order` is chosen for a while, so that going back is one line.
"""

from collections.abc import Iterator, Sequence
from typing import Final, cast

from proxy.config.errors import listed, nearest
from proxy.config.orders import AFFINITIES, ORDERS, Affinity, Free, Order, Ordering
from proxy.config.table import Range, Table, number

WEIGHT: Final = Range(0, 1_000_000)
ALLOWANCE: Final = Range(0, 1_000_000_000_000)


def read_ordering(table: Table, chain: Sequence[str]) -> Ordering | None:
    """What a block says of the order of `chain`, whose entries are written as in the file."""
    order = cast("Order", table.choice("order", ORDERS) or "priority")
    weights = dict(_weights(table, chain))
    free = dict(_allowances(table, chain))
    affinity = cast("Affinity", table.choice("affinity", AFFINITIES) or "none")
    if order == "weighted" and weights and not any(weights.get(entry, 1.0) for entry in chain):
        table.wrong("weights", "must give at least one target more than 0")
    if order == "free_first" and "free" not in table:
        told = '{"provider/model" = {requests_per_day = 1000}}'
        table.wrong("free", f'is missing: order = "free_first" needs what is free, as in free = {told}')
    if order == "priority" and affinity == "none":
        return None
    return Ordering(order, weights, free, affinity)


def _weights(table: Table, chain: Sequence[str]) -> Iterator[tuple[str, float]]:
    block = table.table("weights")
    for entry in _named(block, chain):
        weight, problem = number(block.raw(entry), float, WEIGHT)
        if weight is None:
            block.wrong(entry, problem)
        else:
            yield entry, weight


def _allowances(table: Table, chain: Sequence[str]) -> Iterator[tuple[str, Free]]:
    block = table.table("free")
    for entry in _named(block, chain):
        limits = block.table(entry)
        free = Free(**{name: limits.number(name, int, ALLOWANCE) or 0 for name in Free.__struct_fields__})
        limits.finish()
        if free == Free() and isinstance(block.raw(entry), dict):
            block.wrong(entry, f"must say how much is free, by {listed(Free.__struct_fields__)}")
        yield entry, free


def _named(block: Table, chain: Sequence[str]) -> Iterator[str]:
    """The entries that a table speaks of, those that are none of the chain's noted as mistakes."""
    for entry in block:
        if entry in chain:
            yield entry
        else:
            block.wrong(entry, f"is no target of this chain{nearest(entry, chain)}")
