"""JSON that stands in a JSON literal, such as a call's arguments, blanked as it comes: whole, or in pieces.

The names of members stay, as do `true`, `false`, `null` and all that makes it JSON; of texts and numbers only the
length stays. A stream may cut it anywhere, in the middle of a word or of an escape, so what a character is follows from
all that came before it: the pieces of a stream, put together, are blanked as the whole is.
"""

import re
from collections.abc import Callable
from typing import Final

_UNIT = re.compile(rb"\\u[0-9a-fA-F]{4}|\\.|[A-Za-z]+|[0-9]+|[\x80-\xff]+|.", re.DOTALL)
"""Of the literal that it stands in: an escape there, a run of letters, of digits or of other characters, or a sign."""
_WORDS: Final = b"true false null"
_QUOTE, _BACKSLASH = b'\\"', b"\\\\"
_HEX: Final = b"006e"
"""Four digits in the place of any character's."""


class Inner:
    """One JSON text. `fill` blanks a run of characters by others as long."""

    __slots__ = ("_escaped", "_fill", "_hex", "_inside", "_naming", "_objects")

    def __init__(self, fill: Callable[[bytes], bytes]) -> None:
        self._fill = fill
        self._inside = False
        """Whether a text is open."""
        self._escaped = False
        """Whether the next character belongs to an escape."""
        self._hex = 0
        """Digits of an escape that are still to come."""
        self._naming = False
        """Whether the next text, or the open one, is a member's name."""
        self._objects: list[bool] = []
        """What is open, the innermost last: an object or a list."""

    def fed(self, piece: bytes) -> bytes:
        """The next piece of it, blanked."""
        return b"".join(
            [self._within(unit[0]) if self._inside else self._between(unit[0]) for unit in _UNIT.finditer(piece)]
        )

    def _between(self, unit: bytes) -> bytes:
        if unit == _QUOTE:
            self._inside = True
        elif unit in (b"{", b"["):
            self._objects.append(unit == b"{")
            self._naming = unit == b"{"
        elif unit in (b"}", b"]"):
            self._naming = False
            if self._objects:
                self._objects.pop()
        elif unit == b",":
            self._naming = bool(self._objects) and self._objects[-1]
        elif unit == b":":
            self._naming = False
        elif unit.isalpha() and unit in _WORDS:  # a word of JSON's or a piece of one, an exponent
            return unit
        else:
            return self._fill(unit)
        return unit

    def _within(self, unit: bytes) -> bytes:
        if self._hex:
            return self._digits(unit)
        if self._escaped:
            self._escaped = False
            return self._escape(unit)
        if unit == _BACKSLASH:
            self._escaped = True
        elif unit == _QUOTE:
            self._inside = False
        elif not self._naming:
            return self._fill(unit)
        return unit

    def _escape(self, unit: bytes) -> bytes:
        """What follows a backslash: one character, and what stands behind it in the same run."""
        if not unit.isalpha():
            return unit
        self._hex = 4 if unit[:1] == b"u" else 0
        return unit[:1] + (self._within(unit[1:]) if len(unit) > 1 else b"")

    def _digits(self, unit: bytes) -> bytes:
        taken = min(self._hex, len(unit))
        start = 4 - self._hex
        self._hex -= taken
        digits = unit[:taken] if self._naming else _HEX[start : start + taken]
        return digits + (self._within(unit[taken:]) if len(unit) > taken else b"")
