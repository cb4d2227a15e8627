"""Answers to clients that offered `functions`."""

import orjson
import pytest

from translators.codec import Context
from translators.ir import (
    Choice,
    Ended,
    Finish,
    Message,
    Reply,
    Started,
    Text,
    TextDelta,
    ToolArguments,
    ToolCall,
    ToolStart,
)
from translators.openai_chat import render_reply, writer
from translators.report import Report

ASKED = {"functions": [{"name": "f"}], "messages": []}


def context(**fields):
    return Context(id="id", created=1, model="m", report=Report(), **({"echo": ASKED} | fields))


def whole(*items, finish=Finish.TOOL_CALLS, **fields):
    told = context(**fields)
    answer = orjson.loads(render_reply(Reply(id="x", model="m", choices=(Choice(items, finish),)), told))
    return answer["choices"][0], [(entry.verdict.value, entry.field) for entry in told.report.entries]


def streamed(*deltas, **fields):
    told = context(**fields)
    out = writer(told)
    raw = b"".join(map(out.feed, deltas)) + out.close()
    chunks = [orjson.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: {")]
    choices = [chunk["choices"][0] for chunk in chunks]
    said = [choice["delta"] for choice in choices if choice["delta"]]
    return said, choices[-1]["finish_reason"], [(entry.verdict.value, entry.field) for entry in told.report.entries]


CALL, SECOND = ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", "{}")


def test_a_call_is_the_messages_function_call():
    choice, told = whole(Message("assistant", (Text("Well."),)), CALL)
    assert choice["message"] == {
        "role": "assistant",
        "content": "Well.",
        "refusal": None,
        "function_call": {"name": "f", "arguments": '{"a":1}'},
    }
    assert (choice["finish_reason"], told) == ("function_call", [])


def test_of_several_calls_the_first_is_told_and_that_there_were_more_is_reported():
    choice, told = whole(CALL, SECOND, SECOND)
    assert choice["message"]["function_call"]["name"] == "f"
    assert told == [("dropped", "answer.tool_calls")]


@pytest.mark.parametrize("echo", [{}, ASKED | {"tools": [{"type": "function"}]}, {"functions": []}])
def test_everybody_else_gets_tool_calls(echo):
    choice, _ = whole(CALL, echo=echo)
    assert choice["message"]["tool_calls"][0]["id"] == "call_1"
    assert "function_call" not in choice["message"]
    assert choice["finish_reason"] == "tool_calls"


def test_a_function_that_was_forced_ends_as_openai_ends_it():
    assert whole(CALL, named_tool=True)[0]["finish_reason"] == "stop"


def test_a_stream_says_it_in_the_same_form():
    said, finish, told = streamed(
        Started("x", "m"),
        TextDelta("Well."),
        ToolStart(0, "call_1", "f"),
        ToolArguments(0, '{"a"'),
        ToolStart(1, "call_2", "g"),
        ToolArguments(1, "{}"),
        ToolArguments(0, ":1}"),
        Ended(Finish.TOOL_CALLS),
    )
    assert said[1:] == [
        {"content": "Well."},
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"a"'}},
        {"function_call": {"arguments": ":1}"}},
    ]
    assert (finish, told) == ("function_call", [("dropped", "answer.tool_calls")])


def test_a_streamed_call_without_arguments_has_an_empty_object():
    said, _, _ = streamed(Started("x", "m"), ToolStart(0, "call_1", "f"), Ended(Finish.TOOL_CALLS))
    assert said[1:] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
