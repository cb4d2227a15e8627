"""A `redis-server` of a test's own: on a free port, in a folder that goes with the test, and as unwell as it likes."""

import asyncio
import os
import shutil
import signal
import socket
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Self

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
PATIENCE_S = 10.0
"""Only a failing test waits that long."""
FIT = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class RedisServer:
    """What it was told outlives `stop` and `start`, for it lies in `folder`. `words` are the command's; `--tls` is
    ours."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.scheme = "rediss" if "--tls" in words else "redis"
        self.words = tuple(word for word in words if word != "--tls") or FIT
        self._child: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def start(self) -> Self:
        """Once it takes connections and has read what it knew."""
        ports = ("--port", str(self.port)) if self.scheme == "redis" else ("--port", "0", "--tls-port", str(self.port))
        self._child = await asyncio.create_subprocess_exec(
            *(PROGRAM, *ports, "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", *self.words),
            stdout=PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            while b"Ready to accept connections" not in (line := await self._child.stdout.readline()):
                assert line, "redis-server did not start"
        return self

    async def says(self, *command: str) -> bytes:
        """The first line of its answer, on a connection of its own, without TLS."""
        reader, writer = await self._asked(command)
        line = await reader.readline()
        writer.close()
        return line.strip()

    async def lines(self, *command: str) -> list[str]:
        """Its answer where that is a list of texts."""
        reader, writer = await self._asked(command)
        found = []
        for _ in range(int((await reader.readline())[1:])):
            size = int((await reader.readline())[1:])
            found.append((await reader.readexactly(size + 2))[:-2].decode())
        writer.close()
        return found

    async def _asked(self, command: tuple[str, ...]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        words = b"".join(b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in command)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"*%d\r\n" % len(command) + words)
        return reader, writer

    async def stop(self) -> None:
        """As by `kill -9`."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    def pause(self) -> None:
        """It accepts connections, by its kernel, and answers nothing."""
        os.kill(self._child.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._child.pid, signal.SIGCONT)
