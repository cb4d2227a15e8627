"""Deltas as Gemini's events."""

import orjson
import pytest

from translators import gemini
from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import (
    Annotated,
    Ended,
    Finish,
    Foreign,
    Kept,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.sse import EventSplitter

CONTEXT = Context(id="id-1", created=5, model="m")


def events(data):
    return [orjson.loads(event.data) for event in EventSplitter().feed(data)]


def written(*deltas):
    writer = gemini.writer(CONTEXT)
    return events(b"".join(map(writer.feed, deltas)) + writer.close())


def parts(said):
    return [part for event in said for one in event.get("candidates", ()) for part in one["content"]["parts"]]


def test_text_goes_at_once_and_the_last_event_has_the_reason_and_the_usage():
    said = written(Started("x", "y"), TextDelta("a"), Ended(Finish.STOP), Used(Usage(3, 2)))
    assert parts(said) == [{"text": "a"}, {"text": ""}]
    assert said[-1]["candidates"][0]["finishReason"] == "STOP"
    assert said[-1]["usageMetadata"] == {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
    assert {(event["responseId"], event["modelVersion"]) for event in said} == {("id-1", "m")}


def test_a_call_waits_until_it_is_whole_and_all_behind_it_too():
    deltas = [
        ToolStart(0, "c", "f"),
        ToolStart(1, "d", "g", custom=True),
        ToolArguments(1, "x"),
        ToolArguments(0, '{"a"'),
    ]
    deltas += [TextDelta("late"), ToolArguments(0, ":1}"), ToolArguments(7, "nobody's")]
    writer = gemini.writer(CONTEXT)
    assert [writer.feed(delta) for delta in deltas] == [b""] * len(deltas)
    writer.feed(Ended(Finish.TOOL_CALLS))
    assert parts(events(writer.close())) == [
        {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}},
        {"functionCall": {"id": "d", "name": "g", "args": {"input": "x"}}},
        {"text": "late"},
    ]


def test_calls_that_a_refusal_took_back_are_not_written():
    calls = (ToolStart(0, "c", "f"), ToolArguments(0, "{}"))
    said = written(TextDelta("a"), *calls, RefusalDelta("No."), Ended(Finish.CONTENT_FILTER, declined=True))
    assert not any("functionCall" in part for part in parts(said))


def test_signatures_stand_in_parts_of_their_own(own, foreign):
    said = written(TextDelta("a"), TextSigned(own), ReasoningEnd(own), ReasoningEnd(foreign), Ended(Finish.STOP))
    assert [(part["text"], part.get("thought"), "thoughtSignature" in part) for part in parts(said)] == [
        ("a", None, False),
        ("", None, True),
        ("", True, True),
        ("", None, False),
    ]


def test_kept_parts_of_this_dialect_go_as_they_came():
    code = {"executableCode": {"code": "1"}}
    said = written(Kept(Foreign("gemini", "executableCode", code)), Kept(Foreign("x", "y", {})), Ended(Finish.LENGTH))
    assert parts(said) == [code, {"text": ""}]


@pytest.mark.parametrize(
    ("finish", "text", "message"), [(Finish.CONTENT_FILTER, [], "No."), (Finish.STOP, [{"text": "No."}], None)]
)
def test_a_refusal_is_the_reason_or_text(finish, text, message):
    [said] = written(RefusalDelta("No."), Ended(finish))
    assert (parts([said]), said["candidates"][0].get("finishMessage")) == (text, message)


def test_an_answer_without_an_end_gets_none():
    assert written(TextDelta("a"))[-1]["candidates"][0].get("finishReason") is None


def test_a_client_sees_all_but_notes():
    shows = gemini.writer(CONTEXT).shows
    assert shows(TextDelta("a")) and shows(ReasoningDelta("a"))
    assert not shows(Annotated({})) and not shows(Started("", ""))


def test_faults_and_facts_are_events_of_their_own():
    [fault] = events(gemini.writer(CONTEXT).fault(Fault(kind=Kind.OVERLOADED, message="Busy.")))
    assert fault["error"] == {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}
    [fact] = events(gemini.aside({"a": 1}, CONTEXT))
    assert fact["sidestep"] == {"a": 1}
