"""An event stream's bytes: into events, and through each dialect's reader to every client.

Invariants
- `sse`: any bytes, however they are cut, give the events that a reading line by line by the standard gives, up to the
  first that is too long, and then one ProtocolFault. What is written with `encode` is read back.
- `reader-DIALECT`: any bytes give deltas, then an end, or one ProtocolFault; the same ones however the bytes are cut.
  In the dialect of any client they make a stream that this dialect's own reader reads, with its regular end if and
  only if the upstream's had one; folded, they make one JSON document. Nothing else is ever raised.
"""

import json
from collections.abc import Sequence
from typing import Any

from tests.fuzz.scene import CLIENTS, CUT, LIMIT, context_of, cuttings, job_of, seed_of, target_of
from translators.catalog import codec
from translators.codec import Pipe
from translators.faults import Failure, ProtocolFault, Truncated
from translators.ir import Continued, Delta, Dialect, Ended, Event, Failed
from translators.profile import Profile
from translators.sse import BOM, EventSplitter, encode

SHORT = 64
"""So small a limit that inputs reach it."""
SLACK = 8


def check_sse(data: bytes) -> None:
    """See the module."""
    for limit in (SHORT, LIMIT):
        expected, over = _by_lines(data, limit)
        for pieces in cuttings(data):
            events, failed = _split(pieces, limit)
            assert events == expected, (pieces, limit)
            assert over is None or failed == over, (pieces, limit)
    for event in _by_lines(data, LIMIT)[0]:
        if "\n" not in event.name and "\r" not in event.name:
            assert EventSplitter().feed(encode(event.data, event.name)) == [event]


def _split(pieces: Sequence[bytes], limit: int) -> tuple[list[Event], bool]:
    splitter, events = EventSplitter(limit), []
    try:
        for piece in pieces:
            events += splitter.feed(piece)
        splitter.close()
    except ProtocolFault:
        return events, True
    return events, False


def _by_lines(data: bytes, limit: int) -> tuple[list[Event], bool | None]:
    """What the standard says, as slowly as it says it, and whether there was an event of more bytes than allowed (None:
    by so little more, and unended, that it may pass)."""
    text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(BOM)
    *lines, rest = text.split(b"\n")
    events: list[Event] = []
    told: list[bytes] = []
    name, size = "", 0
    for line in lines:
        if not line:
            if told:
                events.append(Event(b"\n".join(told), name))
            told, name, size = [], "", 0
            continue
        leading = line.startswith(b":") and not size
        size += len(line) + bool(size)
        if size > limit:
            return events, True
        if leading:
            size = 0  # a keep-alive belongs to no event
        field, _, value = line.partition(b":")
        if field == b"data":
            told.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode("utf-8", "replace")
    size += len(rest) + bool(size)
    return events, None if limit < size <= limit + SLACK else size > limit


def check_reader(dialect: Dialect, data: bytes) -> None:
    """See the module."""
    seed = seed_of(data)
    target, context = target_of(dialect, seed), context_of(seed)

    def tell(client: Dialect, pieces: Sequence[bytes]) -> tuple[list[Delta], bytes, str]:
        return _through(job_of(client, {}, stream=True).pipe(target, context), pieces)

    for client in CLIENTS:
        whole, *others = cuttings(data)
        told = tell(client, whole)
        for pieces in others if client is CLIENTS[seed % len(CLIENTS)] else ():
            assert tell(client, pieces) == told, pieces
        _is_a_stream(client, *told, relayed=client is dialect)
        _folds(job_of(client, {}).folding(target, context, LIMIT), whole)


def _through(pipe: Pipe, pieces: Sequence[bytes]) -> tuple[list[Delta], bytes, str]:
    """The deltas, what the client is sent, and how it ended."""
    deltas: list[Delta] = []
    sent: list[bytes] = []
    try:
        _fed(pipe, pieces, deltas, sent)
        told, written = pipe.close()
    except Failure as failure:
        return deltas, b"".join([*sent, pipe.fault(failure.fault)]), "failed"
    except ProtocolFault as fault:
        return deltas, b"".join([*sent, pipe.fault(CUT)]), type(fault).__name__
    return [*deltas, *told], b"".join([*sent, written]), "whole"


def _fed(pipe: Pipe, pieces: Sequence[bytes], deltas: list[Delta], sent: list[bytes]) -> None:
    """Up to the stream's own end, or a pause. Raises Failure for an event of failure."""
    splitter = EventSplitter()
    for piece in pieces:
        for event in splitter.feed(piece):
            told, written = pipe.feed(event)
            deltas += told
            sent.append(written)
            for delta in told:
                pipe.shows(delta)
                if isinstance(delta, Failed):
                    raise Failure(delta.fault)
            if pipe.done or any(isinstance(delta, Continued) for delta in told):
                return


def _is_a_stream(client: Dialect, deltas: list[Delta], sent: bytes, end: str, *, relayed: bool) -> None:
    assert all(isinstance(delta, Delta) for delta in deltas)
    if relayed:
        return  # as it came
    reader = codec(client).reader(Profile())
    seen: list[Delta] = []
    splitter = EventSplitter()
    for event in splitter.feed(sent):
        json.loads(event.data) if event.data != b"[DONE]" else None
        seen += reader.feed(event)
    assert splitter.leftover == 0
    failed = any(isinstance(delta, Failed) for delta in seen)
    assert failed == (end != "whole"), (end, sent)
    if end == "whole":
        seen += reader.close()
        ended = [delta.choice for delta in seen if isinstance(delta, Ended)]
        assert ended and len(ended) == len(set(ended))
    else:
        assert b"[DONE]" not in sent


def _folds(pipe: Pipe, pieces: Sequence[bytes]) -> None:
    splitter = EventSplitter()
    try:
        for piece in pieces:
            for event in splitter.feed(piece):
                pipe.feed(event)
        body: Any = json.loads(pipe.close()[1])
    except (Failure, ProtocolFault, Truncated):
        return
    assert isinstance(body, dict)
