"""Lets clients in: every connection that waits is taken, however busy the loop is.

The loop's own server takes one connection a turn. While requests keep it busy its turns are long, so clients would wait
in the kernel's queue for many seconds, where nothing can tell them to come back later, and be reset when that is full.
Taken at once, they meet the bounds of the protocol and of admission, and those who cannot be served are told so.

Odd case: a process that has no file left cannot take a connection even to refuse it, and the loop would turn without
end. One file is kept for that: it is given up to take the connection and close it.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress

AT_ONCE = 512
"""Connections taken in one turn of the loop; then others have theirs."""
_NO_FILE = frozenset({errno.EMFILE, errno.ENFILE})


class Door:
    """Takes the connections of the listening socket `bound`, each for a protocol of its own, until `close`."""

    def __init__(self, bound: socket.socket, protocol: Callable[[], asyncio.Protocol], backlog: int) -> None:
        self._bound = bound
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[None]] = set()
        self._spare = _file()
        bound.setblocking(False)  # noqa: FBT003 - takes no keyword
        bound.listen(backlog)
        self._loop.add_reader(bound.fileno(), self._let_in)

    def close(self) -> None:
        """No further connection is taken; those that wait are refused."""
        self._loop.remove_reader(self._bound.fileno())
        self._bound.close()
        os.close(self._spare)

    def _let_in(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._bound.accept()
            except BlockingIOError:
                return
            except OSError as error:  # who has left already is no matter of ours
                if error.errno in _NO_FILE:
                    self._turn_away()
                    return
                continue
            task = self._loop.create_task(self._join(connection))
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)

    async def _join(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()

    def _turn_away(self) -> None:
        """Closes a connection that no file is left for."""
        os.close(self._spare)
        with suppress(OSError):
            self._bound.accept()[0].close()
        self._spare = _file()


def _file() -> int:
    return os.open(os.devnull, os.O_RDONLY)
