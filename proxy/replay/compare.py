"""What differs between an exchange as it was recorded and as it was played: decisions, calls and answer. Pure.

Compared are values, not bytes. Left out is what no two runs have in common: moments (`created`), milliseconds, numbers
in messages that speak of waits, comments in a stream. Where texts were blanked both sides are blanked, and then a
letter is like another and a number like another, for translating may write either anew.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import orjson
from msgspec import Struct

from proxy.answers import safe
from proxy.filters.observe import code_of
from proxy.recording.form import MASKED, Call, Line
from proxy.recording.masking import KEPT, masked
from proxy.recording.telling import ASKED
from proxy.replay.play import Played
from proxy.replay.stage import Made, body_of
from translators.faults import Fault

MOMENTS: Final = frozenset({"created", "created_at", "completed_at", "ms"})
TOLD: Final = frozenset({"message", "reason"})
"""Members whose numbers may be waits."""
SHOWN: Final = 80

_EVENT_END = re.compile(rb"(?:\r\n|\r|\n){2}")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LETTER = re.compile(r"[^\x00-\x7f]|[a-zA-Z]")
_MINTED = re.compile(r"\bgcall_[0-9a-f]{16}")
"""An id that is made of what a call says."""
_ONES = frozenset("1.e+-")
_NOTHING = object()


class Difference(Struct, frozen=True):
    what: str
    """`calls`, `attempts`, `skipped`, `status`, `fault`, `translation`, `call N`, `answer` or `end`."""
    recorded: str
    replayed: str


def differences(played: Played) -> list[Difference]:
    """All there are, the decisions first. Where the exchange called somebody of whom nothing is recorded, what
    followed is unknown, and only the calls are told."""
    line, exchange = played.line, played.exchange
    called = [f"{call.provider}/{call.model}" for call in line.calls], [made.target for made in played.stage.made]
    if played.stage.unknown:
        after = ", ".join([*called[1][:-1], f"{called[1][-1]} (not recorded)"])
        return [Difference("calls", ", ".join(called[0]) or "none", after)]
    pairs = {
        "calls": (_listed(called[0]), _listed(called[1])),
        "attempts": (_listed(_attempt(one) for one in line.attempts), _listed(map(_attempt, exchange.attempts))),
        "skipped": (_skipped(line.skipped), _skipped(exchange.skipped)),
        "status": (str(line.status), str(exchange.status)),
        "fault": (_fault(line.kind, line.code), _fault_of(exchange.fault)),
        "translation": (line.translation or "none", exchange.translation or "none"),
        "end": (_end(cut=line.cut), _end(cut=played.out.cut)),
    }
    found = [Difference(what, *pair) for what, pair in pairs.items() if pair[0] != pair[1]]
    if called[0] == called[1]:
        for place, (call, made) in enumerate(zip(line.calls, played.stage.made, strict=True), 1):
            found += [Difference(f"call {place}", *pair) for pair in _call(call, made, line)]
    return found + [Difference("answer", *pair) for pair in _answer(played)]


def _call(call: Call, made: Made, line: Line) -> Iterator[tuple[str, str]]:
    """What of the request to a provider differs: address, the headers that are recorded, and the first of the body."""
    if call.url != made.call.url:
        yield call.url, made.call.url
    headers = {name: value for name, value in made.call.headers if name in ASKED}
    for name in sorted(headers.keys() | call.request_headers.keys()):
        before, after = call.request_headers.get(name, "none"), headers.get(name, "none")
        if before != after and name != "user-agent":  # which tells the version
            yield f"{name}: {before}", f"{name}: {after}"
    blanked = line.fidelity == MASKED
    sent = made.call.body if isinstance(made.call.body, bytes) else b""
    yield from _first(_plain(call.request_body, blanked), _plain(_parsed(masked(sent, texts=not blanked)), blanked))


def _answer(played: Played) -> Iterator[tuple[str, str]]:
    """The first that differs in what the client got."""
    line, out = played.line, played.out
    blanked = line.fidelity == MASKED
    got = masked(out.body, texts=not blanked, answer=True, events=line.sse, failure=out.status >= 400)
    parts = [_parts(body, events=line.sse) for body in (body_of(line), got)]
    for place, (before, after) in enumerate(zip_longest(*parts, fillvalue=_NOTHING), 1):
        where = f"event {place}" if line.sse else ""
        yield from list(_first(_plain(before, blanked), _plain(after, blanked), where))[:1]
        if _plain(before, blanked) != _plain(after, blanked):
            return


def _parts(body: bytes, *, events: bool) -> list[Any]:
    """A whole answer's value, or each event's."""
    if not events:
        return [_parsed(body)]
    pieces = [[one for one in piece.splitlines() if one and not one.startswith(b":")] for piece in _split(body)]
    return [[_line(one) for one in piece] for piece in pieces if piece]


def _split(body: bytes) -> list[bytes]:
    return _EVENT_END.split(body)


def _line(line: bytes) -> Any:
    data = line.removeprefix(b"data:")
    return line.decode("utf-8", "replace") if data == line else _parsed(data.strip())


def _parsed(body: bytes) -> Any:
    """JSON, or the text that it is instead."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _plain(value: Any, blanked: bool, key: str = "") -> Any:
    """The value without what no two runs have in common."""
    if isinstance(value, Mapping):
        return {name: _plain(one, blanked, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, blanked, key) for one in value]
    if key in MOMENTS:
        return 0
    if isinstance(value, str):
        if key in TOLD:
            return _NUMBER.sub("#", value)
        return _minted(value) if not blanked or key in KEPT else _NUMBER.sub("1", _LETTER.sub("n", value))
    return 1 if blanked and _is_filler(value) else value


def _is_filler(value: Any) -> bool:
    """Whether a number may have been blanked: of ones alone, a fraction as far as it is exact."""
    if isinstance(value, float):
        return set(f"{abs(value):.6g}") <= _ONES | {"0"}
    return isinstance(value, int) and not isinstance(value, bool) and set(str(abs(value))) <= _ONES


def _minted(text: str) -> str:
    return _MINTED.sub("gcall_#", text)


def _first(before: Any, after: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """The first place at which two values differ, with what stands there."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*before, *(name for name in after if name not in before)]:
            one, other = before.get(name, _NOTHING), after.get(name, _NOTHING)
            if one != other:
                yield from _first(one, other, f"{where}.{name}" if where else str(name))
                return
    if isinstance(before, list) and isinstance(after, list):
        for place, (one, other) in enumerate(zip_longest(before, after, fillvalue=_NOTHING)):
            if one != other:
                yield from _first(one, other, f"{where}[{place}]")
                return
    head = f"{where}: " if where else ""
    yield head + _shown(before), head + _shown(after)


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _attempt(one: Any) -> str:
    return f"{one.target} {one.kind} {one.status}"


def _skipped(skipped: Sequence[tuple[str, str]]) -> str:
    return _listed(f"{safe(target)} ({_NUMBER.sub('#', reason)})" for target, reason in skipped)


def _listed(texts: Any) -> str:
    return ", ".join(texts) or "none"


def _fault(kind: str | None, code: str | None) -> str:
    return f"{kind} {code}" if kind is not None else "none"


def _fault_of(fault: Fault | None) -> str:
    return _fault(None, None) if fault is None else _fault(fault.kind.value, code_of(fault))


def _end(*, cut: bool) -> str:
    return "broken off" if cut else "regular"
