"""What the engines share about bodies and headers."""

from collections.abc import AsyncIterator, Sequence

from proxy.flow import Headers
from proxy.memo import Memo
from proxy.upstream.seam import Call, Engine, Sink, TooLarge


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


async def answered(engine: Engine, call: Call, limit: int) -> tuple[int, bytes]:
    """Status and whole body of one call. Raises Unreachable and Cut, the latter also for more than `limit` bytes."""
    upstream = await engine.send(call)
    try:
        return upstream.status, await upstream.read(limit)
    finally:
        await upstream.close()


async def driven(chunks: AsyncIterator[bytes], sink: Sink) -> bool:
    """The seam's `drive` for an answer that can only be read chunk by chunk."""
    async for chunk in chunks:
        if not sink(chunk):
            return True
    return False


def readable(raw: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Header pairs with lower-case names. A name with a value outside ASCII is left out: engines differ in what they
    could make of it, and nothing that is read here may contain one."""
    try:
        return [(_NAMES[name], value.decode("ascii")) for name, value in raw]
    except UnicodeDecodeError:
        odd = {name.lower() for name, value in raw if not (name.isascii() and value.isascii())}
        return readable([pair for pair in raw if pair[0].lower() not in odd])


def _name(raw: bytes) -> str:
    return raw.lower().decode("ascii")


_NAMES: Memo[bytes, str] = Memo(_name, 512)
