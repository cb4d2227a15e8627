"""Tools and the choice among them, as they go out; `test_request` reads them."""

import pytest

from translators.catalog import codec
from translators.ir import Dialect, Request, Tool, ToolChoice
from translators.openai_responses import parse_request
from translators.openai_responses.tools import render_choice, render_tools
from translators.profile import Profile
from translators.report import Mode, Report

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def rendered(*tools, **fields):
    report = Report()
    return render_tools(Request(model="m", items=(), tools=tools, **fields), Profile(), report), report.header()


def test_strict_is_always_said():
    """Left out, it would mean that the vendor tries to be strict."""
    tools, _ = rendered(Tool("f", "d", SCHEMA), Tool("g", None, SCHEMA, strict=True))
    assert tools == [
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False},
        {"type": "function", "name": "g", "parameters": SCHEMA, "strict": True},
    ]


def test_a_function_without_parameters_takes_an_empty_object():
    assert rendered(Tool("f"))[0][0]["parameters"] == {"type": "object", "properties": {}}


def test_a_custom_tool_has_its_grammar_flat():
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}
    tools, _ = rendered(Tool("g", custom_format=grammar), Tool("h", custom_format={}))
    assert tools == [
        {"type": "custom", "name": "g", "format": {"type": "grammar", "syntax": "regex", "definition": "a+"}},
        {"type": "custom", "name": "h"},
    ]


def test_a_web_search_is_a_tool():
    place = {"type": "approximate", "approximate": {"city": "Bern"}}
    tools, _ = rendered(web_search={"search_context_size": "low", "user_location": place})
    flat = {"type": "approximate", "city": "Bern"}
    assert tools == [{"type": "web_search", "search_context_size": "low", "user_location": flat}]
    assert rendered(web_search={})[0] == [{"type": "web_search"}]
    assert rendered(web_search=False)[0] == []


def test_what_only_another_vendor_runs_is_refused():
    tools, lost = rendered(extra={"tools": {"tools.3": {"type": "computer_20251124"}}})
    assert (tools, lost) == ([], "dropped=tools.3")


def test_markers_and_unknown_fields_of_a_tool_are_noted():
    _, lost = rendered(Tool("f", cache={"type": "ephemeral"}, extra={"defer_loading": True}))
    assert lost == "dropped=tools[0].cache_control,tools[0].defer_loading"


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("named", ("f",)), {"type": "function", "name": "f"}),
        (ToolChoice("named", ("g",)), {"type": "custom", "name": "g"}),
        (
            ToolChoice("allowed", ("f", "g"), required=True),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}],
            },
        ),
    ],
)
def test_every_choice_has_its_form(choice, told):
    assert render_choice(choice, [Tool("f"), Tool("g", custom_format={})]) == told


@pytest.mark.parametrize("target", [Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI])
@pytest.mark.parametrize(
    "choice",
    [
        {"type": "file_search"},
        {"type": "mcp", "server_label": "s"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}]},
    ],
)
def test_forcing_a_hosted_tool_is_refused_by_whoever_does_not_run_it(target, choice):
    """The answer would be another one without it."""
    tools = [{"type": "function", "name": "f"}, {"type": "file_search", "vector_store_ids": ["v"]}]
    body = {"model": "m", "input": "hi", "tools": tools, "tool_choice": choice}
    _, report = codec(target).render_request(parse_request(body), Profile(provider="p", model="m"))
    assert {entry.field for entry in report.blocking(Mode.WARN)} == {"tools[1]", "tool_choice"}
