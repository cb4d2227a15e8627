"""How an answer is told over HTTP, and every way of telling it wrong: pure functions from an answer to a plan."""

import gzip
from collections.abc import Iterator, Sequence
from functools import cache

from proxy.drill.scene import Scene
from proxy.drill.wire import (
    LAST_CHUNK,
    Act,
    Action,
    Answer,
    Event,
    EventKind,
    Plan,
    Wait,
    chunk,
    chunked_head,
    head,
    joined,
    whole,
)
from proxy.flow import Headers

HEADER_BLOCK = b"x-padding: " + b"x" * 65_522 + b"\r\n"
HEADER_BLOCKS = 16_384
_BOMB_BYTES = 32 * 1024 * 1024
_PAGE = b"<!doctype html><html><head><title>Gateway</title></head><body><h1>Please try again</h1></body></html>"


def told(answer: Answer, every_s: float = 0.0, pings: Sequence[bytes] = ()) -> Plan:
    """As it should be: a body with its length, or events in chunks, `every_s` apart; `pings` after the opening."""
    if answer.events is None:
        return [whole(answer.status, answer.headers, answer.body)]
    opening, rest = _split(answer.events, None)
    parts = [*(event.data for event in opening), *pings, *(event.data for event in rest)]
    chunks: list[Action] = [chunk(part) for part in parts]
    if every_s:
        chunks = [action for one in chunks for action in (one, Wait(every_s))][:-1]
    return joined([chunked_head(answer), *chunks, LAST_CHUNK])


def opening(answer: Answer) -> bytes:
    """The headers alone."""
    if answer.events is None:
        return whole(answer.status, answer.headers, b"", length=len(answer.body))
    return chunked_head(answer)


def _split(events: Sequence[Event], after: int | None) -> tuple[Sequence[Event], Sequence[Event]]:
    """Before and behind the `after`th content delta; None splits before the first one."""
    seen = 0
    for position, event in enumerate(events):
        if event.kind == "finish" or (event.kind == "delta" and seen == (after or 0)):
            return events[:position], events[position:]
        seen += event.kind == "delta"
    return events, ()


def _begun(answer: Answer, after: int | None) -> tuple[bytes, bytes]:
    """What is sent up to the `after`th content delta (up to the middle of a unary body), and what would follow."""
    if answer.events is None:
        half = 0 if after is None else len(answer.body) // 2
        return opening(answer) + answer.body[:half], answer.body[half:]
    first, rest = _split(answer.events, after)
    before = b"".join(chunk(event.data) for event in first)
    return chunked_head(answer) + before, b"".join(chunk(event.data) for event in rest) + LAST_CHUNK


def paused(answer: Answer, after: int, pause: Act) -> Plan:
    before, behind = _begun(answer, after)
    return [before, pause, behind]


def unclosed(answer: Answer) -> Plan:
    if answer.events is None:
        return told(answer)
    return [chunked_head(answer) + b"".join(chunk(event.data) for event in answer.events), Act.NEVER]


def cut(answer: Answer, after: int | None, half_event: bytes) -> Plan:
    before, _ = _begun(answer, after)
    return [before + (chunk(half_event) if half_event and answer.events is not None else b""), Act.CUT]


def cut_in_chunk(answer: Answer, after: int) -> Plan:
    if answer.events is None:
        return cut(answer, after, b"")
    before, rest = _split(answer.events, after)
    half = chunk(rest[0].data)[: len(rest[0].data) // 2]
    return [chunked_head(answer) + b"".join(chunk(event.data) for event in before) + half, Act.CUT]


def reset_behind(answer: Answer, kind: EventKind) -> Plan:
    """All up to the last event of this kind, or of all where there is none, and no last chunk; a unary answer whole."""
    if answer.events is None:
        return [*told(answer), Act.RESET]
    events = answer.events
    count = max((at for at, event in enumerate(events, 1) if event.kind == kind), default=len(events))
    return [chunked_head(answer) + b"".join(chunk(event.data) for event in events[:count]), Act.RESET]


def truncated(answer: Answer, after: int | None, *, by_close: bool) -> Plan:
    if answer.events is None:
        return halved(answer)
    whole_content = sum(event.kind == "delta" for event in answer.events)
    first, _ = _split(answer.events, whole_content if after is None else after)
    if by_close:
        body = b"".join(event.data for event in first)
        return [head(answer.status, [*answer.headers, ("connection", "close")]) + body, Act.CUT]
    return [chunked_head(answer) + b"".join(chunk(event.data) for event in first) + LAST_CHUNK]


def halved(answer: Answer) -> Plan:
    if answer.events is None:
        return [whole(answer.status, answer.headers, answer.body[: len(answer.body) // 2])]
    _, rest = _split(answer.events, None)
    data = rest[0].data
    return with_event(answer, data[: len(data) // 2] + b"\n\n", b"")


def with_event(answer: Answer, event: bytes, body: bytes, *, keep_body: bool = False) -> Plan:
    """A stream with `event` put in before its first content; a unary answer of `body`, with its own behind it where
    `keep_body`."""
    if answer.events is None:
        return [whole(answer.status, answer.headers, body + (answer.body if keep_body else b""))]
    first, rest = _split(answer.events, None)
    parts = [*(one.data for one in first), event, *(one.data for one in rest)]
    return joined([chunked_head(answer), *(chunk(part) for part in parts), LAST_CHUNK])


def with_bad_text(scene: Scene) -> Plan:
    answer = scene.answer()
    return with_event(answer, scene.voice.text_event(b"bad \xff\xfe text"), answer.body[:-1] + b',"bad":"\xff"}')


def broken_by_event(scene: Scene, after: int | None, *, held: bool) -> Plan:
    if not scene.streaming:
        return told(scene.error(scene.voice.OVERLOADED_STATUS, "overloaded", None, {}))
    before, _ = _begun(scene.answer(), after)
    event = scene.voice.error_event(scene.voice.fault(scene.voice.OVERLOADED_STATUS, "overloaded"))
    return joined([before, *([Act.HOLD] if held else ()), chunk(event), LAST_CHUNK])


def finished_twice(answer: Answer) -> Plan:
    if answer.events is None:
        return told(answer)
    finish = [event.data for event in answer.events if event.kind == "finish"]
    told_once = [event.data for event in answer.events if event.kind != "end"]
    end = [event.data for event in answer.events if event.kind == "end"]
    return joined([chunked_head(answer), *(chunk(part) for part in (*told_once, *finish, *end)), LAST_CHUNK])


def trickled(answer: Answer) -> Iterator[Action]:
    for action in told(answer):
        if isinstance(action, bytes):
            for position in range(len(action)):
                yield action[position : position + 1]
                yield Wait(0)


def page(status: int) -> Plan:
    return [whole(status, [("content-type", "text/html")], _PAGE)]


def redirected(location: str) -> Plan:
    return [whole(302, [("location", location)], b"")]


@cache
def _bomb(before: bytes, after: bytes) -> bytes:
    """A gzip member of blanks; members may follow one another."""
    return gzip.compress(before + b" " * _BOMB_BYTES + after, 1, mtime=0)


def bombed(answer: Answer) -> Plan:
    headers: Headers = [*answer.headers, ("content-encoding", "gzip")]
    if answer.events is None:
        return [whole(answer.status, headers, _bomb(b"", b"") + gzip.compress(answer.body))]
    events = b"".join(event.data for event in answer.events)
    return [whole(answer.status, headers, _bomb(b":", b"\n\n") + gzip.compress(events))]
