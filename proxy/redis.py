"""One connection to Redis or Valkey on which every exchange takes a bounded time, or is as good as none; and one for a
thread that may wait.

A store of limits that is slow is worse than one that is not there: whoever waits for it waits with a request in hand.
So an exchange that takes longer than `timeout_s` fails like one that was refused, and its connection, on which the
answer may still arrive, is never used again. Time in which this process was stopped itself is not taken for the
server's (`proxy.patience`). The next exchange opens another one. Opening takes more round trips (TCP, TLS, the
password) than an exchange may last: it goes on in the background for up to `OPEN_S`, and exchanges that come meanwhile
fail in their own time.

An idle connection that the other side has closed is noticed before it is used. Nothing is sent twice: what was sent may
have been done, and only the caller knows whether that may be repeated.

The library is redis-py, of which this uses the connection alone: its client with a pool costs half as much again for
each command, and repeats commands by itself. It is an extra (`sidestep[redis]`), loaded when an address asks for it and
by nobody else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from proxy.patience import Patience

if TYPE_CHECKING:
    from redis.asyncio import Connection

OPEN_S: Final = 2.0
"""For a new connection, until it may be used."""
PORT: Final = 6379

Command = Sequence[str | int | bytes]
Check = Callable[["Ask"], Awaitable[None]]
"""Looks at a new connection before it is used; what it raises is what every exchange fails with that waited for it."""
Ask = Callable[..., Awaitable[list[Any]]]
"""Sends commands and has their replies, in order; a refused one's reply is a `Refused`."""


class Missing(Exception):
    """The extra is not installed; the message is a sentence."""


class Lost(Exception):
    """Slow, unreachable or gone: nobody knows what was done. The message is a sentence."""


class Refused(Exception):
    """An answer that is an error. `code` is its first word (NOSCRIPT, READONLY, WRONGPASS), the message a sentence."""

    def __init__(self, name: str, text: str) -> None:
        self.code = text.partition(" ")[0]
        super().__init__(f"{name} answers: {text[:200]}")


