"""Completions that pass as they came. What becomes of requests stands beside those that are read."""

import orjson

from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import Event
from translators.openai_completions import relay
from translators.profile import Profile
from translators.sse import EventSplitter

PROFILE = Profile(provider="p", model="m")
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_relay_passes_events_as_they_came_but_usage_nobody_asked_for(chunk):
    events = [chunk("Once", odd=1), chunk(finish="stop"), Event(orjson.dumps({"choices": [], "usage": USAGE}))]
    for asked in (False, True):
        pipe = relay(PROFILE, Context(id="x", created=5, model="m", include_usage=asked))
        sent = b"".join(pipe.feed(event)[1] for event in [*events, Event(b"[DONE]")])
        assert pipe.done
        passed = [event.data for event in EventSplitter().feed(sent + pipe.close()[1])]
        assert passed == [event.data for event in (events if asked else events[:2])] + [b"[DONE]"]


def test_a_broken_stream_ends_in_an_error_event():
    fault = Fault(kind=Kind.PROTOCOL, message="It broke.", code="stream_cut")
    pipe = relay(PROFILE, Context(id="x", created=5, model="m"))
    assert orjson.loads(pipe.fault(fault)[6:])["error"]["code"] == "stream_cut"
