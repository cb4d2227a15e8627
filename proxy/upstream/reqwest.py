"""pyreqwest behind the seam: reqwest, hyper and rustls, on a thread of their own.

Every default that is wrong for a proxy is set here: nothing of a stream is read ahead of whoever reads it, no
environment proxy, no redirect, no decompression, HTTP/1.1 alone (one HTTP/2 connection stalls at some hundred long
streams), and a place in the pool is waited for no longer than `pool_s`.

Odd cases
- Unary answers are streamed too: pyreqwest's own whole-body call saves some 3 microseconds and has no limit, so that
  one endless answer would take all memory there is.
- A call cancelled before its answer's head is abandoned, not ended: its work goes on, on its own thread, until the
  upstream answers or has been silent for the configured deadline. Nothing in pyreqwest (0.15) can end it sooner.
- `ConnectError` also stands for a connection that broke after it was made; the causes tell the two apart.
- A header value outside ASCII cannot be read; such a header is left out.
- A body that is given up is closed in words: merely dropped, it stays open until the upstream's next chunk.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Self

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import ConnectTimeoutError, DetailedPyreqwestError, PoolTimeoutError, PyreqwestError
from pyreqwest.http import HeaderMap
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from proxy.config.values import Provider, TimeoutSettings
from proxy.flow import Headers
from proxy.upstream.bodies import collect
from proxy.upstream.seam import Call, ConnectTimeout, Cut, Unreachable
from proxy.upstream.tls import own_certificates

IDLE_S = 30.0
"""How long an unused connection is kept; well below the minute after which load balancers drop theirs."""


class ReqwestEngine:
    """`connections` is how many calls may be under way at once. Raises ValueError for a `ca_file` it cannot use."""

    def __init__(self, provider: Provider, timeouts: TimeoutSettings, *, connections: int) -> None:
        self._client = _client(provider, timeouts, connections)

    async def send(self, call: Call) -> "ReqwestAnswer":
        try:
            request = (
                self._client.request(call.method, call.url)
                .headers(call.headers)
                .body_bytes(call.body)
                .streamed_read_buffer_limit(0)
                .build_streamed()
            )
        except ValueError:
            raise Unreachable("the request has a URL or a header that cannot be sent") from None
        try:
            response = await request.__aenter__()
        except PyreqwestError as error:
            raise _failure(error) from None
        return ReqwestAnswer(request, response)

    async def close(self) -> None:
        await self._client.close()


class ReqwestAnswer:
    __slots__ = ("_closed", "_reader", "_request", "headers", "status")

    def __init__(self, request: StreamRequest, response: Response) -> None:
        self.status = response.status
        self.headers = _headers(response.headers)
        self._request = request
        self._reader = response.body_reader
        self._closed = False

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
            chunk = await self._reader.read_chunk()
        except PyreqwestError as error:
            await self.close()
            raise Cut(_clause(error)) from None
        except BaseException:
            await self.close()
            raise
        if chunk is None:
            self._closed = True
            raise StopAsyncIteration
        return chunk.to_bytes()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._request.__aexit__(None, None, None)


def _client(provider: Provider, timeouts: TimeoutSettings, connections: int) -> Client:
    builder = (
        ClientBuilder()
        .http1_only()
        .http1_lower_case_headers()
        .follow_redirects(enable=False)
        .referer(enable=False)
        .gzip(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
        .connect_timeout(timedelta(seconds=timeouts.connect_s))
        .max_connections(connections)
        .read_timeout(timedelta(seconds=timeouts.deadline_s))
        .pool_timeout(timedelta(seconds=timeouts.pool_s))
        .pool_idle_timeout(timedelta(seconds=IDLE_S))
    )
    builder = builder.proxy(ProxyBuilder.all(provider.proxy)) if provider.proxy else builder.no_proxy()
    for certificate in own_certificates(provider.ca_file):
        builder = builder.add_root_certificate_der(certificate)
    return builder.build()


def _headers(headers: HeaderMap) -> Headers:
    try:
        return list(headers.items())
    except ValueError:
        return [(name, value) for name in dict.fromkeys(headers.keys()) for value in _values(headers, name)]


def _values(headers: HeaderMap, name: str) -> list[str]:
    try:
        return headers.getall(name)
    except ValueError:
        return []


def _failure(error: PyreqwestError) -> Exception:
    """What a failed `send` means for the seam."""
    if isinstance(error, PoolTimeoutError):
        return ConnectTimeout("no free place in the connection pool")
    if any(cause == "client error (Connect)" for cause in _causes(error)):
        kind = ConnectTimeout if isinstance(error, ConnectTimeoutError) else Unreachable
        return kind(_clause(error))
    return Cut(_clause(error))


def _causes(error: PyreqwestError) -> list[str]:
    details = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return [cause["message"] for cause in details or ()]


def _clause(error: PyreqwestError) -> str:
    """The innermost cause, which names no URL."""
    causes = _causes(error)
    return causes[-1] if causes else error.message
