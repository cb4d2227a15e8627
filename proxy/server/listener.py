"""A listening socket, the connections it accepted, and how both end.

uvicorn's protocol does the talking; its Server is not used, since two of them in one loop fight over the signals and
its shutdown cancels without waiting.
"""

import errno
import socket
from email.utils import formatdate
from typing import Any

from uvicorn.config import Config as UvicornConfig
from uvicorn.server import ServerState

from proxy.clock import Clock
from proxy.config.addresses import join_listen, split_listen
from proxy.server.door import Door
from proxy.server.protocol import BoundedProtocol, Bounds, Gate

KEEP_ALIVE_S = 75
"""Longer than the idle times of common client pools, so that the client closes first."""
BACKLOG = 2048
_POLL_S = 0.02
ABORT_S = 1.0
"""For the loop to tell aborted connections of their end."""


Sockets = tuple[socket.socket, socket.socket]
"""Of the data and of the admin port."""


class CannotListen(Exception):
    """An address cannot be listened on. The text is one sentence for the operator."""


def bind(listen: str, option: str, *, reuse_port: bool = False) -> socket.socket:
    """A socket bound to `listen` (`host:port`, port 0 for any free one), set by `option`. Raises CannotListen."""
    host, port = split_listen(listen)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotListen(f"cannot listen on {listen}: {error.strerror}; change {_host_option(option)}.") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            owner, way = ("another process", "stop that one")
            if reuse_port:
                owner, way = ("a process that does not share it", "start that one with --reuse-port too")
            message = f"{listen} is in use by {owner}: {way}, or choose another with {option}."
        else:
            wrong = _host_option(option) if error.errno == errno.EADDRNOTAVAIL else option
            message = f"cannot listen on {listen}: {error.strerror}; change {wrong}."
        raise CannotListen(message) from None
    return bound


def _host_option(option: str) -> str:
    """What sets the host of the address whose port `option` sets; `--admin` sets both."""
    return "--host" if option == "--port" else option


class Listener:
    """Serves `app` on `bound`, every connection within `bounds`."""

    def __init__(self, app: Any, bound: socket.socket, bounds: Bounds, clock: Clock, gate: Gate | None = None) -> None:
        self._config = UvicornConfig(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            workers=1,
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._config.load()
        self._state = ServerState()
        self._bound = bound
        self.bounds = bounds
        """Of the connections that are made from now on."""
        self._clock = clock
        self._gate = gate
        self._door: Door | None = None
        name = bound.getsockname()
        self.address = join_listen(name[0], name[1])
        """`host:port` as bound."""

    async def open(self) -> None:
        """Starts to accept."""
        self.tick()
        self._door = Door(self._bound, self._connection, BACKLOG)

    def tick(self) -> None:
        """Renews the Date header; called once a second."""
        self._state.default_headers = [(b"date", formatdate(self._clock.wall(), usegmt=True).encode())]

    def stop_accepting(self) -> None:
        """No new connection; idle ones close, busy ones after their answer."""
        if self._door is not None:
            self._door.close()
            self._door = None
        self._bound.close()
        for connection in list(self._state.connections):
            connection.shutdown()

    async def close(self, flush_s: float) -> None:
        """Closes every connection, giving what is already written `flush_s` seconds to be read."""
        self.stop_accepting()
        await self._emptied(flush_s)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await self._emptied(ABORT_S)

    async def _emptied(self, seconds: float) -> None:
        """Returns when no connection is left, or the time is up."""
        give_up = self._clock.now() + seconds
        while self._state.connections and self._clock.now() < give_up:
            await self._clock.sleep(_POLL_S)

    def _connection(self) -> BoundedProtocol:
        return BoundedProtocol(self._config, self._state, self.bounds, self._gate)
