"""A completion request: its envelope, what is read of it, and what is written."""

import pytest

from translators.codec import Envelope
from translators.faults import Malformed
from translators.ir import Message, OutputFormat, Request, Text, Tool, ToolCall
from translators.openai_completions import (
    as_stream,
    check_envelope,
    parse_request,
    relay_request,
    render_request,
    request_headers,
    request_path,
)
from translators.profile import Profile

BODY = {"model": "m", "prompt": "Once upon a time"}
PROFILE = Profile(provider="p", model="gpt-3.5-turbo-instruct")


def test_the_least_request_there_is():
    assert check_envelope(BODY) == Envelope("m", stream=False, include_usage=False)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    assert check_envelope(BODY | options) == Envelope("m", stream=True, include_usage=True)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 7}, "model", "invalid_type"),
        ({"model": "m" * 257}, "model", "string_above_max_length"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": {}}, "prompt", "invalid_type"),
        ({"prompt": []}, "prompt", "empty_array"),
        ({"prompt": ["a"] * 2049}, "prompt", "array_above_max_length"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": []}, "stream_options", "invalid_type"),
    ],
)
def test_a_bad_envelope_names_its_field(change, param, code):
    with pytest.raises(Malformed) as bad:
        check_envelope(BODY | change)
    assert (bad.value.param, bad.value.code) == (param, code)


@pytest.mark.parametrize("prompt", ["Hi", ["Hi"]])
def test_a_prompt_is_what_one_user_says(prompt):
    assert parse_request(BODY | {"prompt": prompt}).items == (Message("user", (Text("Hi"),)),)


def test_every_field_has_its_place_in_the_neutral_form():
    body = BODY | {
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 1,
        "frequency_penalty": -1,
        "logit_bias": {"50256": -100},
        "seed": 3,
        "stop": "\n",
        "n": 2,
        "best_of": 2,
        "logprobs": 3,
        "user": "u",
        "echo": False,
        "suffix": None,
        "tomorrow": 1,
    }
    assert parse_request(body) == Request(
        model="m",
        items=(Message("user", (Text("Once upon a time"),)),),
        stream=True,
        include_usage=True,
        max_output=5,
        temperature=0.5,
        top_p=0.9,
        presence_penalty=1,
        frequency_penalty=-1,
        logit_bias={"50256": -100},
        seed=3,
        stop=("\n",),
        n=2,
        logprobs=True,
        top_logprobs=3,
        user="u",
        extra={"tomorrow": 1},
    )


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1], [2]]}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"echo": True}, "echo"),
        ({"suffix": "The end."}, "suffix"),
        ({"best_of": 3}, "best_of"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"logprobs": "x"}, "logprobs"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": [1]}, "stop[0]"),
    ],
)
def test_what_only_a_server_of_completions_can_do_names_its_field(change, param):
    with pytest.raises(Malformed) as bad:
        parse_request(BODY | change)
    assert bad.value.param == param


def test_a_relayed_request_changes_in_its_model_alone():
    body = BODY | {"prompt": [[1, 2], [3]], "echo": True, "tomorrow": [1]}
    relayed, report = relay_request(body, PROFILE, None)
    assert relayed == body | {"model": "gpt-3.5-turbo-instruct"}
    assert report.entries == []


def test_a_relayed_stream_is_asked_for_its_usage_and_our_bound():
    relayed, _ = relay_request(BODY | {"stream": True}, PROFILE, 77)
    assert (relayed["stream_options"], relayed["max_tokens"]) == ({"include_usage": True}, 77)
    assert relay_request(BODY | {"max_tokens": 5}, PROFILE, 77)[0]["max_tokens"] == 5


def test_what_a_model_rejects_is_left_out_of_a_relay_and_reported():
    plain = Profile(provider="p", model="m", rejects=frozenset({"seed", "user"}), stream_usage=False)
    asked = BODY | {"seed": 1, "user": None, "stream": True, "stream_options": {"include_usage": True}}
    relayed, report = relay_request(asked, plain, None)
    assert relayed == BODY | {"stream": True}
    assert [entry.field for entry in report.entries] == ["stream_options.include_usage", "seed"]


def test_a_unary_call_is_streamed_where_the_configuration_says_so():
    streaming = Profile(provider="p", model="m", upstream_stream=True)
    assert as_stream(BODY, PROFILE) is None
    assert as_stream(BODY, streaming) == BODY | {"stream": True, "stream_options": {"include_usage": True}}
    assert as_stream(BODY | {"logprobs": 1}, streaming) is None


def test_a_neutral_prompt_is_written_back():
    body = BODY | {"temperature": 0.5, "stop": ["\n"], "n": 2, "logprobs": 3, "max_tokens": 5, "stream": True}
    written, report = render_request(parse_request(body), Profile(provider="p"))
    assert written == body | {"stream_options": {"include_usage": True}}
    assert report.entries == []


def test_what_a_completion_cannot_say_is_reported():
    request = Request(
        model="m",
        items=(Message("system", (Text("Be brief."),)), Message("user", (Text("Hi"),)), ToolCall("1", "f", "{}")),
        tools=(Tool("f"),),
        output=OutputFormat("json_object"),
        effort="low",
        top_k=3,
        logprobs=True,
        top_logprobs=20,
        extra={"odd": 1},
    )
    written, report = render_request(request, PROFILE)
    assert written == {"model": PROFILE.model, "prompt": "Be brief.Hi", "logprobs": 5}
    assert {(entry.verdict.value, entry.field) for entry in report.entries} == {
        ("refused", "items[0]"),
        ("refused", "items[1]"),
        ("refused", "items[2]"),
        ("clamped", "top_logprobs"),
        ("refused", "tools"),
        ("refused", "output"),
        ("dropped", "effort"),
        ("dropped", "top_k"),
        ("dropped", "odd"),
    }


def test_it_is_asked_beside_chat_with_the_same_key():
    assert request_path(PROFILE, stream=True) == "/completions"
    assert request_headers("k", PROFILE, BODY) == [("authorization", "Bearer k")]


def test_tools_are_no_field_of_this_api_whatever_they_are():
    request = parse_request({"model": "m", "prompt": "hi", "tools": {"role": None}})
    assert request.extra == {"tools": {"tools": {"type": "tools"}}}
