"""An answer to a streamed request that does not say what it is: its first bytes tell.

Small servers and what stands before them leave the content type of a stream out. Its bytes are as good, and no JSON
begins as a stream of events does, so that nothing else is taken for one. What names another type is believed.
"""

import re

from proxy.upstream.seam import Sink, TooLarge, Upstream

_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n ]*(?:data|event|id|retry)?:")
_ENOUGH, _AT_MOST = 16, 4096
"""Bytes, without the space before them and with it."""


class Sniffed:
    """The answer from its first byte on, whoever looked at it. It is closed by whoever opened it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._first = b""
        self._more = True

    async def tells_events(self) -> bool:
        """Whether it begins as a stream of events. Raises Cut where it breaks off."""
        self._more = await self._upstream.drive(self._begin)
        return _EVENTS.match(self._first) is not None

    def _begin(self, chunk: bytes) -> bool:
        self._first += chunk
        known = _EVENTS.match(self._first) is not None or len(self._first.strip()) >= _ENOUGH
        return not known and len(self._first) < _AT_MOST

    async def drive(self, sink: Sink) -> bool:
        first, self._first = self._first, b""
        if first and not sink(first):
            return True
        return self._more and await self._upstream.drive(sink)

    async def read(self, limit: int) -> bytes:
        """As the seam's `read`."""
        body = bytearray()

        def take(chunk: bytes) -> bool:
            body.extend(chunk)
            if len(body) > limit:
                raise TooLarge(f"its answer is longer than {limit} bytes")
            return True

        await self.drive(take)
        return bytes(body)
