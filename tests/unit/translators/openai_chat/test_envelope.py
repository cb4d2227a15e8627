"""The envelope of a chat request: checked, and nothing beyond it."""

import pytest

from translators.codec import Envelope
from translators.faults import Malformed
from translators.openai_chat import check_envelope

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_the_least_request_there_is():
    assert check_envelope(BODY) == Envelope("m", stream=False, include_usage=False)


def test_stream_and_usage_are_read():
    options = {"stream": True, "stream_options": {"include_usage": True}}
    assert check_envelope(BODY | options) == Envelope("m", stream=True, include_usage=True)


def test_null_is_absent():
    assert not check_envelope(BODY | {"stream": None, "stream_options": None, "n": None, "max_tokens": None}).stream


def test_tomorrows_fields_and_odd_contents_pass():
    """Contents, tools and fields unknown here are the target's to judge."""
    messages = [{"role": "user", "content": {"new": 1}}, {"role": "tool"}, {"role": "assistant", "tool_calls": 3}]
    assert check_envelope(BODY | {"messages": messages, "tools": "soon", "quantum": {"a": 1}}).model == "m"


@pytest.mark.parametrize("role", ["developer", "system", "user", "assistant", "tool", "function"])
def test_every_role_of_the_dialect_is_known(role):
    check_envelope(BODY | {"messages": [{"role": role}]})


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": ""}, "model", "invalid_value"),
        ({"model": 3}, "model", "invalid_type"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": {"role": "user"}}, "messages", "invalid_type"),
        ({"messages": [{"role": "user"}] * 4097}, "messages", "array_above_max_length"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"role": "user"}, {"role": "robot"}]}, "messages[1].role", "invalid_value"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": ["user"]}]}, "messages[0].role", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"stream_options": [1]}, "stream_options", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"n": 1.0}, "n", "invalid_type"),
        ({"n": True}, "n", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens", "invalid_type"),
    ],
)
def test_a_bad_envelope_names_its_field(change, param, code):
    with pytest.raises(Malformed) as caught:
        check_envelope(BODY | change)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert str(caught.value).startswith(f"'{param}' ")


@pytest.mark.parametrize("body", [None, [], "x", 3, True])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Malformed) as caught:
        check_envelope(body)
    assert caught.value.param is None
    assert str(caught.value).startswith("The request body must be a JSON object")
