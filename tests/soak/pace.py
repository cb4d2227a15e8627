"""A load that follows what neighbours on the machine leave of the processor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from proxy.drill.load import CLOCK

LOOK_S = 0.5
LEAST = 0.05
LOUD = 0.15
"""Who waits for the processor for a larger share of the time is not alone: then times say more of the neighbours."""


class Runs(Protocol):
    """A process on a core."""

    def cpu_s(self) -> float:
        """Processor seconds used so far."""

    def waited_s(self) -> float:
        """Seconds so far in which it could have run and others did."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a process has had so far; the difference of two is what it had between."""

    at: float
    cpu_s: float
    waited_s: float

    @classmethod
    def of(cls, process: Runs, now: Callable[[], float] = CLOCK.now) -> Self:
        return cls(now(), process.cpu_s(), process.waited_s())

    def since(self, before: "Mark") -> "Mark":
        return Mark(self.at - before.at, self.cpu_s - before.cpu_s, self.waited_s - before.waited_s)

    @property
    def share(self) -> float:
        """Of the processor that it used."""
        return self.cpu_s / max(1e-9, self.at)

    @property
    def left(self) -> float:
        """Of the processor that others would have left to it: what it had of what it could have used."""
        return max(LEAST, self.cpu_s / max(1e-9, self.cpu_s + self.waited_s))

    @property
    def waiting(self) -> float:
        """Of the time."""
        return self.waited_s / max(1e-9, self.at)


class Following:
    """Requests a second, as many as the process could answer with what it was left in the last half second.
    `per_cpu_s` is how many a second of the processor answers."""

    def __init__(self, process: Runs, per_cpu_s: float, now: Callable[[], float] = CLOCK.now) -> None:
        self._process = process
        self._per_cpu_s = per_cpu_s
        self._now = now
        self._mark = Mark.of(process, now)
        self._left = 1.0

    def rate(self) -> float:
        if self._now() - self._mark.at >= LOOK_S:
            mark = Mark.of(self._process, self._now)
            self._left, self._mark = mark.since(self._mark).left, mark
        return self._per_cpu_s * self._left
