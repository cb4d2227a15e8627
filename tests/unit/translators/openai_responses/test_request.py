"""Fields of a request in the neutral form."""

import pytest

from translators.faults import Malformed
from translators.ir import Message, OutputFormat, Text, Tool, ToolChoice

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}


def test_instructions_stand_first_as_the_system_says_them(parse):
    assert parse(instructions="be brief").items[0] == Message("system", (Text("be brief"),))


def test_instructions_beside_a_developers_message_are_the_developers(parse):
    """Azure takes no mixture of the two roles."""
    items = parse([{"role": "developer", "content": "a"}], instructions="b").items
    assert [item.role for item in items] == ["developer", "developer"]


def test_fields_with_a_word_are_read(parse):
    request = parse(
        max_output_tokens=50,
        temperature=0.5,
        top_p=0.9,
        parallel_tool_calls=False,
        user="u",
        safety_identifier="s",
        service_tier="flex",
        metadata={"a": "b"},
        reasoning={"effort": "max", "summary": "concise"},
        text={"verbosity": "low", "format": {"type": "json_object"}},
        stream=True,
        stream_options={"include_obfuscation": False},
    )
    assert (request.max_output, request.temperature, request.top_p) == (50, 0.5, 0.9)
    assert (request.parallel_tool_calls, request.user, request.safety_identifier) == (False, "u", "s")
    assert (request.service_tier, request.metadata) == ("flex", {"a": "b"})
    assert (request.effort, request.reasoning_summary, request.verbosity) == ("max", "concise", "low")
    assert (request.output, request.stream, request.extra) == (OutputFormat("json_object"), True, {})


def test_the_older_name_of_a_summary_is_understood(parse):
    assert parse(reasoning={"effort": None, "generate_summary": "auto"}).reasoning_summary == "auto"


def test_a_schema_is_flat(parse):
    form = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"}
    assert parse(text={"format": form}).output == OutputFormat("json_schema", {"type": "object"}, "n", "d", strict=True)


def test_what_has_no_word_is_kept_by_its_name(parse):
    request = parse(
        truncation="auto",
        store=True,
        max_tool_calls=3,
        prompt_cache_key="k",
        context_management=[{"type": "compaction"}],
        reasoning={"effort": "low", "mode": "pro", "context": "auto"},
        include=["file_search_call.results", "reasoning.encrypted_content"],
        text={"novel": 1},
        top_logprobs=2,
    )
    assert request.extra == {
        "truncation": "auto",
        "store": True,
        "max_tool_calls": 3,
        "prompt_cache_key": "k",
        "context_management": [{"type": "compaction"}],
        "reasoning": {"mode": "pro"},
        "include[0]": "file_search_call.results",
        "text": {"novel": 1},
        "top_logprobs": 2,
    }


def test_what_only_says_the_default_is_not_kept(parse):
    assert parse(truncation="disabled", store=False, background=False, conversation=None).extra == {}


def test_probabilities_are_asked_for_by_what_is_included(parse):
    request = parse(include=["message.output_text.logprobs"], top_logprobs=2)
    assert (request.logprobs, request.top_logprobs, request.extra) == (True, 2, {})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "c"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
        ({"instructions": 3}, "instructions"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"include": "all"}, "include"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice"),
        ({"tools": [FUNCTION], "tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "mode": "x", "tools": []}}, "tool_choice.mode"),
    ],
)
def test_what_is_wrong_or_known_to_one_provider_alone_is_named(parse, fields, param):
    with pytest.raises(Malformed) as caught:
        parse(**fields)
    assert caught.value.param == param


# -- tools -------------------------------------------------------------------------------------------------------


def test_functions_are_flat_and_custom_tools_have_their_grammar(parse):
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    custom = {"type": "custom", "name": "g", "description": "d", "format": grammar}
    request = parse(tools=[FUNCTION, custom, {"type": "custom", "name": "h"}])
    assert request.tools == (
        Tool("f", None, {"type": "object"}, strict=True),
        Tool("g", "d", custom_format={"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}}),
        Tool("h", custom_format={}),
    )


def test_a_plain_web_search_has_a_word_and_another_has_not(parse):
    place = {"type": "approximate", "city": "Bern", "country": None}
    request = parse(tools=[{"type": "web_search", "search_context_size": "low", "user_location": place}])
    assert request.web_search == {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Bern"}},
    }
    narrow = {"type": "web_search", "filters": {"allowed_domains": ["x.test"]}}
    request = parse(tools=[narrow, {"type": "file_search", "vector_store_ids": []}])
    assert (request.web_search, request.extra["tools"]["tools[0]"]) == (None, narrow)


def test_fields_of_a_function_that_nobody_else_knows_are_kept_for_the_report(parse):
    request = parse(tools=[{**FUNCTION, "defer_loading": True, "output_schema": None}])
    assert request.extra == {"tools[0].defer_loading": True}


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("named", ("f",))),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("allowed", ("f",), required=True),
        ),
    ],
)
def test_every_choice_has_its_word(parse, choice, read):
    assert parse(tools=[FUNCTION], tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "file_search"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "s"}]},
    ],
)
def test_a_choice_of_what_the_vendor_runs_is_kept_whole(parse, choice):
    request = parse(tools=[FUNCTION], tool_choice=choice)
    assert (request.tool_choice, request.extra) == (None, {"tool_choice": choice})
