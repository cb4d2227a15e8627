"""A TCP connection to whichever address of a name answers first (happy eyeballs, RFC 8305, in its essence).

Addresses are tried in turn, the two families alternating, a quarter of a second apart: a name whose IPv6 addresses
lead nowhere costs that much and no more. The event loop in use offers nothing of the kind.
"""

import asyncio
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from proxy.upstream.exhaustion import weight

HEAD_START_S = 0.25
"""How long one address is tried alone before the next one joins in."""

Address = tuple[int, int, int, str, Any]
"""Family, type, protocol, canonical name and socket address, as getaddrinfo gives them."""


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises UnicodeError, or OSError: the one of its addresses that says most
    (`weight`), the last of several alike."""
    loop = asyncio.get_running_loop()
    waiting = interleaved(await _resolved(host, port))
    if len(waiting) == 1:
        return await _try(waiting[0])
    error: BaseException | None = None
    trying: set[asyncio.Task[socket.socket]] = set()
    try:
        while waiting or trying:
            if waiting:
                trying.add(loop.create_task(_try(waiting.pop(0))))
            done, _ = await asyncio.wait(
                trying, timeout=HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.discard(task)
                failed = task.exception()
                if failed is None:
                    return task.result()
                if error is None or weight(failed) >= weight(error):
                    error = failed
    finally:
        for task in trying:
            task.cancel()
            task.add_done_callback(_discard)
    raise error or OSError("the name has no address")


async def _resolved(host: str, port: int) -> Sequence[Address]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


def interleaved(found: Sequence[Address]) -> list[Address]:
    """The addresses with the families alternating, the resolver's first choice first."""
    first = [one for one in found if one[0] == found[0][0]]
    others = [one for one in found if one[0] != found[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, others)) if one is not None]


async def _try(address: Address) -> socket.socket:
    family, kind, protocol, _, where = address
    raw = socket.socket(family, kind, protocol)
    try:
        raw.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(raw, where)
    except BaseException:
        raw.close()
        raise
    return raw


def _discard(task: "asyncio.Task[socket.socket]") -> None:
    """Closes what connected too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()
