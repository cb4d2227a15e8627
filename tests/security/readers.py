"""What other parsers make of the bytes of a request: where it ends, and what it says.

Each gives the first request, or None where it refuses the bytes or still waits for more of them.
"""

import http.server
import io
from typing import Any, NamedTuple

import h11
import httptools


class Message(NamedTuple):
    """A request as somebody reads it."""

    method: str
    target: str
    body: bytes
    rest: bytes
    """What follows it."""


def by_h11(data: bytes) -> Message | None:
    connection, body = h11.Connection(h11.SERVER), b""
    connection.receive_data(data)
    try:
        head = connection.next_event()
        if not isinstance(head, h11.Request):
            return None
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                return None
            body += event.data
    except h11.RemoteProtocolError:
        return None
    return Message(head.method.decode(), head.target.decode(), body, connection.trailing_data[0])


class _Callbacks:
    def __init__(self) -> None:
        self.target = self.body = b""
        self.begun = self.complete = 0

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.target += url if self.begun == 1 else b""

    def on_body(self, body: bytes) -> None:
        self.body += body if self.begun == 1 else b""

    def on_message_complete(self) -> None:
        self.complete += 1


def by_httptools(data: bytes) -> Message | None:
    """httptools as it comes, without leniencies, byte by byte, so that the place of the end is known."""
    told = _Callbacks()
    parser = httptools.HttpRequestParser(told)
    for at in range(len(data)):
        try:
            parser.feed_data(data[at : at + 1])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        if told.complete:
            return Message(parser.get_method().decode(), told.target.decode("latin-1"), told.body, data[at + 1 :])
    return None


class _Standard(http.server.BaseHTTPRequestHandler):
    def __init__(self, data: bytes) -> None:
        self.rfile, self.wfile = io.BytesIO(data), io.BytesIO()
        self.client_address = ("127.0.0.1", 1)

    def log_message(self, *_: Any) -> None: ...


def by_stdlib(data: bytes) -> Message | None:
    """`http.server`, and of the body what its fields say: chunked alone, or one length."""
    handler = _Standard(data)
    handler.raw_requestline = handler.rfile.readline()
    if not handler.parse_request():
        return None
    codings, lengths = (handler.headers.get_all(name, []) for name in ("transfer-encoding", "content-length"))
    rest = handler.rfile.read()
    if codings:
        return None if codings != ["chunked"] or lengths else _dechunked(handler.command, handler.path, rest)
    if not lengths:
        return Message(handler.command, handler.path, b"", rest)
    if len(lengths) > 1 or not lengths[0].isdecimal() or int(lengths[0]) > len(rest):
        return None
    return Message(handler.command, handler.path, rest[: int(lengths[0])], rest[int(lengths[0]) :])


def _dechunked(method: str, target: str, rest: bytes) -> Message | None:
    """RFC 9112, section 7.1, with nothing forgiven."""
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        size = line.partition(b";")[0]
        if not end or not size or size.strip(b"0123456789abcdefABCDEF"):
            return None
        if int(size, 16) == 0:
            break
        chunk, rest = rest[: int(size, 16)], rest[int(size, 16) :]
        if len(chunk) < int(size, 16) or not rest.startswith(b"\r\n"):
            return None
        body, rest = body + chunk, rest[2:]
    while rest and not rest.startswith(b"\r\n"):
        _, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
    return Message(method, target, body, rest[2:]) if rest else None


READERS = {"h11": by_h11, "httptools": by_httptools, "the standard library": by_stdlib}


def readings(data: bytes) -> dict[str, Message]:
    """What each makes of it; those that refuse are left out. Empty lines before a request are nothing."""
    read = {name: reader(data.lstrip(b"\r\n")) for name, reader in READERS.items()}
    return {name: message for name, message in read.items() if message is not None}
