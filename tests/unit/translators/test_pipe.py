"""A reader and a writer joined."""

import pytest

from translators.faults import Fault, Kind, Truncated
from translators.ir import (
    Annotated,
    Choice,
    Dialect,
    Ended,
    Event,
    Finish,
    Foreign,
    Kept,
    Lost,
    Message,
    ReasoningDelta,
    Reply,
    Text,
    TextDelta,
)
from translators.pipe import NOTES_CAP, Translating, unsaid, unsaid_of
from translators.report import Report


class Reader:
    def __init__(self, whole=True):
        self.whole = whole
        self.done = False

    def feed(self, event):
        return [TextDelta(piece.decode()) for piece in event.data.split(b"|")]

    def close(self):
        if not self.whole:
            raise Truncated("cut")
        return [Ended(Finish.STOP)]


class Writer:
    def feed(self, delta):
        return delta.text.encode() if isinstance(delta, TextDelta) else b"."

    def close(self):
        return b"END"

    def fault(self, fault):
        return fault.kind.encode()

    def shows(self, delta):
        return isinstance(delta, TextDelta)


def test_every_delta_is_written_in_order():
    pipe = Translating(Reader(), Writer())
    assert pipe.feed(Event(b"a|b|c")) == ([TextDelta("a"), TextDelta("b"), TextDelta("c")], b"abc")
    assert pipe.feed(Event(b"d")) == ([TextDelta("d")], b"d")


def test_the_end_is_the_readers_last_deltas_and_the_writers_close():
    assert Translating(Reader(), Writer()).close() == ([Ended(Finish.STOP)], b".END")


def test_a_truncated_stream_gets_no_end():
    with pytest.raises(Truncated):
        Translating(Reader(whole=False), Writer()).close()


def test_faults_and_what_shows_are_the_clients_dialects():
    pipe = Translating(Reader(), Writer())
    assert pipe.fault(Fault(kind=Kind.SERVER, message="m")) == b"server"
    assert pipe.shows(TextDelta("a"))
    assert not pipe.shows(ReasoningDelta("a"))


def test_the_upstreams_end_is_the_readers():
    reader = Reader()
    pipe = Translating(reader, Writer())
    assert not pipe.done
    reader.done = True
    assert pipe.done


@pytest.mark.parametrize("odd", [Kept(Foreign("gemini", "executableCode", {})), Annotated({})])
@pytest.mark.parametrize("before", [[], [TextDelta("a")]])
def test_what_may_have_no_place_is_told_of(before, odd):
    class Odd(Reader):
        def feed(self, event):
            return [*before, odd]

    told = []
    Translating(Odd(), Writer(), told.append).feed(Event(b""))
    assert told == [odd]


def test_each_kind_of_part_without_a_place_is_noted_once():
    kinds = ["executableCode", "inlineData", "executableCode"]
    message = Message("assistant", (Text("a"), *(Foreign("gemini", kind, {}) for kind in kinds)))
    reply = Reply(id="", model="", choices=(Choice((message,), Finish.STOP),))
    report = Report()
    unsaid_of(reply, "openai-chat", report)
    assert [entry.field for entry in report.entries] == ["answer.executableCode", "answer.inlineData"]
    at_home = Report()
    unsaid_of(reply, "gemini", at_home)
    assert at_home.entries == []


@pytest.mark.parametrize(("dialect", "told"), [("anthropic-messages", "dropped=answer.annotations"), ("gemini", "")])
def test_citations_without_a_place_are_noted_once(dialect, told):
    reply = Reply(id="", model="", choices=(Choice((), Finish.STOP, annotations=({}, {})),))
    report = Report()
    unsaid_of(reply, Dialect(dialect), report)
    assert report.header() == told


def test_a_provider_cannot_grow_a_report_without_end():
    report = Report()
    for number in range(1000):
        unsaid(Lost(f"answer.{number}", "new"), Dialect.OPENAI_CHAT, report)
    assert len(report.entries) == NOTES_CAP
