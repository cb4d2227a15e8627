"""httpx2 behind the seam: the engine for machines where nothing compiled for them can be had.

The transport is called directly: `AsyncClient` above it adds redirects, cookies, environment proxies and a third of
the cost, and a proxy wants none of them. A long body is given to it in pieces, each of which has `write_s`.
"""

from collections.abc import AsyncIterator
from typing import Self

import httpx2

from proxy.config.values import Provider
from proxy.upstream.bodies import collect, driven, readable
from proxy.upstream.exhaustion import lacking
from proxy.upstream.seam import PIECE, Call, ConnectTimeout, Cut, Exhausted, NotTaken, Sink, Unreachable
from proxy.upstream.tls import client_context

IDLE_S = 30.0
"""How long an unused connection is kept; well below the minute after which load balancers drop theirs."""

_NOT_CONNECTED = (httpx2.ConnectError, httpx2.ProxyError, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


class Httpx2Engine:
    """`connections` is how many calls may be under way at once. Raises ValueError for a `ca_file` it cannot use."""

    def __init__(self, provider: Provider, *, connections: int) -> None:
        self._transport = httpx2.AsyncHTTPTransport(
            verify=client_context(provider.ca_file),
            trust_env=False,
            http1=True,
            http2=False,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE_S
            ),
            proxy=provider.proxy,
            retries=0,
        )

    async def send(self, call: Call) -> "Httpx2Answer":
        try:
            request = _request(call)
        except (httpx2.InvalidURL, ValueError):
            raise Unreachable("the request has a URL or a header that cannot be sent") from None
        try:
            return Httpx2Answer(await self._transport.handle_async_request(request))
        except httpx2.PoolTimeout:
            raise ConnectTimeout("no free place in the connection pool") from None
        except httpx2.ConnectTimeout:
            raise ConnectTimeout("no connection in time") from None
        except httpx2.WriteTimeout:
            raise NotTaken("it did not take the request in time") from None
        except _NOT_CONNECTED as error:
            lack = lacking(error)
            raise (Exhausted(lack) if lack else Unreachable(str(error) or "no connection")) from None
        except httpx2.TransportError as error:
            raise Cut(str(error) or "the connection broke") from None

    async def close(self) -> None:
        await self._transport.aclose()


def _request(call: Call) -> httpx2.Request:
    """Raises InvalidURL or ValueError."""
    headers = call.headers
    content: bytes | AsyncIterator[bytes] = call.body
    length = call.length
    if isinstance(content, bytes) and len(content) > PIECE:
        length = len(content)
        content = _pieces(content)
    if length is not None:
        headers = [*headers, ("content-length", str(length))]
    times = {"connect": call.connect_s, "pool": call.pool_s, "write": call.write_s, "read": None}
    return httpx2.Request(call.method, call.url, headers=headers, content=content, extensions={"timeout": times})


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


class Httpx2Answer:
    __slots__ = ("_chunks", "_response", "headers", "status")

    def __init__(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers = readable(response.headers.raw)
        self._response = response
        self._chunks = response.aiter_raw()

    async def read(self, limit: int) -> bytes:
        try:
            return await collect(self, limit)
        except BaseException:
            await self.close()
            raise

    def chunks(self) -> AsyncIterator[bytes]:
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except httpx2.TransportError as error:
            raise Cut(str(error) or "the connection broke") from None

    async def drive(self, sink: Sink) -> bool:
        return await driven(self, sink)

    async def close(self) -> None:
        await self._response.aclose()
