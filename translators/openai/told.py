"""How much of a text a stream has told, so that of the whole text, should it come as well, only the rest is told."""

from zlib import crc32

from translators.faults import ProtocolFault


class Told:
    """A length and a checksum, never the text."""

    __slots__ = ("_sum", "length")

    def __init__(self) -> None:
        self.length = 0
        """Characters."""
        self._sum = 0

    def add(self, text: str) -> None:
        self.length += len(text)
        self._sum = crc32(text.encode(), self._sum)

    def rest(self, whole: str) -> str:
        """What `whole` has beyond what was told; an empty one says nothing. Raises ProtocolFault where it begins
        otherwise: its client has read another answer."""
        if not self.length or not whole:
            return whole
        if len(whole) < self.length or crc32(whole[: self.length].encode()) != self._sum:
            raise ProtocolFault("its whole text does not begin with what its stream said")
        return whole[self.length :]
