"""The stream of `/events`: a picture, and then about once a second what has changed, for as long as somebody looks.

One picture a second is made for all viewers together, and none while there are none. Viewers are few, and one that does
not read what it is sent is let go: it asks again and begins with a whole picture.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec.structs import replace

from proxy.admin.overview import Changes, Choosing, Overview, snapshot
from proxy.clock import Clock

VIEWERS: Final = 8
EVERY_S: Final = 1.0
BEHIND: Final = 20
"""Changes that may wait for a viewer."""


class Viewer:
    """What waits for one who looks."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self.over = False

    def give(self, data: bytes) -> None:
        if self._waiting.qsize() > BEHIND:
            self.end()
        else:
            self._waiting.put_nowait(data)

    def end(self) -> None:
        """Nothing more comes; what waits is not told either."""
        self.over = True
        self._waiting.put_nowait(b"")

    async def following(self) -> bytes:
        """What is to be sent next; empty at the end."""
        data = await self._waiting.get()
        return b"" if self.over else data


class Feed:
    """`look` makes a picture of the moment; `failed` is told what kept it from that. `fresh` is awaited before each: it
    asks for what nobody tells unasked."""

    def __init__(
        self,
        look: Callable[[], Overview],
        clock: Clock,
        failed: Callable[[Exception], None],
        fresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._look = look
        self.fresh = fresh
        self._clock = clock
        self._failed = failed
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.pages: Sequence[str] = ()
        """What else the admin port answers; the page offers only that."""
        self.strategy: Callable[[], Choosing | None] = lambda: None

    def now(self) -> bytes:
        """The picture of this moment, as JSON."""
        return snapshot(self._seen())

    def join(self) -> Viewer | None:
        """A viewer more, who must `leave`; None where no more may look."""
        if self._closed or len(self._viewers) >= VIEWERS:
            return None
        seen = self._seen()
        viewer = Viewer()
        viewer.give(_event(b"snapshot", snapshot(seen)))
        self._viewers.add(viewer)
        if self._task is None:
            self._task = asyncio.create_task(self._run(Changes(seen)))
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        if not self._viewers and self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """Nobody may look any more."""
        self._closed = True
        for viewer in self._viewers:
            viewer.end()

    def _seen(self) -> Overview:
        return replace(self._look(), pages=[*self.pages], strategy=self.strategy())

    async def _run(self, changes: Changes) -> None:
        try:
            while True:
                await self._clock.sleep(EVERY_S)
                await self.fresh()
                data = _event(b"change", changes.since(self._seen()))
                for viewer in self._viewers:
                    viewer.give(data)
        except Exception as error:  # noqa: BLE001 - whoever looks is let go, and the operator is told
            self._failed(error)
            for viewer in self._viewers:
                viewer.end()


def _event(name: bytes, data: bytes) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name, data)
