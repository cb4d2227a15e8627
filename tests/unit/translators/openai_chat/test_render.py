"""The neutral form as a chat request: the top level."""

import pytest

from translators.ir import Message, OutputFormat, Request, Text, Tool, ToolChoice
from translators.openai_chat import render_request
from translators.profile import Profile

ITEMS = (Message("user", (Text("u"),)),)


def rendered(profile=None, **fields):
    body, report = render_request(Request(model="asked", items=ITEMS, **fields), profile or Profile(model="theirs"))
    noted = [(entry.field, entry.verdict.value) for entry in report.entries]
    return {name: value for name, value in body.items() if name not in ("model", "messages")}, noted


def test_the_targets_model_is_asked():
    body, _ = render_request(Request(model="asked", items=ITEMS), Profile(model="theirs"))
    assert body == {"model": "theirs", "messages": [{"role": "user", "content": "u"}]}


def test_a_stream_asks_for_usage_where_that_may_be_asked():
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    assert rendered(stream=True) == (asked, [])
    assert rendered(Profile(stream_usage=False), stream=True) == ({"stream": True}, [])


@pytest.mark.parametrize(
    ("profile", "body", "noted"),
    [
        (Profile(), {"max_completion_tokens": 100}, []),
        (Profile(max_tokens_field="max_tokens"), {"max_tokens": 100}, []),
        (Profile(max_output=64), {"max_completion_tokens": 64}, [("max_completion_tokens", "clamped")]),
    ],
)
def test_the_bound_goes_by_the_name_the_model_takes(profile, body, noted):
    assert rendered(profile, max_output=100) == (body, noted)


def test_fields_that_are_said_the_same_way():
    fields = {"temperature": 0.5, "seed": 1, "user": "u", "metadata": {"a": "b"}}
    assert rendered(**fields) == (fields, [])


def test_fields_that_are_said_otherwise():
    body, _ = rendered(n=2, stop=("a",), modalities=("text",), web_search={})
    assert body == {"n": 2, "stop": ["a"], "modalities": ["text"], "web_search_options": {}}


@pytest.mark.parametrize(
    ("output", "form"),
    [
        (OutputFormat("json_object"), {"type": "json_object"}),
        (
            OutputFormat("json_schema", {"type": "object"}, strict=True),
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True}},
        ),
    ],
)
def test_output_formats(output, form):
    assert rendered(output=output)[0] == {"response_format": form}


def test_tools_and_choices():
    tools = (Tool("f", "d", {"type": "object"}, strict=False), Tool("c", "e", custom_format={"type": "text"}))
    body, noted = rendered(tools=tools, tool_choice=ToolChoice("allowed", ("f", "c"), required=True))
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False}
    assert body["tools"] == [
        {"type": "function", "function": function},
        {"type": "custom", "custom": {"name": "c", "description": "e", "format": {"type": "text"}}},
    ]
    allowed = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "c"}}]
    assert body["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": allowed}}
    assert noted == []


@pytest.mark.parametrize(
    ("choice", "form"),
    [
        (ToolChoice("required"), "required"),
        (ToolChoice("none"), "none"),
        (ToolChoice("named", ("f",)), {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_simple_choices(choice, form):
    assert rendered(tools=(Tool("f"),), tool_choice=choice)[0]["tool_choice"] == form


def test_a_custom_tool_may_say_little():
    [tool] = rendered(tools=(Tool("c", custom_format={}),))[0]["tools"]
    assert tool == {"type": "custom", "custom": {"name": "c"}}


def test_a_tools_cache_marker_is_noted():
    assert rendered(tools=(Tool("f", cache={"type": "ephemeral"}),))[1] == [("tools[0].cache_control", "dropped")]


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(512, "minimal"), (1024, "minimal"), (4000, "low"), (12288, "medium"), (20000, "high"), (99999, "xhigh")],
)
def test_a_thinking_budget_becomes_an_effort(budget, effort):
    noted = [("thinking.budget_tokens", "approximated")]
    assert rendered(thinking_budget=budget) == ({"reasoning_effort": effort}, noted)


def test_an_effort_outranks_a_budget():
    noted = [("thinking.budget_tokens", "dropped")]
    assert rendered(effort="low", thinking_budget=9000) == ({"reasoning_effort": "low"}, noted)


def test_foreign_fields_are_noted_and_own_ones_sent():
    body, noted = rendered(extra={"store": True, "container": {"id": "x"}}, top_k=5)
    assert body == {"store": True}
    assert noted == [("top_k", "dropped"), ("container", "dropped")]


def test_the_profiles_limits_apply_to_what_was_rendered():
    assert rendered(Profile(n_max=1), n=2) == ({}, [("n", "refused")])


def test_fields_of_a_tool_that_chat_has_no_word_for_are_noted():
    body, noted = rendered(tools=(Tool("f", extra={"defer_loading": True}),))
    assert body == {"tools": [{"type": "function", "function": {"name": "f"}}]}
    assert noted == [("tools[0].defer_loading", "dropped")]


@pytest.mark.parametrize(
    ("extra", "field"),
    [({"tools": {"tools.1": {"type": "bash_20250124"}}}, "tools.1"), ({"mcp_servers": [{}]}, "mcp_servers")],
)
def test_a_tool_that_only_its_vendor_runs_is_refused_by_its_path(extra, field):
    """The answer would be another one without it."""
    assert rendered(extra=extra) == ({}, [(field, "refused")])


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_an_id_of_a_user_that_is_too_long_is_sent_as_its_hash(name):
    body, noted = rendered(**{name: "u" * 129})
    assert len(body[name]) == 64
    assert noted == [(name, "approximated")]
    assert rendered(**{name: "u" * 128}) == ({name: "u" * 128}, [])
