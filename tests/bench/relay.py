"""The least that can stand between a client and a provider: `python -m tests.bench.relay PORT TARGET_PORT`.

Hands on what it reads, unread, each read a write. What a chunk costs here is what the kernel and the event loop take of
every chunk, and no proxy on this machine can do with less.
"""

import asyncio
import sys
from typing import cast

import uvloop


class End(asyncio.Protocol):
    """One side of a relayed connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: End | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)
        else:
            self.early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class Front(End):
    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._joining = asyncio.get_running_loop().create_task(self._join())

    async def _join(self) -> None:
        _, back = await asyncio.get_running_loop().create_connection(End, "127.0.0.1", self._port)
        self.other, back.other = back, self
        for data in self.early:
            self.data_received(data)


async def main(port: int, target: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Front(target), "127.0.0.1", port)
    await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
