"""Plays cells of the matrix, from outside of any loop."""

import asyncio
from collections.abc import Iterable
from typing import Self

from tests import virtual
from tests.faults.world import Cell, Held, a_world


class Played:
    """A world in a loop of its own; `engine` is the proxy's."""

    def __init__(self, engine: str = "native") -> None:
        self.runner = asyncio.Runner(loop_factory=virtual.VirtualLoop)
        self._entered = a_world(engine)

    def __enter__(self) -> Self:
        self.world = self.runner.run(self._entered.__aenter__())
        self.before = self.runner.run(self.world.settled())
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self._entered.__aexit__(None, None, None))
        self.runner.close()

    def wrong(self, cells: Iterable[Cell]) -> dict[str, str]:
        """Cell by cell, what is not as expected."""

        async def all_of_them() -> dict[str, str]:
            return {str(cell): why for cell in cells if (why := await self.world.wrong(cell))}

        return self.runner.run(all_of_them())

    def held(self) -> Held:
        """What the process holds some seconds later."""
        return self.runner.run(self.world.settled())
