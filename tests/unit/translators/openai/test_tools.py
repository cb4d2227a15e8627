"""Tools as OpenAI's dialects take them, towards both."""

import pytest

from translators import openai_chat, openai_responses
from translators.ir import Message, Request, Text, Tool, ToolChoice
from translators.profile import Profile

ASKED = Message("user", (Text("u"),))


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
def test_of_tools_with_one_name_the_first_is_sent(dialect):
    tools = (Tool("f", "first"), Tool("g"), Tool("f", "second"))
    body, report = dialect.render_request(Request(model="m", items=(ASKED,), tools=tools), Profile(model="m"))
    sent = [tool.get("function", tool) for tool in body["tools"]]
    assert [(tool["name"], tool.get("description")) for tool in sent] == [("f", "first"), ("g", None)]
    assert [(entry.field, entry.verdict.value) for entry in report.entries] == [("tools[2]", "dropped")]


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
@pytest.mark.parametrize(
    ("tool", "profile", "field"),
    [
        (Tool("c", custom_format={}), {"free_text_tools": False}, "tools[0].custom"),
        (Tool("x" * 65), {"tool_name_max": 64}, "tools[0].function.name"),
        (Tool("a.b"), {"tool_name_max": 64}, "tools[0].function.name"),
    ],
)
def test_a_tool_that_the_target_would_answer_with_a_400_skips_it(dialect, tool, profile, field):
    """And a choice of it goes with it, so that the body is valid without."""
    choice = ToolChoice("named", (tool.name,))
    request = Request(model="m", items=(ASKED,), tools=(tool, Tool("g")), tool_choice=choice)
    body, report = dialect.render_request(request, Profile(model="m", **profile))
    assert [one.get("function", one)["name"] for one in body["tools"]] == ["g"]
    assert "tool_choice" not in body
    assert [(entry.field, entry.verdict.value) for entry in report.entries] == [(field, "refused")]
    taken, none = dialect.render_request(request, Profile(model="m"))
    assert len(taken["tools"]) == 2
    assert not none.entries


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
def test_without_tools_nothing_is_said_of_how_to_choose_among_them(dialect):
    """Both APIs answer `tool_choice` or `parallel_tool_calls` beside no tools with a 400."""
    fields = {"tool_choice": ToolChoice("required"), "parallel_tool_calls": False}
    body, report = dialect.render_request(Request(model="m", items=(ASKED,), **fields), Profile(model="m"))
    assert not body.keys() & fields.keys()
    assert sorted((entry.verdict.value, entry.field) for entry in report.entries) == [
        ("dropped", "parallel_tool_calls"),
        ("dropped", "tool_choice"),
    ]
    fields = {"tool_choice": ToolChoice("none"), "parallel_tool_calls": True}
    body, report = dialect.render_request(Request(model="m", items=(ASKED,), **fields), Profile(model="m"))
    assert not body.keys() & fields.keys()
    assert not report.entries
