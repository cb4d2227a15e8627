"""Calls and results as OpenAI's dialects take them, towards both."""

import pytest

from translators import openai_chat, openai_responses
from translators.ir import Message, Request, Text, ToolCall, ToolResult
from translators.openai.results import NO_RESULT, settled
from translators.profile import Profile
from translators.report import Report

ASKED = Message("user", (Text("u"),))
A, B = ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")
OF_A, OF_B = ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),))
NOBODY = ToolResult("x", (Text("3"),))
SAID = Message("assistant", (Text("s"),))
MISSING_B = ToolResult("b", (Text(NO_RESULT),))


def run(*items):
    report = Report()
    order = [item for _, item in settled(items, report)]
    return order, [(entry.field, entry.verdict.value) for entry in report.entries]


@pytest.mark.parametrize("items", [(ASKED, SAID), (ASKED, A, B, OF_B, OF_A, ASKED, A, OF_A, SAID)])
def test_a_conversation_in_order_stays_as_it_is(items):
    assert run(*items) == (list(items), [])


@pytest.mark.parametrize("after", [(), (ASKED,), (SAID,)])
def test_a_call_without_a_result_is_answered_with_an_error_behind_its_turns_results(after):
    """What the assistant says next closes the turn, too."""
    order, noted = run(A, B, OF_A, *after)
    assert order == [A, B, OF_A, MISSING_B, *after]
    assert noted == [("items[1]", "approximated")]


def test_calls_of_a_turn_nobody_answered_are_answered_before_the_users_words():
    assert run(ASKED, A, B, ASKED)[0] == [ASKED, A, B, ToolResult("a", MISSING_B.parts), MISSING_B, ASKED]


@pytest.mark.parametrize(("items", "at"), [((A, OF_A, NOBODY), 2), ((A, OF_A, OF_A), 2), ((NOBODY, ASKED), 0)])
def test_a_result_that_answers_no_call_is_refused_by_its_place(items, at):
    order, noted = run(*items)
    assert order == [item for k, item in enumerate(items) if k != at]
    assert noted == [(f"items[{at}]", "refused")]


def test_a_result_of_a_turn_that_was_closed_answers_nothing():
    order, noted = run(A, ASKED, SAID, OF_A)
    assert [type(item) for item in order] == [ToolCall, ToolResult, Message, Message]
    assert noted == [("items[0]", "approximated"), ("items[3]", "refused")]


def test_results_stand_before_what_others_say_between_the_turns():
    assert run(A, ASKED, OF_A, SAID)[0] == [A, OF_A, ASKED, SAID]


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
def test_both_dialects_get_a_result_for_each_call_and_no_other(dialect):
    items = (ASKED, A, B, OF_A, NOBODY, ASKED)
    body, report = dialect.render_request(Request(model="m", items=items), Profile(model="m"))
    said = body.get("messages") or body["input"]
    results = [(one.get("tool_call_id") or one["call_id"], one.get("content") or one["output"]) for one in said[-3:-1]]
    assert results == [("a", "1"), ("b", NO_RESULT)]
    assert [entry.field for entry in report.entries] == ["items[4]", "items[2]"]
