"""The head of a connection's last request, so that one like it need not be parsed again. Pure.

Who keeps a connection sends the same head with each request, but for the length of the body; to parse it, and to look
at its every line, costs more than to serve many a request. Here a request whose head is, byte for byte, that of the one
before is known by comparison: what the parser made of those bytes it would make of them again. Nothing else of it may
differ than the digits of its content-length, and all of its body must have come in the same read. Any other request
goes to the parser, and so does whatever the parser found unusual once.

What is remembered belongs to one connection and ends with it: no head is ever taken for another client's.
"""

from typing import Any

from msgspec import Struct

_LENGTH = b"\r\ncontent-length:"
_END = b"\r\n\r\n"
DIGITS = 9
"""Most of a length that is known again."""


class Known(Struct, frozen=True):
    """A head, but for the digits of its content-length, and the ASGI scope that was made of it."""

    before: bytes
    after: bytes
    scope: dict[str, Any]

    def body(self, data: bytes) -> bytes | None:
        """The body of the request that `data` is, if that has this head and is whole; None for anything else."""
        before, after = self.before, self.after
        if not data.startswith(before):
            return None
        at = len(before)
        end = data.find(b"\r", at, at + DIGITS + 1)
        if end < 0 or not data.startswith(after, end):
            return None
        digits = data[at:end]
        body = data[end + len(after) :]
        return body if digits.isdigit() and int(digits) == len(body) else None


def known(data: bytes, length: int, scope: dict[str, Any]) -> Known | None:
    """What to remember of a request that was read from `data` alone, with a body of `length` bytes; None where its
    head tells no length, or `data` is more than the two."""
    head = data[: len(data) - length]
    named = head.lower()
    if not head.endswith(_END) or named.count(_LENGTH) != 1:
        return None
    at = named.find(_LENGTH) + len(_LENGTH)
    at += len(head) - at - len(head[at:].lstrip(b" "))
    end = head.find(b"\r", at)
    digits = head[at:end]
    if not digits.isdigit() or len(digits) > DIGITS or int(digits) != length:
        return None
    return Known(head[:at], head[end:], scope)
