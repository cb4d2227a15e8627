"""Deltas as chunks: the grammar of a chat stream."""

import orjson
import pytest

from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import (
    Annotated,
    Ended,
    Finish,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.openai.text import dumps, quote
from translators.openai_chat.writer import ChatWriter
from translators.sse import EventSplitter

STOP = Ended(Finish.STOP)


@pytest.fixture
def write(chunks_of):
    def write(*deltas, **context):
        writer = ChatWriter(Context(id="chatcmpl-1", created=5, model='m"1', **context))
        return chunks_of(b"".join(map(writer.feed, deltas)) + writer.close())

    return write


def deltas_of(chunks):
    return [choice["delta"] for chunk in chunks[:-1] for choice in chunk["choices"]]


def test_role_deltas_finish_done(write):
    chunks = write(Started("up", "stream"), TextDelta("a"), TextDelta('"\n😀'), STOP)
    assert chunks[-1] == "[DONE]"
    assert deltas_of(chunks) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "a"},
        {"content": '"\n😀'},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, None, None, "stop"]
    heads = {(one["id"], one["object"], one["created"], one["model"]) for one in chunks[:-1]}
    assert heads == {("chatcmpl-1", "chat.completion.chunk", 5, 'm"1')}


def test_usage_comes_last_and_alone_when_it_was_asked_for(write):
    chunks = write(Started("", ""), Used(Usage(1, 1)), TextDelta("a"), STOP, Used(Usage(3, 2, 1)), include_usage=True)
    assert [chunk.get("usage", "absent") for chunk in chunks[:-2]] == [None] * 3
    assert chunks[-2]["choices"] == []
    assert chunks[-2]["usage"]["total_tokens"] == 5
    assert chunks[-1] == "[DONE]"


def test_usage_is_kept_back_when_it_was_not_asked_for(write):
    chunks = write(TextDelta("a"), STOP, Used(Usage(3, 2)))
    assert all("usage" not in chunk for chunk in chunks[:-1])


def test_every_choice_opens_with_its_role(write):
    chunks = write(Started("", ""), TextDelta("b", 1), TextDelta("a"), Ended(Finish.LENGTH, 1), STOP)
    opened = [chunk["choices"][0]["index"] for chunk in chunks[:-1] if "role" in chunk["choices"][0]["delta"]]
    assert opened == [0, 1]


def test_calls_begin_once_and_grow(write):
    chunks = write(ToolStart(0, "i", "f"), ToolArguments(0, '{"a"'), ToolArguments(0, ":1}"), Ended(Finish.TOOL_CALLS))
    assert deltas_of(chunks)[1:] == [
        {"tool_calls": [{"index": 0, "id": "i", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {},
    ]
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_call_without_arguments_gets_an_empty_object_at_the_finish(write):
    """Not before: calls may be written in turns."""
    chunks = write(ToolStart(0, "i", "f"), ToolStart(1, "j", "g"), ToolArguments(0, "{}"), Ended(Finish.TOOL_CALLS))
    assert deltas_of(chunks)[3:] == [
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]


def test_a_call_that_was_cut_is_not_repaired(write):
    assert deltas_of(write(ToolStart(0, "i", "f"), Ended(Finish.LENGTH)))[2:] == [{}]


def test_custom_calls_carry_free_text_and_need_none(write):
    chunks = write(
        ToolStart(0, "i", "c", custom=True), ToolArguments(0, "x"), ToolStart(1, "j", "d", custom=True), STOP
    )
    assert deltas_of(chunks)[1:] == [
        {"tool_calls": [{"index": 0, "id": "i", "type": "custom", "custom": {"name": "c", "input": ""}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "x"}}]},
        {"tool_calls": [{"index": 1, "id": "j", "type": "custom", "custom": {"name": "d", "input": ""}}]},
        {},
    ]


def test_a_forced_tool_finishes_as_openai_has_it(write):
    chunks = write(ToolStart(0, "i", "f"), Ended(Finish.TOOL_CALLS), named_tool=True)
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_reasoning_in_both_fields_and_its_blob_last(write):
    blob = Opaque("signature", "S", "o")
    chunks = write(ReasoningDelta("r"), ReasoningEnd(blob), ReasoningEnd(Opaque("redacted", "D", "o")), TextDelta("t"))
    assert deltas_of(chunks)[1:-1] == [
        {"reasoning_content": "r", "reasoning_details": [{"type": "reasoning.text", "text": "r", "index": 0}]},
        {
            "reasoning_details": [
                {"type": "reasoning.text", "signature": "S", "format": "signature", "index": 0, "origin": "o"}
            ]
        },
        {
            "reasoning_details": [
                {"type": "reasoning.encrypted", "data": "D", "format": "redacted", "index": 1, "origin": "o"}
            ]
        },
    ]


def test_refusals_annotations_and_probabilities(write):
    chunks = write(RefusalDelta("no"), Annotated({"type": "x"}), TextDelta("a", logprobs={"content": [1]}), STOP)
    assert deltas_of(chunks)[1:] == [
        {"refusal": "no"},
        {"annotations": [{"index": 0, "type": "x"}]},
        {"content": "a"},
        {},
    ]
    assert chunks[3]["choices"][0]["logprobs"] == {"content": [1]}


def test_an_error_event_has_no_end_after_it(chunks_of):
    writer = ChatWriter(Context(id="i", created=1, model="m"))
    [event] = chunks_of(writer.fault(Fault(kind=Kind.OVERLOADED, message="busy")))
    assert event == {"error": {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}}


def test_reasoning_text_shows_and_its_end_does_not():
    writer = ChatWriter(Context(id="i", created=1, model="m"))
    shown = [TextDelta("a"), ReasoningDelta("r"), ToolStart(0, "i", "f"), STOP]
    assert all(map(writer.shows, shown))
    assert not any(map(writer.shows, [Started("", ""), ReasoningEnd(), Used(Usage(1, 1))]))


@pytest.mark.parametrize("text", ["", "a", '"\\\n\x00', "😀", "\ud83d", "a\ude00b"])
def test_any_text_becomes_one_json_string(text):
    """Half a surrogate pair included, which the usual serialiser refuses."""
    written = quote(text)
    assert b"\n" not in written
    if text.isascii() or text == "😀":
        assert orjson.loads(written) == text
    assert dumps({"a": [text]}).startswith(b'{"a":')


@pytest.mark.parametrize(("tier", "told"), [("priority", "priority"), ("auto", None), ("batch", None), (None, None)])
def test_the_tier_that_served_is_in_every_chunk(tier, told):
    """What only says what was asked for, or is no word of this dialect, is not."""
    written = ChatWriter(Context(id="i", created=1, model="m"))
    data = written.feed(Started("x", "y", tier)) + written.feed(TextDelta("a")) + written.feed(Ended(Finish.STOP))
    assert [orjson.loads(event.data).get("service_tier") for event in EventSplitter().feed(data)] == [told] * 3