class Redis:
    """`url` is `redis://[user@]host[:port][/db]`, or `rediss://` for TLS by the system's certificates; a password in it
    gives way to `password`. Raises Missing. Used in one running loop."""

    def __init__(self, url: str, password: str | None, timeout_s: float, check: Check | None = None) -> None:
        self._library = library = _library()
        self.name = name_of(url)
        self._timeout_s = timeout_s
        self._check = check
        made = library.asyncio.SSLConnection if _secured(url) else library.asyncio.Connection
        self._link: Connection = made(**_at(url, password), socket_timeout=None, socket_connect_timeout=OPEN_S)
        self._ready = False
        """Whether the connection is open and checked."""
        self._opening: asyncio.Task[Exception | None] | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Connects, for up to `OPEN_S`. Raises Lost, Refused, or what the check raises."""
        await self._within(OPEN_S)

    async def ask(self, *commands: Command) -> list[Any]:
        """The replies to all commands, which leave together; one that was refused is a `Refused`. Raises Lost, Refused
        for a connection that was, or what the check raises."""
        return await self._within(self._timeout_s, *commands)

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            with suppress(asyncio.CancelledError):
                await self._opening
        await self._drop()

    async def _within(self, seconds: float, *commands: Command) -> list[Any]:
        try:
            async with Patience(seconds), self._turn:
                await self._opened()
                return await self._exchange(*commands)
        except TimeoutError:
            raise Lost(f"{self.name} takes longer than {seconds * 1000:g} ms") from None

    async def _opened(self) -> None:
        if self._ready and await self._alive():
            return
        # What an earlier attempt came to is only of use while it is a connection.
        if self._opening is None or (self._opening.done() and self._opening.result() is not None):
            await self._drop()
            self._opening = asyncio.create_task(self._open())
        failure = await asyncio.shield(self._opening)
        self._opening = None
        if failure is not None:
            raise failure
        self._ready = True

    async def _alive(self) -> bool:
        """Whether nothing has happened on the idle connection, neither its end nor an answer that nobody waits for."""
        writer = self._link._writer  # noqa: SLF001 - the library's own look sees a regular end, not a reset
        with suppress(self._library.RedisError, OSError):
            return writer is not None and not writer.is_closing() and not await self._link.can_read()
        return False

    async def _open(self) -> Exception | None:
        """Why there is no connection now, None when there is one. Never raises, since nobody may be there to see."""
        try:
            async with Patience(OPEN_S):
                await self._attempt(self._link.connect())  # type: ignore[no-untyped-call]
                if self._check is not None:
                    await self._check(self._exchange)
        except TimeoutError:
            await self._drop()
            return Lost(f"{self.name} does not accept a connection within {OPEN_S:g} s")
        except Exception as failure:  # noqa: BLE001 - it is handed on to whoever waits
            await self._drop()
            return failure
        return None

    async def _exchange(self, *commands: Command) -> list[Any]:
        try:
            for command in commands:
                await self._attempt(self._link.send_command(*command))
            return [await self._reply() for _ in commands]
        except BaseException:
            await self._drop()
            raise

    async def _reply(self) -> Any:
        try:
            return await self._attempt(self._link.read_response())
        except Refused as refused:
            if not self._link.is_connected:  # the library ends what was refused for want of a password
                raise
            return refused

    async def _attempt(self, step: Awaitable[Any]) -> Any:
        """Raises what this module raises for what the library does."""
        with _told(self._library, self.name):
            return await step

    async def _drop(self) -> None:
        self._ready = False
        with suppress(self._library.RedisError, OSError):
            await self._link.disconnect(nowait=True)


class BlockingRedis:
    """The same for one thread, which may wait `timeout_s` for each step. Raises Missing."""

    def __init__(self, url: str, password: str | None, timeout_s: float) -> None:
        self._library = library = _library()
        self.name = name_of(url)
        made = library.SSLConnection if _secured(url) else library.Connection
        times = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
        self._link: Any = made(**_at(url, password), **times)

    def ask(self, *commands: Command) -> list[Any]:
        """The replies to all commands. Raises Lost, and Refused for the first that was refused."""
        try:
            with _told(self._library, self.name):
                self._link.connect()
                self._link.send_packed_command(self._link.pack_commands(commands))
                return [self._link.read_response() for _ in commands]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with suppress(self._library.RedisError, OSError):
            self._link.disconnect()


def name_of(url: str) -> str:
    """For people: without user and password."""
    at = urlsplit(url)
    return f"Redis at {at.hostname}:{at.port or PORT}"


def _library() -> Any:
    try:
        import redis.asyncio  # noqa: PLC0415 - see above
    except ImportError:
        raise Missing(
            "a redis:// address takes the package redis, which is not installed: pip install 'sidestep[redis]'"
        ) from None
    return redis


def _secured(url: str) -> bool:
    return urlsplit(url).scheme == "rediss"


def _at(url: str, password: str | None) -> dict[str, Any]:
    """What both kinds of connection are made with."""
    at = urlsplit(url)
    return {
        "host": at.hostname or "",
        "port": at.port or PORT,
        "username": unquote(at.username) if at.username else None,
        "password": password or (unquote(at.password) if at.password else None),
        "db": int(at.path.strip("/") or 0),
        "protocol": 2,
        "driver_info": None,
        "decode_responses": True,
        "encoding_errors": "backslashreplace",
    }


@contextmanager
def _told(library: Any, name: str) -> Iterator[None]:
    """Raises what this module raises for what the library does."""
    try:
        yield
    except (library.AuthenticationError, library.ResponseError) as answer:
        code = getattr(answer, "status_code", None)
        raise Refused(name, f"{code} {answer}" if code else str(answer)) from None
    except (library.RedisError, OSError, RuntimeError) as failure:  # uvloop says the last of a closed socket
        raise Lost(f"{name} cannot be reached: {str(failure).rstrip('.')[:200]}") from None
