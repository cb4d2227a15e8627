"""Anthropic's events to an Anthropic client, as they came."""

import pytest

from translators.anthropic_messages import relay
from translators.codec import Context
from translators.faults import Fault, Kind, Truncated
from translators.ir import Ended, Event, Failed, ReasoningDelta, Started, TextDelta

CONTEXT = Context(id="msg_ours", created=1, model="claude-test")


@pytest.fixture
def pipe(target):
    return relay(target(), CONTEXT)


def test_events_pass_byte_for_byte_with_their_names_and_are_watched(pipe):
    data = b'{"type":"message_start","message":{"id":"msg_1","model":"m"}, "tomorrow": 1}'
    deltas, out = pipe.feed(Event(data, "message_start"))
    assert deltas == [Started("msg_1", "m")]
    assert out == b"event: message_start\ndata: " + data + b"\n\n"


def test_events_that_mean_nothing_here_pass_too(pipe):
    assert pipe.feed(Event(b'{"type":"ping"}', "ping")) == ((), b'event: ping\ndata: {"type":"ping"}\n\n')


def test_an_error_event_is_not_passed_on(pipe):
    deltas, out = pipe.feed(Event(b'{"type":"error","error":{"type":"api_error","message":"secret"}}', "error"))
    assert isinstance(deltas[0], Failed)
    assert out == b""


def test_the_end_adds_nothing_and_a_missing_one_is_told(pipe):
    with pytest.raises(Truncated):
        pipe.close()
    pipe.feed(Event(b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', "message_delta"))
    deltas, _ = pipe.feed(Event(b'{"type":"message_stop"}', "message_stop"))
    assert isinstance(deltas[-1], Ended)
    assert pipe.close() == ((), b"")


def test_what_comes_after_the_end_is_not_passed_on_however_the_bytes_were_cut(pipe):
    pipe.feed(Event(b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}', "message_delta"))
    assert not pipe.done
    pipe.feed(Event(b'{"type":"message_stop"}', "message_stop"))
    assert pipe.done
    assert pipe.feed(Event(b"[DONE]")) == ((), b"")


def test_an_end_without_a_stop_reason_is_not_passed_on_for_it_is_a_break(pipe):
    pipe.feed(Event(b'{"type":"message_delta","delta":{}}', "message_delta"))
    with pytest.raises(Truncated):
        pipe.feed(Event(b'{"type":"message_stop"}', "message_stop"))


def test_the_proxys_own_error_is_an_error_event(pipe):
    out = pipe.fault(Fault(kind=Kind.PROTOCOL, message="It broke."))
    assert out == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"It broke.",'
        b'"details":{"error_code":"upstream_invalid_response"}}}\n\n'
    )


def test_the_client_sees_text_and_thinking(pipe):
    assert pipe.shows(TextDelta("a"))
    assert pipe.shows(ReasoningDelta("a"))
    assert not pipe.shows(Started("a", "b"))
