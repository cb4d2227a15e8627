"""Spans as OpenTelemetry's protocol has them in binary protobuf (opentelemetry-proto: trace/v1, collector/trace/v1),
and the one thing that is read of a collector's answer.

A span is some thirty short fields of six types, so it is written here: what the generated classes would take to load
is more than all the rest of this proxy, and each process that traces would pay it (docs/dependencies.md has the
figures). Field numbers are the format: they never change.

A repeated field may be written piece by piece, so spans are encoded when they end and a request is made of them by
joining.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from struct import pack
from typing import Final

Value = str | bool | int | float | Sequence[str]
"""What an attribute may be."""
Attributes = Mapping[str, Value]

SERVER: Final = 2
CLIENT: Final = 3
"""Kinds of a span."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_ERROR = b"\x7a\x02\x18\x02"
"""Status (field 15) with the code 2 (field 3)."""


_SMALL = tuple(bytes((number,)) for number in range(0x80))


def _varint(number: int) -> bytes:
    if number < 0x80:
        return _SMALL[number]
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _framed(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + (_SMALL[size] if size < 0x80 else _varint(size)) + content


_RESOURCE_SPANS = _tag(1, _BYTES)
_RESOURCE = _tag(1, _BYTES)
_SCOPE_SPANS = _tag(2, _BYTES)
_SCOPE = _tag(1, _BYTES)
_SPAN = _tag(2, _BYTES)
_SPAN_ATTRIBUTE, _SPAN_EVENT = _tag(9, _BYTES), _tag(11, _BYTES)
_EVENT_ATTRIBUTE, _RESOURCE_ATTRIBUTE = _tag(3, _BYTES), _tag(1, _BYTES)
_KEY, _VALUE = _tag(1, _BYTES), _tag(2, _BYTES)
_STRING, _BOOL, _INT, _DOUBLE, _ARRAY = (
    _tag(1, _BYTES),
    _tag(2, _VARINT),
    _tag(3, _VARINT),
    _tag(4, _FIXED64),
    _tag(5, _BYTES),
)


def _text(text: str) -> bytes:
    return _framed(_STRING, text.encode("utf-8", "replace"))


@lru_cache(maxsize=2048)
def _known(tag: bytes, key: str, value: str) -> bytes:
    """Most texts are names that come again and again."""
    return _attribute(tag, key, _text(value))


@lru_cache(maxsize=256)
def _keyed(key: str) -> bytes:
    return _framed(_KEY, key.encode())


def _attribute(tag: bytes, key: str, value: bytes) -> bytes:
    return _framed(tag, _keyed(key) + _framed(_VALUE, value))


def _other(value: bool | float | Sequence[str]) -> bytes:
    if isinstance(value, bool):
        return _BOOL + (b"\x01" if value else b"\x00")
    if isinstance(value, int):
        return _INT + _varint(value & 0xFFFFFFFFFFFFFFFF)
    if isinstance(value, float):
        return _DOUBLE + pack("<d", value)
    return _framed(_ARRAY, b"".join([_framed(_VALUES, _text(one)) for one in value]))


_VALUES = _tag(1, _BYTES)
_CACHED = 64
"""Longer texts are less likely to come again."""


def _attributes(tag: bytes, attributes: Attributes) -> bytes:
    written = []
    for key, value in attributes.items():
        if isinstance(value, str):
            short = len(value) <= _CACHED
            written.append(_known(tag, key, value) if short else _attribute(tag, key, _text(value)))
        else:
            written.append(_attribute(tag, key, _other(value)))
    return b"".join(written)


def event(name: str, nanoseconds: int, attributes: Attributes) -> bytes:
    """A moment within a span. Times are Unix nanoseconds, here and below."""
    content = b"\x09" + pack("<Q", nanoseconds) + _framed(b"\x12", name.encode())
    return _framed(_SPAN_EVENT, content + _attributes(_EVENT_ATTRIBUTE, attributes))


def span(
    *,
    trace_id: bytes,
    span_id: bytes,
    parent_id: bytes,
    state: str,
    flags: int,
    name: str,
    kind: int,
    start: int,
    end: int,
    attributes: Attributes,
    events: Sequence[bytes] = (),
    failed: bool = False,
) -> bytes:
    """One span, ready to be joined with others. `parent_id` is empty for a trace's first, `flags` as the protocol
    has them: W3C's, and whether the parent is another process'."""
    content = b"".join(
        (
            _framed(b"\x0a", trace_id),
            _framed(b"\x12", span_id),
            _framed(b"\x1a", state.encode()) if state else b"",
            _framed(b"\x22", parent_id) if parent_id else b"",
            _framed(b"\x2a", name.encode("utf-8", "replace")),
            b"\x30" + _varint(kind),
            b"\x39" + pack("<Q", start),
            b"\x41" + pack("<Q", end),
            _attributes(_SPAN_ATTRIBUTE, attributes),
            *events,
            _ERROR if failed else b"",
            _tag(16, _FIXED32) + pack("<I", flags),
        )
    )
    return _framed(_SPAN, content)


class Envelope:
    """What stands around the spans of a request: whose they are, and who wrote them down."""

    def __init__(self, resource: Attributes, scope: str, version: str) -> None:
        self._resource = _framed(_RESOURCE, _attributes(_RESOURCE_ATTRIBUTE, resource))
        self._scope = _framed(_SCOPE, _framed(b"\x0a", scope.encode()) + _framed(b"\x12", version.encode()))

    def around(self, spans: Iterable[bytes]) -> bytes:
        """The body of one export."""
        content = self._resource + _framed(_SCOPE_SPANS, self._scope + b"".join(spans))
        return _framed(_RESOURCE_SPANS, content)


def rejected(answer: bytes) -> int:
    """How many spans a collector that took the others says it rejected (ExportTraceServiceResponse); 0 where it does
    not, or says something else."""
    try:
        partial = _field(answer, 1, _BYTES)
        found = _field(partial, 1, _VARINT) if isinstance(partial, bytes) else 0
    except IndexError:
        return 0
    return found if isinstance(found, int) and found < 1 << 32 else 0


def _field(message: bytes, wanted: int, wire: int) -> bytes | int:
    """The last field of a number and a type; 0 without one. Raises IndexError for what is no message."""
    found: bytes | int = 0
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        value, place = _read_value(message, place, tag & 7)
        if (tag >> 3, tag & 7) == (wanted, wire):
            found = value
    return found


def _read_value(message: bytes, place: int, wire: int) -> tuple[bytes | int, int]:
    if wire == _VARINT:
        return _read_varint(message, place)
    if wire == _BYTES:
        size, place = _read_varint(message, place)
    else:
        size = {_FIXED64: 8, _FIXED32: 4}.get(wire, len(message) + 1)
    if place + size > len(message):
        raise IndexError
    return message[place : place + size], place + size


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 64:
        digit = message[place]
        place += 1
        number |= (digit & 0x7F) << shift
        if digit < 0x80:
            return number, place
        shift += 7
    raise IndexError
