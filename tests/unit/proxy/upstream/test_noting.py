"""What an answer says of itself is noted, and passes unchanged."""

import os

import pytest

from proxy.flow import Signs
from proxy.tracing import Sampler, begin
from proxy.upstream.noting import hear, note, noting, sign
from translators.codec import Seen
from translators.ir import Choice, Ended, Event, Finish, Message, Refusal, RefusalDelta, Reply, Started, TextDelta


class Pipe:
    """Gives what it was made with."""

    done = False

    def __init__(self, fed, closed=()):
        self._fed, self._closed = fed, closed

    def feed(self, event):
        return self._fed, b"fed"

    def close(self):
        return self._closed, b"closed"

    def fault(self, fault):
        return b"fault"

    def shows(self, delta):
        return True


def trace():
    return begin(Sampler(), {}, os.urandom)


def reply(*choices):
    return Reply(id="i", model="m", choices=choices)


def said(made):
    return made.model, made.finishes


def test_a_relayed_answer_is_noted_as_it_was_looked_at():
    made = trace()
    note(made, Seen("id", "m-1", None, Finish.LENGTH))
    assert said(made) == ("m-1", ["length"])


def test_an_answer_that_does_not_say_how_it_ended_is_no_reason():
    made = trace()
    note(made, Seen("id", "m-1", None, None))
    note(made, None)
    assert said(made) == ("m-1", [])


def test_a_translated_answer_has_a_reason_for_each_choice():
    made = trace()
    note(made, Reply(id="i", model="m-2", choices=(Choice((), Finish.STOP), Choice((), Finish.TOOL_CALLS, 1))))
    assert said(made) == ("m-2", ["stop", "tool_calls"])


def test_a_stream_is_noted_as_it_passes():
    made = trace()
    fed = (Started("i", "m-3"), TextDelta("x"))
    pipe = noting(Pipe(fed, (Ended(Finish.STOP),)), made)
    assert pipe.feed(Event(b"{}")) == (fed, b"fed")
    assert said(made) == ("m-3", [])
    assert pipe.close() == ((Ended(Finish.STOP),), b"closed")
    assert said(made) == ("m-3", ["stop"])
    assert (pipe.done, pipe.fault(None), pipe.shows(TextDelta("x"))) == (False, b"fault", True)


def test_without_a_trace_a_stream_is_left_alone():
    pipe = Pipe(())
    assert noting(pipe, None) is pipe


@pytest.mark.parametrize(
    ("answer", "finishes", "declined"),
    [
        (Seen("id", "m", None, Finish.LENGTH), ["length"], False),
        (Seen("id", "m", None, None), [], False),
        (None, [], False),
        (reply(Choice((), Finish.STOP), Choice((), Finish.LENGTH, 1)), ["stop", "length"], False),
        (reply(Choice((Message("assistant", (Refusal("no"),)),), Finish.STOP)), ["stop"], True),
    ],
)  # fmt: skip
def test_how_a_whole_answer_ended_is_noted_for_who_learns(answer, finishes, declined):
    signs = Signs()
    sign(signs, answer)
    assert (signs.finishes, signs.declined) == (finishes, declined)


def test_how_a_stream_ended_is_noted_for_who_learns():
    signs = Signs()
    for delta in (Started("i", "m"), TextDelta("x"), Ended(Finish.STOP)):
        hear(signs, delta)
    assert (signs.finishes, signs.declined) == (["stop"], False)
    hear(signs, RefusalDelta("no"))
    assert signs.declined
