"""What becomes of a request's head before the application sees it."""

import contextlib

import httptools
import pytest

from proxy.server.heads import parser_for, scope_of, scope_of_none, target


class Read:
    """What a parser tells of one head."""

    def __init__(self, head: bytes) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.parser = parser_for(self)
        with contextlib.suppress(httptools.HttpParserUpgrade):
            self.parser.feed_data(head)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))


def test_a_target_is_parted_into_its_path_as_meant_and_as_written_and_its_query():
    assert target(b"/v1/models/a%2Fb?x=1") == ("/v1/models/a/b", b"/v1/models/a%2Fb", b"x=1")
    assert target(b"/v1/models") == ("/v1/models", b"/v1/models", b"")


def test_a_target_outside_ascii_is_told_as_unreadable():
    with pytest.raises((UnicodeDecodeError, httptools.HttpParserInvalidURLError)):
        target("/v1/é".encode())


def test_the_scope_holds_what_the_head_said_and_the_connection_knows():
    read = Read(b"POST /v1/x?beta=true HTTP/1.1\r\nHost: a\r\n\r\n")
    extensions = {"ours": object()}
    scope = scope_of(read.parser, read.url, read.headers, extensions, ("127.0.0.1", 1), ("127.0.0.1", 2))
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/v1/x", b"beta=true")
    assert (scope["http_version"], scope["headers"]) == ("1.1", [(b"host", b"a")])
    assert (scope["client"], scope["extensions"]) == (("127.0.0.1", 1), extensions)


def test_what_is_no_request_has_a_scope_without_method_and_path():
    scope = scope_of_none({}, None)
    assert (scope["method"], scope["path"], scope["headers"]) == ("", "", [])
