"""Chunks of a completion stream as deltas."""

import orjson
import pytest

from translators.faults import Kind, ProtocolFault, Truncated
from translators.ir import Ended, Event, Failed, Finish, Started, TextDelta, Usage, Used
from translators.openai_completions import reader
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_stream_becomes_deltas(chunk):
    reading = reader(PROFILE)
    events = [chunk("Once"), chunk(" more"), chunk("", finish="stop"), chunk("", finish="stop")]
    deltas = [delta for event in events for delta in reading.feed(event)]
    deltas += reading.feed(Event(orjson.dumps({"choices": [], "usage": USAGE})))
    assert not reading.done
    assert reading.feed(Event(b"[DONE]")) == () and reading.done
    assert [*deltas, *reading.close()] == [
        Started("cmpl-9", "m"),
        TextDelta("Once"),
        TextDelta(" more"),
        Ended(Finish.STOP),
        Used(Usage(3, 2)),
    ]


def test_a_stream_without_its_finish_is_truncated(chunk):
    reading = reader(PROFILE)
    reading.feed(chunk("Once"))
    reading.feed(Event(b"[DONE]"))
    with pytest.raises(Truncated):
        reading.close()


@pytest.mark.parametrize(
    "chunks",
    [
        [{"index": -1}],
        [{"finish": "stop"}, {"text": "more"}],
        [{"finish": "stop"}, {"finish": "length"}],
    ],
)
def test_what_cannot_be_a_completion_stream_is_a_protocol_fault(chunk, chunks):
    reading = reader(PROFILE)
    *before, last = [chunk(**one) for one in chunks]
    for event in before:
        reading.feed(event)
    with pytest.raises(ProtocolFault):
        reading.feed(last)


@pytest.mark.parametrize("data", [b"{oops", b'{"choices": 7}'])
def test_what_is_no_chunk_is_a_protocol_fault(data):
    with pytest.raises(ProtocolFault):
        reader(PROFILE).feed(Event(data))


@pytest.mark.parametrize(
    "event",
    [
        Event(b'{"error": {"message": "Busy.", "code": "server_is_overloaded"}}'),
        Event(b'{"choices": [{"index": 0, "error": {"code": "server_is_overloaded"}}]}'),
    ],
)
def test_an_error_in_the_stream_is_its_failure(chunk, event):
    reading = reader(PROFILE)
    failed = reading.feed(event)[-1]
    assert isinstance(failed, Failed) and failed.fault.kind is Kind.OVERLOADED
    assert reading.feed(chunk("more")) == ()
