"""Events that say what the one before said, but for their words, as most events of a stream do.

A reader that has decoded such an event shows it here (`learn`). The next one is then held against it byte by byte, and
where nothing but the words differs they are all that has to be read (`words`): no other field can mean anything else.

What is learned is tried first: with other words in the place that was found, the event must give those. So a place
that only looks like the words' own, in a name or in another field, is not taken for it. Words with escapes, control
characters or broken UTF-8 are left to the decoder, and so is everything else that is not alike.

OpenAI pads its events: a member `obfuscation`, behind the words, has letters and digits at random, so that their length
does not tell what was said. No reader looks at it, so what it holds may differ.
"""

from collections.abc import Callable
from typing import Final

SIZE_CAP: Final = 4096
"""Bytes of an event beyond which it is not learned."""
TRIES: Final = 8
"""Events that are learned of one stream: where each differs from the one before, nothing is gained."""
_PROBE: Final = "sidestep probe"
_PADDED: Final = b',"obfuscation":"'


class Repeats:
    """What is alike in the events of one stream, once there is something."""

    __slots__ = ("_lead", "_next", "_of", "_padded", "_size", "_tail", "tries")

    def __init__(self) -> None:
        self._lead = self._padded = self._tail = b""
        """What stands before the words; between them and the padding, where there is one; and at the end."""
        self._size = -1
        """Of lead and tail together; less than nothing where nothing is learned, so that no event has it."""
        self.tries = TRIES
        """Events that may still be learned."""
        self._of: object = None
        self._next: tuple[bytes, str, Callable[[bytes], object]] | None = None
        """What is to be learned once another event comes: the first words of a stream should not wait for it."""

    def words(self, data: bytes) -> str:
        """The words of an event that is like the one learned in everything else; empty for any other."""
        inner = data.removeprefix(self._lead).removesuffix(self._tail)
        if len(inner) + self._size != len(data):
            if self._next is None:
                return ""
            self._learn(*self._next)
            self._next = None
            return self.words(data)
        if self._padded:
            inner, found, padding = inner.rpartition(self._padded)
            if not found or not (padding.isalnum() or not padding):
                return ""
        try:
            text = inner.decode()
        except UnicodeDecodeError:
            return ""
        return text if text.isprintable() and '"' not in text and "\\" not in text else ""

    def learn(self, data: bytes, text: str, read: Callable[[bytes], object], of: object = None) -> None:
        """`data` said `text` and nothing else that has to be noted; `read` gives what words an event says, and may
        raise ValueError for one that says something else. What was learned of another than `of`, whose words they are,
        holds no more."""
        if of is not self._of:
            self.forget()
            self._of = of
        if not self.tries or len(data) > SIZE_CAP or text == _PROBE:
            return
        self.tries -= 1
        self._next = data, text, read

    def _learn(self, data: bytes, text: str, read: Callable[[bytes], object]) -> None:
        """Tries what follows from an event."""
        said = b'"%b"' % text.encode()
        at = data.find(said) + 1
        if not at:
            return
        lead, tail = data[:at], data[at + len(said) - 2 :]
        padded, tail = _parted(tail)
        try:
            alike = read(b"%b%b%b%b" % (lead, _PROBE.encode(), padded, tail)) == _PROBE
        except ValueError:
            return
        if alike:
            self._lead, self._padded, self._tail, self._size = lead, padded, tail, len(lead) + len(tail)

    def forget(self) -> None:
        """What was learned holds no more."""
        self._size = -1
        self._next = None


def _parted(tail: bytes) -> tuple[bytes, bytes]:
    """What stands before the padding, and what behind it; nothing before it where there is none."""
    start = tail.find(_PADDED) + len(_PADDED)
    end = tail.find(b'"', start)
    if start < len(_PADDED) or not (tail[start:end].isalnum() or start == end):
        return b"", tail
    return tail[:start], tail[end:]
