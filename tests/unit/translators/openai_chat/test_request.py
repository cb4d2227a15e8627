"""The top level of a chat request in the neutral form."""

import pytest

from translators.faults import Malformed
from translators.ir import OutputFormat, Tool, ToolChoice
from translators.openai_chat import parse_request

FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def parsed(**fields):
    return parse_request({"model": "m", "messages": [{"role": "user", "content": "u"}], **fields})


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("temperature", "temperature", 0.5),
        ("top_p", "top_p", 1),
        ("top_k", "top_k", 40),
        ("presence_penalty", "presence_penalty", -1.0),
        ("frequency_penalty", "frequency_penalty", 2),
        ("logit_bias", "logit_bias", {"50256": -100}),
        ("seed", "seed", 7),
        ("n", "n", 3),
        ("logprobs", "logprobs", True),
        ("top_logprobs", "top_logprobs", 5),
        ("parallel_tool_calls", "parallel_tool_calls", False),
        ("reasoning_effort", "effort", "high"),
        ("verbosity", "verbosity", "low"),
        ("user", "user", "u-1"),
        ("safety_identifier", "safety_identifier", "s-1"),
        ("service_tier", "service_tier", "flex"),
        ("metadata", "metadata", {"a": "b"}),
        ("audio", "audio", {"voice": "x"}),
        ("prediction", "prediction", {"type": "content"}),
        ("web_search_options", "web_search", {}),
    ],
)
def test_every_known_field_finds_its_place(name, field, value):
    assert getattr(parsed(**{name: value}), field) == value
    assert parsed(**{name: value}).extra == {}


@pytest.mark.parametrize(("stop", "read"), [("a", ("a",)), (["a", "b"], ("a", "b")), ([], ()), (None, ())])
def test_stop_is_one_or_several(stop, read):
    assert parsed(stop=stop).stop == read


@pytest.mark.parametrize(
    ("fields", "bound"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5),
        ({}, None),
    ],
)
def test_the_newer_bound_wins(fields, bound):
    assert parsed(**fields).max_output == bound


def test_stream_and_usage():
    request = parsed(stream=True, stream_options={"include_usage": True, "include_obfuscation": False})
    assert (request.stream, request.include_usage, request.extra) == (True, True, {})


def test_fields_without_a_word_of_their_own_are_kept_by_name():
    """So that a target can use them or report them; null says nothing."""
    odd = {"store": True, "moderation": {"model": "x"}, "quantum": 1, "nothing": None}
    request = parsed(**odd, stream_options={"later": 1}, reasoning_effort="ultra")
    expected = {"store": True, "moderation": {"model": "x"}, "quantum": 1}
    assert request.extra == {**expected, "stream_options": {"later": 1}, "reasoning_effort": "ultra"}


@pytest.mark.parametrize(
    ("fields", "effort", "budget", "extra"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, None, 2048, {}),
        ({"thinking": {"type": "disabled"}}, "none", None, {}),
        ({"thinking": {"type": "adaptive"}}, None, None, {"thinking": {"type": "adaptive"}}),
        (
            {"thinking": {"type": "disabled"}, "reasoning_effort": "low"},
            "low",
            None,
            {"thinking": {"type": "disabled"}},
        ),
        ({"thinking": True}, None, None, {"thinking": True}),
    ],
)
def test_a_thinking_object_is_understood_where_it_says_a_budget(fields, effort, budget, extra):
    request = parsed(**fields)
    assert (request.effort, request.thinking_budget, request.extra) == (effort, budget, extra)


@pytest.mark.parametrize(
    ("form", "output"),
    [
        ({"type": "text"}, OutputFormat("text")),
        ({"type": "json_object"}, OutputFormat("json_object")),
        (
            {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True, "description": "d"}},
            OutputFormat("json_schema", {}, "n", "d", strict=True),
        ),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, OutputFormat("json_schema", None, "n")),
    ],
)
def test_output_formats(form, output):
    assert parsed(response_format=form).output == output


def test_tools_of_every_kind():
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
    strict = {"type": "function", "function": {"name": "g", "description": "d", "strict": True}}
    custom = {"type": "custom", "custom": {"name": "c", "format": grammar, "description": "e"}}
    plain = {"type": "custom", "custom": {"name": "p"}}
    search = {"type": "web_search", "web_search": {}}
    cached = FUNCTION | {"cache_control": {"type": "ephemeral"}}
    request = parsed(tools=[cached, strict, custom, plain, search])
    assert request.tools == (
        Tool("f", parameters={"type": "object"}, cache={"type": "ephemeral"}),
        Tool("g", description="d", strict=True),
        Tool("c", description="e", custom_format=grammar),
        Tool("p", custom_format={}),
    )
    assert request.extra == {"tools": {"tools[4]": search}}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", ("f",))),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [FUNCTION]}},
            ToolChoice("allowed", ("f",), required=True),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION]}},
            ToolChoice("allowed", ("f",)),
        ),
    ],
)
def test_tool_choices(choice, read):
    assert parsed(tools=[FUNCTION], tool_choice=choice).tool_choice == read


def test_a_function_may_come_without_its_type():
    """Clients of Mistral leave it out."""
    assert parsed(tools=[{"function": {"name": "f"}}]).tools == (Tool("f"),)


def test_a_custom_tool_can_be_named():
    custom = {"type": "custom", "custom": {"name": "c"}}
    assert parsed(tools=[custom], tool_choice=custom).tool_choice == ToolChoice("named", ("c",))


def test_the_retired_function_fields_become_tools_one_call_at_a_time():
    request = parsed(functions=[{"name": "f", "parameters": {}}], function_call={"name": "f"})
    assert request.tools == (Tool("f", parameters={}),)
    assert request.tool_choice == ToolChoice("named", ("f",))
    assert request.parallel_tool_calls is False
    assert parsed(functions=[{"name": "f"}], function_call="none").tool_choice == ToolChoice("none")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"stop": [1]}, "stop[0]"),
        ({"stop": 1}, "stop"),
        ({"seed": 1.5}, "seed"),
        ({"modalities": "text"}, "modalities"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"tools": {}}, "tools"),
        ({"tools": "x"}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
        ({"functions": [{"parameters": {}}]}, "functions[0].name"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": 3}, "tool_choice"),
        ({"tool_choice": {"type": "robot"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "function", "function": {"name": "absent"}}, "tools": [FUNCTION]}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x", "tools": []}}},
            "tool_choice.allowed_tools.mode",
        ),
        ({"function_call": "perhaps"}, "function_call"),
    ],
)
def test_a_bad_field_is_named(fields, param):
    with pytest.raises(Malformed) as caught:
        parsed(**fields)
    assert caught.value.param == param


def test_the_envelope_is_checked_first():
    with pytest.raises(Malformed) as caught:
        parse_request({"model": "m"})
    assert caught.value.param == "messages"
