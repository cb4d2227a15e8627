"""What of an assistant's turn only its maker can read, and where it stood: taken from an answer, put back later.

Thinking with its signature, thought signatures and reasoning text must come back with the tool calls they led to, and
most clients drop fields they do not know. A `Turn` is what is left of such a turn when all a client keeps is taken
away: the thinking, whole parts that other dialects have no word for, and marks for how much text and which call stood
between. It holds none of the text and arguments, which the client brings again.

A turn is found again by the id of its first call and by a keyed hash of all that a client echoes: text, call ids, names
and arguments. The hash forgives what clients change without meaning anything by it and nothing else: how the text is
cut into parts, `null` for no text, and spaces, the order of keys and `1.0` for `1` in arguments. A history that was
edited is another history, and so is one that a stranger made up without having seen the answer.

Only turns with calls are kept: no dialect refuses a finished answer that comes back without its thinking.
"""

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from msgspec import Struct, structs

from translators.ir import Foreign, Image, Item, Message, Opaque, Part, Reasoning, Request, Text, ToolCall, ToolResult

Key = tuple[str, bytes]
"""Id of the turn's first call, and the hash of the turn."""


class Said(Struct, frozen=True, tag="said"):
    """So many characters of the turn's text, and the signature that rides on them."""

    length: int
    opaque: Opaque | None = None


class Called(Struct, frozen=True, tag="called"):
    """The turn's next call."""

    opaque: Opaque | None = None


class Held(Struct, frozen=True, tag="held"):
    """A whole part that only its maker's dialect has a word for (code it ran, a search of its own), as JSON."""

    dialect: str
    kind: str
    data: bytes
    opaque: None = None
    """A signature that rides on it is within."""


Step = Reasoning | Said | Called | Held

HELD_CAP = 1 << 18
"""Bytes of a part that is held; a picture may have more, and then goes without being kept."""


class Turn(Struct, frozen=True):
    """One turn's provider-bound part, in the order it was said."""

    origin: str
    """`str(Origin)` of the target that made it."""
    steps: tuple[Step, ...]

    def opaques(self) -> Iterator[Opaque]:
        return (step.opaque for step in self.steps if step.opaque is not None)


class Kept(Struct, frozen=True):
    """A turn and what it is found by."""

    key: Key
    turn: Turn


class Span(Struct, frozen=True):
    """Where a turn with calls stands in a request: items `start` to `end`."""

    start: int
    end: int
    key: Key


# -- taken from an answer ----------------------------------------------------------------------------------------


class Notes:
    """Collects one turn, item by item or delta by delta. Text is hashed as it comes, never held."""

    __slots__ = ("_calls", "_length", "_origin", "_plain", "_secret", "_steps", "_text")

    def __init__(self, secret: bytes, origin: str, *, plain: bool) -> None:
        """`plain` says whether reasoning without a blob must come back, too."""
        self._secret = secret
        self._origin = origin
        self._plain = plain
        self._text = _hash(secret)
        self._length = 0
        self._steps: list[Step] = []
        self._calls: list[tuple[str, str, bool, list[str]]] = []

    def say(self, text: str) -> None:
        self._text.update(_bytes(text))
        self._length += len(text)

    def signed(self, opaque: Opaque) -> None:
        """The text since the last other step bears `opaque`."""
        self._steps.append(Said(self._length, opaque))
        self._length = 0

    def think(self, block: Reasoning) -> None:
        self._rest()
        self._steps.append(block)

    def call(self, call_id: str, name: str, opaque: Opaque | None, *, custom: bool) -> None:
        self._rest()
        self._steps.append(Called(opaque))
        self._calls.append((call_id, name, custom, []))

    def argue(self, index: int, text: str) -> None:
        """More arguments of the turn's call `index`."""
        self._calls[index][3].append(text)

    def hold(self, part: Foreign) -> int:
        """Takes a whole part, unless it is too large; gives the bytes that are held for it."""
        try:
            data = orjson.dumps(part.value)
        except TypeError:  # too deep to be written again
            return 0
        if len(data) > HELD_CAP:
            return 0
        self._rest()
        self._steps.append(Held(part.dialect, part.kind, data))
        return len(data)

    def kept(self) -> Kept | None:
        """None for a turn that called nothing or has nothing of its maker's."""
        self._rest()
        if not self._calls or not any(map(self._counts, self._steps)):
            return None
        calls = [(call_id, name, "".join(pieces), custom) for call_id, name, custom, pieces in self._calls]
        key = calls[0][0], _sealed(self._secret, self._text, calls)
        return Kept(key, Turn(self._origin, tuple(self._steps)))

    def _counts(self, step: Step) -> bool:
        return (
            step.opaque is not None
            or isinstance(step, Held)
            or (self._plain and isinstance(step, Reasoning) and bool(step.text))
        )

    def _rest(self) -> None:
        if self._length:
            self._steps.append(Said(self._length))
            self._length = 0


