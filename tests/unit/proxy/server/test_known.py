"""A head that is known again is exactly the one before, but for its length."""

import pytest

from proxy.server.known import known
from tests.unit.proxy.edge.loopback import connected, hello, request, served

HEAD = b"POST /v1/x HTTP/1.1\r\nhost: a\r\nContent-Length: %d\r\nauthorization: Bearer k\r\n\r\n"
SCOPE = {"type": "http"}


def said(body: bytes) -> bytes:
    return HEAD % len(body) + body


@pytest.fixture
def like():
    return known(said(b"hello"), 5, SCOPE)


@pytest.mark.parametrize("body", [b"hello", b"x", b"", b"\r\n\r\n", b"x" * 100_000])
def test_a_body_of_any_length_is_found(like, body):
    assert like.body(said(body)) == body
    assert like.scope is SCOPE


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(said(b"hello")[:-1], id="a body that is not all here"),
        pytest.param(said(b"hello") + b"P", id="the beginning of another request"),
        pytest.param(said(b"hello") + said(b"hello"), id="two requests"),
        pytest.param(said(b"hello").replace(b"Bearer k", b"Bearer l"), id="another key"),
        pytest.param(said(b"hello").replace(b"host: a", b"host: b"), id="another host"),
        pytest.param(said(b"hello").replace(b"/v1/x", b"/v1/y"), id="another path"),
        pytest.param(said(b"hello").replace(b"POST", b"PUTS"), id="another method"),
        pytest.param(said(b"hello").replace(b"Bearer k", b"Bearer k\r\nx: y"), id="one more line"),
        pytest.param(said(b"hello").replace(b": 5", b": +5"), id="a sign"),
        pytest.param(said(b"hello").replace(b": 5", b": 5 "), id="a space behind"),
        pytest.param(said(b"hello").replace(b": 5", b": 0x5"), id="another base"),
        pytest.param(said(b"hello").replace(b": 5", b": 5,5"), id="two lengths"),
        pytest.param(said(b"hello").replace(b": 5", b": "), id="no length"),
        pytest.param(said(b"hello").replace(b": 5", b": 0000000005"), id="more digits than are looked at"),
        pytest.param(said(b"hello").replace(b": 5", b": \xd9\xa5"), id="digits of another script"),
        pytest.param(said(b"hello")[:30], id="a part of the head"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_whatever_differs_in_more_is_not_known(like, data):
    assert like.body(data) is None


@pytest.mark.parametrize(
    ("data", "length"),
    [
        pytest.param(said(b"hello") + b"x", 5, id="more came than the request"),
        pytest.param(said(b"hello"), 4, id="another length than is told"),
        pytest.param(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", 0, id="no length is told"),
        pytest.param(
            b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 5, id="chunks"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", 5, id="a length told twice"
        ),
    ],
)
def test_what_cannot_be_known_again_is_not_remembered(data, length):
    assert known(data, length, SCOPE) is None


async def test_a_known_request_is_answered_as_the_first_was():
    """Its body and its length are its own; so is what a new head says."""
    seen = []

    async def service(exchange):
        seen.append((exchange.headers.get("content-length"), exchange.headers.get("x-a"), await exchange.read()))
        await exchange.out.answer(200, [("content-type", "application/json")], b"{}")

    asked = [(b"one", "x-a: 1"), (b"three", "x-a: 1"), (b"", "x-a: 1"), (b"four", "x-a: 2"), (b"sixsix", "x-a: 2")]
    async with served(service) as running, connected(running) as raw:
        for body, line in asked:
            await raw.say(request("POST", "/v1/embeddings", body, line))
            assert (await raw.answer()).status == 200
        connection = next(iter(running._data._state.connections))
        assert connection.length == 6  # the last one was known
    assert seen == [(str(len(body)), line[-1], body) for body, line in asked]


async def test_a_request_that_is_known_and_comes_in_pieces_is_read():
    async with served(hello) as running, connected(running) as raw:
        for _ in range(2):
            await raw.say(request(body=b"hello"))
            assert b'"read":5' in (await raw.answer()).body
        for piece in (request(body=b"hello")[:-7], request(body=b"hello")[-7:-2], b"lo"):
            await raw.say(piece)
        assert b'"read":5' in (await raw.answer()).body


async def test_who_pipelines_known_requests_is_answered_once():
    """As with requests that are not known."""
    async with served(hello) as running, connected(running) as raw:
        await raw.say(request())
        assert (await raw.answer()).status == 200
        await raw.say(request() + request())
        assert (await raw.answer()).status == 200
        assert await raw.rest() == b""
