"""What a function gave, remembered: a dictionary that makes what it lacks.

For the request's way. `functools.lru_cache` packs arguments and keeps an order at every look, which costs as much as
what most of these functions do; here a look is one look into a dictionary. What is full begins anew.
"""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """`memo[key]` is what `make` gives for it; at most `cap` are kept. What `make` raises is not."""

    __slots__ = ("_cap", "_make")

    def __init__(self, make: Callable[[K], V], cap: int) -> None:
        super().__init__()
        self._make = make
        self._cap = cap

    def __missing__(self, key: K) -> V:
        made = self._make(key)
        if len(self) >= self._cap:
            self.clear()
        self[key] = made
        return made