def remembered(items: Sequence[Item], secret: bytes, origin: str, *, plain: bool) -> Kept | None:
    """What must be kept of a whole answer of the target `origin`; None for nothing, or for a refusal."""
    notes = Notes(secret, origin, plain=plain)
    for item in items:
        if isinstance(item, Reasoning):
            notes.think(item)
        elif isinstance(item, ToolCall):
            notes.call(item.id, item.name, item.opaque, custom=item.custom)
            notes.argue(-1, item.arguments)
        else:
            for part in _parts((item,)):
                if isinstance(part, Foreign):
                    notes.hold(part)
                    continue
                if not isinstance(part, Text):
                    return None
                notes.say(part.text)
                if part.opaque is not None:
                    notes.signed(part.opaque)
    return notes.kept()


# -- found again in a request ------------------------------------------------------------------------------------


def spans(items: Sequence[Item], secret: bytes) -> list[Span]:
    """The turns with calls among a request's items, each with what it is found by."""
    found: list[Span] = []
    seen: set[str] = set()
    start = 0
    for end, item in enumerate([*items, None]):
        if item is not None and _is_assistant(item):
            continue
        calls = [one for one in items[start:end] if isinstance(one, ToolCall)]
        if calls:
            own = [(_own_id(call.id, seen), call.name, call.arguments, call.custom) for call in calls]
            text = _hash(secret)
            for part in _parts(items[start:end]):
                text.update(_bytes(part.text if isinstance(part, Text) else ""))
            found.append(Span(start, end, (own[0][0], _sealed(secret, text, own))))
            seen.update(call.id for call in calls)
        start = end + 1
    return found


def restored(request: Request, turns: Mapping[int, Turn], found: Sequence[Span], origin: str) -> Request:
    """The request as its turns were said by the target `origin`: `turns` by the index of their span among `found`.

    A turn of another origin, and one whose blobs the client replaced by others, stay as the client sent them.
    """
    items = list(request.items)
    changed = False
    for index, turn in sorted(turns.items(), reverse=True):
        span = found[index]
        relaid = _relaid(items[span.start : span.end], turn) if turn.origin == origin else None
        if relaid is not None:
            items[span.start : span.end] = relaid
            changed = True
    return structs.replace(request, items=tuple(items)) if changed else request


def origins(items: Sequence[Item], relaid: Sequence[Item]) -> list[int]:
    """For each of the `relaid` items, as `restored` made them, the place among `items` of what it was made of; what a
    client had dropped has the place of what stands there now."""
    found: list[int] = []
    at, end = 0, len(items)
    for item in relaid:
        place = at
        while place < end and not _is_from(item, items[place]):
            if _is_assistant(item) and not _is_assistant(items[place]):
                place = end  # it is looked for in its turn alone
            place += 1
        if place < end:
            at = place + 1
        found.append(place if place < end else min(at, end - 1))
    return found


def _is_from(item: Item, own: Item) -> bool:
    """Whether a relaid item is one of the client's, a signature put back or not."""
    return item is own or (isinstance(item, ToolCall) and isinstance(own, ToolCall) and item.id == own.id)


def bare(request: Request) -> Request:
    """The request without anything that only its maker can read."""
    return structs.replace(request, items=tuple(_bare(request.items)))


def loop_origin(items: Sequence[Item], turns: Mapping[int, Turn], found: Sequence[Span]) -> str:
    """The origin that a live tool loop is bound to: of the last turn's blobs, in the request or kept. Empty where the
    request does not end in results, or nothing of its last turn is bound."""
    if not items or not isinstance(items[-1], ToolResult) or not found:
        return ""
    last = len(found) - 1
    if last in turns:
        return turns[last].origin
    marks = (opaque.origin for opaque in _opaques(items[found[last].start : found[last].end]) if opaque.origin)
    return next(marks, "")


# -- the hash ----------------------------------------------------------------------------------------------------


