"""A request's head without the upgrade that it offers. Pure.

Nobody here takes up an upgrade, and the parser leaves the body of a request that offers one unread; so its head is put
together again without the offer, to be read anew. What else the client said of its connection stands.
"""

from collections.abc import Sequence

_OFFERS = frozenset({b"upgrade", b"http2-settings"})


def without_offer(method: bytes, url: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """The head as bytes; `headers` have lower-case names."""
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            lines.append(b"connection: close" if b"close" in value.lower() else b"connection: keep-alive")
        elif name not in _OFFERS:
            lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join((*lines, b"", b""))
