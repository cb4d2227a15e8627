"""Tools and the choice among them."""

import pytest

from translators.anthropic_messages import render_request
from translators.ir import Message, Request, Text, Tool, ToolChoice

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


@pytest.fixture
def offer(render, target):
    def run(*tools, profile=None, **fields):
        body, report = render(profile=target(**(profile or {})), tools=tools, **fields)
        return body.get("tools"), body.get("tool_choice"), report

    return run


def test_a_function_keeps_its_name_description_schema_and_marker(offer):
    tool = Tool("look", "Looks.", OBJECT, cache={"type": "ephemeral"})
    tools, choice, report = offer(tool)
    assert tools == [
        {"name": "look", "description": "Looks.", "input_schema": OBJECT, "cache_control": {"type": "ephemeral"}}
    ]
    assert (choice, report) == (None, {})


def test_a_function_without_parameters_takes_an_empty_object(offer):
    assert offer(Tool("ping"))[0] == [{"name": "ping", "input_schema": {"type": "object", "properties": {}}}]


def test_a_union_at_the_top_of_a_schema_is_merged_and_told(offer):
    tools, _, report = offer(Tool("f", parameters={"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}))
    assert tools[0]["input_schema"] == {"type": "object", "properties": {"a": {}, "b": {}}}
    assert report == {"tools[0].function.parameters": "approximated"}


def test_strict_is_kept_where_the_schema_fits(offer):
    tools, _, report = offer(Tool("f", parameters=OBJECT, strict=True), Tool("g", parameters=OBJECT, strict=False))
    assert [tool["strict"] for tool in tools] == [True, False]
    assert report == {}


@pytest.mark.parametrize(
    ("parameters", "profile"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}, {}),
        (OBJECT, {"json_schema": False}),
    ],
)
def test_strict_is_given_up_elsewhere_and_told(offer, parameters, profile):
    tools, _, report = offer(Tool("f", parameters=parameters, strict=True), profile=profile)
    assert tools[0]["strict"] is False
    assert report == {"tools[0].function.strict": "approximated"}


def test_strict_tools_are_limited_in_number_and_in_optional_parameters(offer):
    tools, _, report = offer(*[Tool(f"f{i}", parameters=OBJECT, strict=True) for i in range(22)])
    assert [tool["strict"] for tool in tools] == [True] * 20 + [False] * 2
    assert report == {"tools[20].function.strict": "approximated", "tools[21].function.strict": "approximated"}
    wide = {"type": "object", "properties": {f"p{i}": {} for i in range(25)}, "additionalProperties": False}
    tools, _, _ = offer(Tool("wide", parameters=wide, strict=True), Tool("f", parameters=OBJECT, strict=True))
    assert [tool["strict"] for tool in tools] == [False, True]


def test_a_free_text_tool_becomes_a_function_of_one_string(offer):
    tools, _, report = offer(Tool("run", custom_format={"type": "text"}))
    assert tools[0]["input_schema"]["properties"] == {"input": {"type": "string"}}
    assert report == {"tools[0].custom": "approximated"}


def test_a_grammar_is_refused(offer):
    _, _, report = offer(Tool("run", custom_format={"type": "grammar", "grammar": {}}))
    assert report["tools[0].custom.format"] == "refused"


def test_anthropics_own_fields_of_a_tool_pass_and_others_are_told(offer):
    tool = Tool("f", extra={"defer_loading": True, "behavior": "BLOCKING", "response": None})
    tools, _, report = offer(tool)
    assert tools == [{"name": "f", "input_schema": {"type": "object", "properties": {}}, "defer_loading": True}]
    assert report == {"tools[0].behavior": "dropped"}


@pytest.mark.parametrize(
    ("tool", "named"), [({"type": "file_search"}, "file_search"), ({"codeExecution": {}}, "codeExecution")]
)
def test_another_vendors_tool_is_refused_by_its_name(target, tool, named):
    request = Request(model="m", items=(Message("user", (Text("Hi"),)),), extra={"tools": {"tools[4]": tool}})
    [entry] = [entry for entry in render_request(request, target())[1].entries if entry.field == "tools[4]"]
    assert entry.why == f"anthropic runs no tool of type {named}"


def test_a_second_tool_of_a_name_is_dropped(offer):
    tools, _, report = offer(Tool("f"), Tool("f"))
    assert (len(tools), report) == (1, {"tools[1]": "dropped"})


def test_a_model_without_tools_refuses_them(offer):
    tools, _, report = offer(Tool("f"), profile={"tools": False})
    assert (tools, report) == (None, {"tools": "refused"})


def test_further_fields_of_a_tool_pass(offer):
    assert offer(Tool("f", extra={"defer_loading": True}))[0][0]["defer_loading"] is True


def test_a_vendors_own_tool_passes_if_it_is_anthropics_and_is_refused_if_not(offer):
    own = {"type": "code_execution_20260120", "name": "code_execution"}
    tools, _, report = offer(Tool("f"), extra={"tools": {"tools[1]": own, "tools[2]": {"type": "file_search"}}})
    assert tools[1:] == [own]
    assert report == {"tools[2]": "refused"}


def test_web_search_is_anthropics_own_with_the_place_it_was_asked_from(render):
    options = {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Bern"}}}
    body, report = render(web_search=options)
    assert body["tools"] == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "user_location": {"type": "approximate", "city": "Bern"},
        }
    ]
    assert report == {"web_search_options": "approximated"}


# -- the choice --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", ("f",)), {"type": "tool", "name": "f"}),
    ],
)
def test_every_choice_has_its_word(offer, choice, said):
    tools, got, report = offer(Tool("f"), tool_choice=choice)
    assert (got, report) == (said, {})
    assert tools is not None


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), {"type": "none"}),
    ],
)
def test_a_ban_on_parallel_calls_rides_on_the_choice(offer, choice, said):
    assert offer(Tool("f"), tool_choice=choice, parallel_tool_calls=False)[1] == said


@pytest.mark.parametrize(("required", "kind"), [(True, "any"), (False, "auto")])
def test_allowed_tools_are_the_only_ones_offered(offer, required, kind):
    choice = ToolChoice("allowed", ("g",), required=required)
    tools, got, report = offer(Tool("f"), Tool("g"), tool_choice=choice)
    assert [tool["name"] for tool in tools] == ["g"]
    assert (got, report) == ({"type": kind}, {"tool_choice.allowed_tools": "approximated"})


@pytest.mark.parametrize(
    "choice", [ToolChoice("required"), ToolChoice("named", ("f",)), ToolChoice("allowed", ("f",), required=True)]
)
def test_a_forced_choice_is_refused_where_the_model_refuses_it_and_asked_for_in_words(render, target, choice):
    body, report = render(profile=target(forced_tool_choice=False), tools=(Tool("f"),), tool_choice=choice)
    assert body["tool_choice"] == {"type": "auto"}
    assert report["tool_choice"] == "refused"
    assert "call" in body["system"][-1]["text"]


def test_a_choice_without_tools_says_nothing(offer):
    assert offer(tool_choice=ToolChoice("none"))[1:] == (None, {})
    assert offer(tool_choice=ToolChoice("required"))[1:] == (None, {"tool_choice": "dropped"})