def _hash(secret: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(key=secret, digest_size=16)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _sealed(secret: bytes, text: "hashlib.blake2b", calls: Sequence[tuple[str, str, str, bool]]) -> bytes:
    """The hash of a turn whose text was hashed already; every field is preceded by its length."""
    sealed = _hash(secret)
    sealed.update(text.digest())
    for call_id, name, arguments, custom in calls:
        for field in (_bytes(call_id), _bytes(name), _bytes(arguments) if custom else _canonical(arguments)):
            sealed.update(len(field).to_bytes(8))
            sealed.update(field)
    return sealed.digest()


_FLOAT = re.compile(r"\d[.eE]")


def _canonical(arguments: str) -> bytes:
    """Arguments as bytes that are the same however the client wrote the same JSON; no arguments are an empty object."""
    try:
        value = orjson.loads(arguments or "{}")
        if _FLOAT.search(arguments):
            value = _whole(value)
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, TypeError, RecursionError):
        return _bytes(arguments)


def _whole(value: Any) -> Any:
    """JavaScript writes `1.0` as `1`."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53 else value


def _own_id(call_id: str, seen: set[str]) -> str:
    """The id as the answer had it: one that came again was told apart by a number when the request was read."""
    base, _, number = call_id.rpartition("_")
    return base if number.isdecimal() and base in seen else call_id


# -- laying a turn out again -------------------------------------------------------------------------------------


def _is_assistant(item: Item) -> bool:
    return isinstance(item, ToolCall | Reasoning) or (isinstance(item, Message) and item.role == "assistant")


def _parts(items: Sequence[Item]) -> Iterator[Part]:
    return (part for item in items if isinstance(item, Message) for part in item.parts)


def _opaques(items: Sequence[Item]) -> Iterator[Opaque]:
    for item in items:
        if isinstance(item, Message):
            yield from (part.opaque for part in item.parts if isinstance(part, Text) and part.opaque is not None)
        elif isinstance(item, Reasoning | ToolCall) and item.opaque is not None:
            yield item.opaque


def _relaid(items: Sequence[Item], turn: Turn) -> list[Item] | None:
    """The client's text and calls in the turn's own order, with what only its maker can read; None to leave it be."""
    known = {opaque.data for opaque in turn.opaques()}
    parts = list(_parts(items))
    if any(opaque.data not in known for opaque in _opaques(items)) or not all(map(_is_placed, parts)):
        return None
    texts = deque(part for part in parts if isinstance(part, Text))
    held = [step.data for step in turn.steps if isinstance(step, Held)]
    beside = [part for part in parts if not isinstance(part, Text) and not _is_held(part, held)]
    calls = iter([item for item in items if isinstance(item, ToolCall)])
    first = next((item for item in items if isinstance(item, Message)), Message("assistant", ()))
    out: list[Item] = []
    for step in turn.steps:
        if isinstance(step, Reasoning):
            out.append(step)
        elif isinstance(step, Called):
            if beside:
                out.append(structs.replace(first, parts=tuple(beside)))
                beside = []
            out.append(structs.replace(next(calls), opaque=step.opaque))
        elif isinstance(step, Held):
            part = Foreign(step.dialect, step.kind, orjson.loads(step.data))
            out.append(structs.replace(first, parts=(part,)))
        else:
            out.append(structs.replace(first, parts=tuple(_taken(texts, step))))
    return out


def _is_placed(part: Part) -> bool:
    """Whether it is known where a part of the client's belongs: text by its length, what else is said before calls."""
    return isinstance(part, Text | Image | Foreign)


def _is_held(part: Part, held: Sequence[bytes]) -> bool:
    """Whether a picture is, as its maker gave it, among what is held."""
    picture = part.shown if isinstance(part, Foreign) else part
    data = picture.data if isinstance(picture, Image) else None
    return data is not None and any(data.encode() in one for one in held)


def _taken(texts: "deque[Text]", step: Said) -> list[Text]:
    """The next `step.length` characters of the client's text; one text where a signature rides on it."""
    taken: list[Text] = []
    left = step.length
    while left:
        part = texts.popleft()
        if len(part.text) > left:
            texts.appendleft(structs.replace(part, text=part.text[left:]))
            part = Text(part.text[:left])
        left -= len(part.text)
        taken.append(part)
    if step.opaque is None:
        return taken
    cache = next((part.cache for part in reversed(taken) if part.cache is not None), None)
    return [Text("".join(part.text for part in taken), cache, step.opaque)]


def _bare(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Reasoning):
            if item.opaque is None:
                yield item
        elif isinstance(item, ToolCall):
            yield structs.replace(item, opaque=None) if item.opaque is not None else item
        elif isinstance(item, Message) and any(_opaques((item,))):
            unsigned = (structs.replace(p, opaque=None) if isinstance(p, Text) else p for p in item.parts)
            parts = tuple(p for p in unsigned if not isinstance(p, Text) or p.text)
            if parts:
                yield structs.replace(item, parts=parts)
        else:
            yield item
