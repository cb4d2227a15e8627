"""How long an upstream asked to be left alone: the state of one key, or of one target."""

from collections.abc import Callable

JITTER = 0.1
"""Up to this part of a wait is added to it, so that those who waited do not return together."""


class Throttle:
    """Free at first. A block is only ever prolonged: a shorter one that comes later does not undo it."""

    __slots__ = ("until",)

    def __init__(self) -> None:
        self.until = 0.0
        """The moment at which it is free, or was."""

    def block(self, now: float, wait_s: float, uniform: Callable[[], float]) -> float:
        """Blocks for `wait_s` seconds and up to a tenth more; gives the moment at which it is free."""
        self.until = max(self.until, now + wait_s * (1 + JITTER * uniform()))
        return self.until

    def free_at(self, now: float) -> float:
        """`now` when it is free, otherwise the moment at which it will be."""
        until = self.until
        return until if until > now else now  # noqa: FURB136 - a call costs more
