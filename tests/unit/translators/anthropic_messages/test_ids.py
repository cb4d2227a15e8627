"""Ids of an Anthropic client's calls."""

from translators.anthropic_messages import parse_request
from translators.ir import ToolCall, ToolResult


def use(call_id, name="f"):
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def answer(call_id, text):
    return {"type": "tool_result", "tool_use_id": call_id, "content": text}


def ids_of(*contents):
    roles = ("assistant", "user")
    messages = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    items = parse_request({"model": "m", "max_tokens": 9, "messages": messages}).items
    calls = [item.id for item in items if isinstance(item, ToolCall)]
    return calls, [(item.call_id, item.parts[0].text) for item in items if isinstance(item, ToolResult)]


def test_an_id_that_comes_again_in_a_later_turn_is_made_unique_with_its_result():
    calls, results = ids_of([use("call_0")], [answer("call_0", "1")], [use("call_0")], [answer("call_0", "2")])
    assert calls == ["call_0", "call_0_2"]
    assert results == [("call_0", "1"), ("call_0_2", "2")]


def test_calls_of_one_turn_with_the_same_id_are_answered_in_order():
    calls, results = ids_of([use("a"), use("b"), use("a")], [answer("a", "1"), answer("b", "2"), answer("a", "3")])
    assert calls == ["a", "b", "a_2"]
    assert results == [("a", "1"), ("b", "2"), ("a_2", "3")]


def test_a_call_without_a_result_does_not_take_that_of_a_later_turn():
    calls, results = ids_of([use("a")], "go on", [use("a")], [answer("a", "1")])
    assert (calls, results) == (["a", "a_2"], [("a_2", "1")])


def test_a_made_id_never_meets_one_that_is_there():
    calls, _ = ids_of([use("a"), use("a_2"), use("a")], "go on")
    assert calls == ["a", "a_2", "a_3"]


def test_a_second_result_of_a_call_and_one_of_no_call_keep_their_id():
    _, results = ids_of([use("a")], [answer("a", "1"), answer("a", "2"), answer("z", "3")])
    assert results == [("a", "1"), ("a", "2"), ("z", "3")]
