"""Whole messages inside a stream of chat."""

import orjson
import pytest

from translators.faults import ProtocolFault
from translators.ir import (
    Ended,
    Event,
    Finish,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    TextDelta,
    ToolArguments,
    ToolStart,
)
from translators.openai_chat.reader import ChatReader
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
CALL = {"id": "i", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def call(arguments, **more):
    return {"tool_calls": [{"index": 0, "function": {"arguments": arguments, **more}}]}


def read(*pairs, finish="stop"):
    """Deltas of chunks that have a delta, a message or both; the last one has the finish reason."""
    reader = ChatReader(PROFILE)
    deltas = []
    for i, (delta, message) in enumerate(pairs):
        said = {"delta": delta} if message is None else {"message": message}
        said = said if delta is None or message is None else {"delta": delta, "message": message}
        last = finish if i == len(pairs) - 1 else None
        body = {"id": "a", "choices": [{"index": 0, "finish_reason": last, **said}]}
        deltas += reader.feed(Event(orjson.dumps(body)))
    return [*deltas[1:], *reader.close()]


def test_a_message_instead_of_deltas_is_the_answer():
    message = {"role": "assistant", "reasoning_content": "r", "content": "Hello", "tool_calls": [CALL]}
    assert read((None, message), finish="tool_calls") == [
        ReasoningDelta("r"),
        ReasoningEnd(),
        TextDelta("Hello"),
        ToolStart(0, "i", "f"),
        ToolArguments(0, '{"a":1}'),
        Ended(Finish.TOOL_CALLS),
    ]


@pytest.mark.parametrize("content", ["Hello", [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]])
@pytest.mark.parametrize("delta", [None, {}, {"content": ""}])
def test_of_a_message_after_deltas_only_the_rest_is_told(content, delta):
    message = {"content": content, "reasoning_content": "r", "refusal": None}
    found = read(({"reasoning_content": "r"}, None), ({"content": "Hel"}, None), (delta, message))
    assert found == [ReasoningDelta("r"), ReasoningEnd(), TextDelta("Hel"), TextDelta("lo"), Ended(Finish.STOP)]


def test_a_message_that_repeats_what_was_told_says_nothing():
    told = ({"content": "a", "refusal": "no"}, None)
    found = read(told, ({}, {"content": "a", "refusal": "no"}))
    assert found == [TextDelta("a"), RefusalDelta("no"), Ended(Finish.STOP)]


def test_a_message_beside_a_delta_that_speaks_is_its_copy():
    assert read(({"content": "a"}, {"content": "a"}), ({"content": "b"}, {"content": "b"})) == [
        TextDelta("a"),
        TextDelta("b"),
        Ended(Finish.STOP),
    ]


def test_the_rest_of_arguments_and_further_calls_come_from_the_message():
    more = {"id": "j", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    found = read((call('{"a"', name="f"), None), (None, {"tool_calls": [CALL, more]}), finish="tool_calls")
    assert found[1:] == [
        ToolArguments(0, '{"a"'),
        ToolArguments(0, ":1}"),
        ToolStart(1, "j", "g"),
        ToolArguments(1, "{}"),
        Ended(Finish.TOOL_CALLS),
    ]


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        ({"content": "Hel"}, {"content": "DIFFERENT"}),
        ({"content": "Hel"}, {"content": "He"}),
        (call("{", name="g"), {"tool_calls": [CALL]}),
        (call("[", name="f"), {"tool_calls": [CALL]}),
        ({"tool_calls": [CALL, {**CALL, "id": "j"}]}, {"tool_calls": [CALL]}),
    ],
)
def test_a_message_that_says_something_else_than_the_stream_is_a_fault(delta, message):
    with pytest.raises(ProtocolFault, match="its whole"):
        read((delta, None), (None, message))


def test_text_in_a_message_after_the_finish_is_a_fault():
    reader = ChatReader(PROFILE)
    first, second = {"delta": {"content": "a"}, "finish_reason": "stop"}, {"message": {"content": "ab"}}
    reader.feed(Event(orjson.dumps({"id": "a", "choices": [first]})))
    with pytest.raises(ProtocolFault, match="goes on after"):
        reader.feed(Event(orjson.dumps({"id": "a", "choices": [second]})))


def test_a_call_of_an_odd_type_is_one_where_it_has_a_function():
    odd = {**CALL, "type": "builtin_function"}
    assert read((None, {"tool_calls": [odd]}), finish="tool_calls")[0] == ToolStart(0, "i", "f")


def test_calls_of_one_id_in_a_whole_message_are_calls_of_their_own():
    found = read((None, {"tool_calls": [CALL, CALL]}), finish="tool_calls")
    assert [one for one in found if isinstance(one, ToolStart)] == [ToolStart(0, "i", "f"), ToolStart(1, "i_2", "f")]
