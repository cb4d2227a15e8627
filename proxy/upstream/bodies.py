"""What the engines share about bodies and headers."""

from collections.abc import AsyncIterator, Iterable

from proxy.flow import Headers
from proxy.upstream.seam import TooLarge


async def collect(chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is longer than `limit` bytes; the caller closes then."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"its answer is longer than {limit} bytes")
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def readable(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Header pairs with lower-case names. A name with a value outside ASCII is left out: engines differ in what they
    could make of it, and nothing that is read here may contain one."""
    pairs = [(name.lower(), value) for name, value in raw]
    if not all(name.isascii() and value.isascii() for name, value in pairs):
        odd = {name for name, value in pairs if not (name.isascii() and value.isascii())}
        pairs = [pair for pair in pairs if pair[0] not in odd]
    return [(name.decode("ascii"), value.decode("ascii")) for name, value in pairs]
