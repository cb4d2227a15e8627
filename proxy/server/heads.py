"""The head of a request, as the data port's protocol hands it on: its parser, its ASGI scope, what answers it."""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}


def parser_for(protocol: Any) -> httptools.HttpRequestParser:
    """As uvicorn makes it. A parser that read `connection: close` takes no second head."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


@lru_cache(maxsize=32)
def target(url: bytes) -> tuple[str, bytes, bytes]:
    """Path, path as written, and query. Raises HttpParserInvalidURLError or UnicodeDecodeError.

    Few are remembered: each may be as long as a head.
    """
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


def scope_of(
    parser: httptools.HttpRequestParser,
    url: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    extensions: dict[str, Any],
    client: tuple[str, int] | None,
    server: tuple[str, int | None] | None,
) -> dict[str, Any]:
    """Of the request whose head `parser` has read. Raises as `target` does."""
    path, raw_path, query = target(url)
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": parser.get_http_version(),
        "method": parser.get_method().decode("ascii"),
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": client,
        "server": server,
        "extensions": extensions,
    }


def cycle_of(protocol: HttpToolsProtocol, scope: Any, *, keep_alive: bool) -> RequestResponseCycle:
    """What uvicorn answers a request with; by place, since names cost as much again."""
    return RequestResponseCycle(
        scope,
        protocol.transport,
        protocol.flow,
        protocol.logger,
        protocol.access_logger,
        False,  # noqa: FBT003 - as above; uvicorn writes no access log
        protocol.server_state.default_headers,
        asyncio.Event(),
        protocol.expect_100_continue,
        keep_alive,
        protocol.on_response_complete,
    )


def scope_of_none(extensions: dict[str, Any], client: tuple[str, int] | None) -> dict[str, Any]:
    """Of what could not be read as a request."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "",
        "path": "",
        "headers": [],
        "client": client,
        "extensions": extensions,
    }
