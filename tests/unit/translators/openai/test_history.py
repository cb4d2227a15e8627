"""Calls, results and parts that chat and Responses have in common."""

import json

import pytest

from translators.catalog import codec
from translators.ir import Dialect
from translators.openai.check import Wrong
from translators.openai.history import Calls, arguments_of, data_url
from translators.profile import Profile


def answered(calls, own):
    return calls.answered({"call_id": own}, "call_id", "answers no call")


def test_a_result_belongs_to_the_call_of_its_id():
    calls = Calls()
    assert [calls.unique("a"), calls.unique("b")] == ["a", "b"]
    assert [answered(calls, "b"), answered(calls, "a")] == ["b", "a"]


def test_an_id_that_comes_again_in_a_later_turn_means_that_turns_call():
    calls = Calls()
    calls.unique("call_0")
    assert answered(calls, "call_0") == "call_0"
    assert calls.unique("call_0") == "call_0_2"
    assert answered(calls, "call_0") == "call_0_2"


def test_a_call_that_nobody_answered_takes_no_later_turns_result():
    calls = Calls()
    calls.unique("call_0")
    calls.unique("other")
    answered(calls, "other")
    calls.unique("call_0")
    assert answered(calls, "call_0") == "call_0_2"


def test_calls_of_one_turn_with_one_id_are_answered_in_their_order():
    calls = Calls()
    assert [calls.unique("x"), calls.unique("x"), calls.unique("x")] == ["x", "x_2", "x_3"]
    assert [answered(calls, "x") for _ in range(3)] == ["x", "x_2", "x_3"]


def test_a_result_that_comes_twice_goes_to_the_last_call_of_its_id():
    calls = Calls()
    calls.unique("x")
    assert [answered(calls, "x"), answered(calls, "x")] == ["x", "x"]


def test_a_unique_id_is_none_that_another_call_has():
    calls = Calls()
    assert [calls.unique("x_2"), calls.unique("x"), calls.unique("x")] == ["x_2", "x", "x_3"]


@pytest.mark.parametrize("result", [{"call_id": "z"}, {"call_id": ""}, {}])
def test_a_result_without_its_call_is_wrong(result):
    calls = Calls()
    calls.unique("a")
    with pytest.raises(Wrong):
        calls.answered(result, "call_id", "answers no call")


@pytest.mark.parametrize(("text", "kept"), [("", "{}"), ('{"a": 1}', '{"a": 1}'), ("[]", "[]"), ("1", "1")])
def test_arguments_are_json_as_it_was_written(text, kept):
    assert arguments_of(text, "arguments") == kept


@pytest.mark.parametrize("text", ["{", "{}}", None, '"\ud800"'])
def test_anything_else_is_no_arguments(text):
    with pytest.raises(Wrong):
        arguments_of(text, "arguments")


def test_a_data_url_is_taken_apart():
    assert data_url("data:image/png;charset=x;base64,AAAA", "url") == ("image/png", "AAAA")


@pytest.mark.parametrize("url", ["data:image/png,AAAA", "data:image/png;base64", "data:"])
def test_a_data_url_without_base64_is_wrong(url):
    with pytest.raises(Wrong):
        data_url(url, "url")


@pytest.mark.parametrize("target", [one for one in Dialect if one is not Dialect.OPENAI_COMPLETIONS])
def test_arguments_that_are_no_object_are_wrapped_where_one_is_needed(target):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "[1]"}}
    said = [{"role": "user", "content": "u"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    body = {"model": "m", "messages": [*said, {"role": "tool", "tool_call_id": "c", "content": "r"}]}
    rendered, report = codec(target).render_request(codec(Dialect.OPENAI_CHAT).parse_request(body), Profile(model="m"))
    wraps = target in (Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI)
    assert [entry.field for entry in report.entries if "arguments" in entry.field] == ["items[1].arguments"] * wraps
    assert ('"value": [1]' if wraps else '"arguments": "[1]"') in json.dumps(rendered)
