"""A head that offers an upgrade, read again without it."""

import pytest

from proxy.server.offers import without_offer


@pytest.mark.parametrize(
    ("connection", "kept"),
    [(b"Upgrade, HTTP2-Settings", b"keep-alive"), (b"upgrade, Close", b"close")],
)
def test_the_offer_goes_and_all_else_stays(connection, kept):
    headers = [
        (b"host", b"h"),
        (b"connection", connection),
        (b"upgrade", b"h2c"),
        (b"http2-settings", b"AAMAAABk"),
        (b"content-length", b"2"),
    ]
    assert without_offer(b"POST", b"/v1/x?y", "1.1", headers) == (
        b"POST /v1/x?y HTTP/1.1\r\nhost: h\r\nconnection: " + kept + b"\r\ncontent-length: 2\r\n\r\n"
    )
