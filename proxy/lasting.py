"""What stays as long as its settings do, over the generations of a configuration, and ends in the background.

Ending takes a while, for what waits is written or sent first, and nobody waits for it but the process' own end. What
was lost on the way is one count over all there ever were.
"""

import asyncio
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar


class Closing(Protocol):
    """One of them."""

    dropped: int
    """What it lost so far."""

    def open(self) -> None:
        """Takes from now on what it is given."""

    async def close(self) -> None:
        """Deals with what it has, for a bounded time."""


One = TypeVar("One", bound=Closing)


class Lasting(Generic[One]):
    """Used in one running loop."""

    def __init__(self) -> None:
        self._open: list[One] = []
        self._ending: dict[asyncio.Task[None], One] = {}
        self._lost_before = 0
        """By those that have ended."""

    @property
    def dropped(self) -> int:
        return self._lost_before + sum(one.dropped for one in (*self._open, *self._ending.values()))

    @property
    def opened(self) -> Sequence[One]:
        """Those that are open, and not ending."""
        return tuple(self._open)

    def open(self, one: One | None) -> None:
        """One that is open already goes on."""
        if one is not None and one not in self._open:
            self._open.append(one)
            one.open()

    def end(self, one: One | None) -> None:
        """Nobody gives it anything any more. Waits for nothing."""
        if one is None:
            return
        if one in self._open:
            self._open.remove(one)
        task = asyncio.create_task(one.close())
        self._ending[task] = one
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Returns once those that end have ended, which takes a bounded time."""
        await asyncio.gather(*self._ending)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._lost_before += self._ending.pop(task).dropped
