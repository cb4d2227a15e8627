"""Gemini to Gemini."""

import orjson
import pytest

from translators import gemini
from translators.codec import Context
from translators.faults import Fault, Kind, ProtocolFault
from translators.gemini.wire import ORIGIN
from translators.ir import Continued, Event, ReasoningDelta, TextDelta
from translators.sse import EventSplitter


@pytest.fixture
def pipe(target):
    return gemini.relay(target(), Context(id="id-1", created=5, model="m"))


def data_of(sent):
    return [event.data for event in EventSplitter().feed(sent)]


def test_events_pass_as_they_came_and_nothing_after_the_end(pipe, answer):
    first = answer({"text": "a"}, {"novel": 1}, reason=None)
    last = answer({"text": "b"}, usage={"promptTokenCount": 1})
    assert data_of(pipe.feed(Event(first))[1]) == [first]
    assert data_of(pipe.feed(Event(last))[1]) == [last]
    assert pipe.done
    assert pipe.feed(Event(first)) == ((), b"")
    assert pipe.close() == ((), b"")


def test_signed_parts_get_their_mark(pipe, answer, own):
    [sent] = data_of(pipe.feed(Event(answer({"text": "", "thoughtSignature": "s"})))[1])
    [part] = orjson.loads(sent)["candidates"][0]["content"]["parts"]
    assert part["partMetadata"] == {ORIGIN: own.origin}


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: b"[" + data + b"]"])
def test_a_pause_is_the_proxys_business(pipe, answer, wrap):
    deltas, sent = pipe.feed(Event(wrap(answer({"text": "a"}, reason="CONTINUATION", continuationToken="t"))))
    assert isinstance(deltas[-1], Continued)
    assert b"CONTINUATION" not in sent and b"continuationToken" not in sent
    assert b'"a"' in sent
    _, end = pipe.close()
    assert b'"MAX_TOKENS"' in end


def test_an_error_does_not_pass(pipe):
    deltas, sent = pipe.feed(Event(b'{"error":{"code":503,"status":"UNAVAILABLE","message":"secret"}}'))
    assert (deltas[-1].fault.kind, sent) == (Kind.OVERLOADED, b"")
    assert b"Busy" in pipe.fault(Fault(kind=Kind.OVERLOADED, message="Busy."))


def test_what_cannot_be_read_is_not_passed_on(pipe):
    with pytest.raises(ProtocolFault):
        pipe.feed(Event(b"nonsense"))
    assert pipe.shows(TextDelta("a")) and pipe.shows(ReasoningDelta("a"))
