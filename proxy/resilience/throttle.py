"""How long an upstream asked to be left alone: the state of one key, or of one target."""

from collections.abc import Callable

JITTER = 0.1
"""Up to this part of a wait is added to it, so that those who waited do not return together."""


class Throttle:
    """Free at first. A block is only ever prolonged: a shorter one that comes later does not undo it."""

    __slots__ = ("since", "until")

    def __init__(self) -> None:
        self.until = 0.0
        """The moment at which it is free, or was."""
        self.since = 0.0
        """When that wait was asked for."""

    def block(self, now: float, wait_s: float, uniform: Callable[[], float]) -> float:
        """Blocks for `wait_s` seconds and up to a tenth more; gives the moment at which it is free."""
        until = now + wait_s * (1 + JITTER * uniform())
        if until > self.until:
            self.until, self.since = until, now
        return self.until

    def clear(self) -> None:
        """Its upstream answered all the same: it is free."""
        self.until = 0.0

    def free_at(self, now: float) -> float:
        """`now` when it is free, otherwise the moment at which it will be."""
        until = self.until
        return until if until > now else now  # noqa: FURB136 - a call costs more
