"""What an answer that passes through tells of its counts, read beside its way.

Only JSON is looked at, and only up to `CAP`: such an answer is not held for it, its pieces are remembered until it has
ended. Asking for a thing that is there already (GET, or the end of a batch or an answer) tells the counts of what made
it, each time anew, so only what a POST makes is counted.

Source: OpenAI's API reference (images, transcriptions, moderations and batches): `usage` with `input_tokens` and
`output_tokens`, or with `prompt_tokens` and `completion_tokens`.
"""

from typing import Final

import msgspec
from msgspec import Struct

from proxy.flow import Exchange, Headers
from translators.counts import count_in
from translators.ir import Json, Usage

CAP: Final = 1024 * 1024
"""Bytes of an answer."""
_ENDS: Final = "/cancel"


class _Answer(Struct):
    usage: Json = None


_decode: Final = msgspec.json.Decoder(_Answer).decode


class Told:
    """Takes an answer's pieces; `usage` is there once it has ended."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._left = CAP

    def take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left >= 0:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def usage(self) -> Usage | None:
        """None where it does not say, or is too long to look."""
        try:
            said = _decode(b"".join(self._pieces)).usage if self._left >= 0 else None
        except (msgspec.DecodeError, RecursionError):
            return None
        given, made = (
            _either(said, "input_tokens", "prompt_tokens"),
            _either(said, "output_tokens", "completion_tokens"),
        )
        if given is None and made is None:
            return None
        return Usage(given or 0, made or 0)


def _either(usage: Json, name: str, other: str) -> int | None:
    found = count_in(usage, name)
    return count_in(usage, other) if found is None else found


def counts(exchange: Exchange) -> bool:
    """Whether what is asked for is made now, so that its tokens count."""
    return exchange.method == "POST" and not exchange.path.endswith(_ENDS)


def told_by(exchange: Exchange, headers: Headers) -> Told | None:
    """Who takes the pieces of an answer with these headers; None where it is not looked at."""
    if not counts(exchange):
        return None
    kind = next((value for name, value in headers if name == "content-type"), "")
    return Told() if kind.partition(";")[0].strip().lower() == "application/json" else None
