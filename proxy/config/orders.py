"""In which order a chain's targets are asked: frozen values, checked when they are loaded."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Order = Literal["priority", "weighted", "latency", "cost", "least_busy", "free_first"]
ORDERS: Final[tuple[Order, ...]] = ("priority", "weighted", "latency", "cost", "least_busy", "free_first")
Affinity = Literal["none", "user", "session", "cache_key"]
AFFINITIES: Final[tuple[Affinity, ...]] = ("none", "user", "session", "cache_key")


class Free(Struct, frozen=True):
    """What a target gives for nothing. 0: no limit of that kind."""

    requests_per_minute: int = 0
    requests_per_day: int = 0
    tokens_per_minute: int = 0
    tokens_per_day: int = 0


class Ordering(Struct, frozen=True):
    """An order that is not simply the chain's, or requests that stay with one target."""

    order: Order = "priority"
    weights: Mapping[str, float] = {}
    """Shares of the requests, by the chain's entries; one that is not named has 1."""
    free: Mapping[str, Free] = {}
    """By the chain's entries."""
    affinity: Affinity = "none"
    """Whose requests stay together."""
