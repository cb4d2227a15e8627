"""Names of tools that Anthropic's pattern does not allow."""

import pytest

from translators.ir import Tool, ToolCall, ToolChoice, ToolResult


@pytest.mark.parametrize("name", ["files.read", "a b", "ü", "", "f" * 65, "f\n"])
def test_a_tool_with_a_name_that_anthropic_does_not_allow_is_refused_by_its_path(render, name):
    body, report = render(tools=(Tool("f"), Tool(name)))
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert report == {"tools[1].function.name": "refused"}


def test_a_choice_of_such_a_tool_goes_with_it(render):
    body, report = render(tools=(Tool("f"), Tool("a.b")), tool_choice=ToolChoice("named", ("a.b",)))
    assert "tool_choice" not in body
    assert report == {"tools[1].function.name": "refused", "tool_choice": "refused"}


def test_an_earlier_call_of_such_a_tool_is_refused_by_its_path_and_leaves_a_body_that_can_be_sent(render, user):
    items = (user(), ToolCall("c", "a.b", "{}"), ToolResult("c", ()))
    body, report = render(*items)
    assert body["messages"][1]["content"][0]["name"] == "a_b"
    assert report == {"items[1].function.name": "refused"}


@pytest.mark.parametrize("name", ["f", "Read-File_2", "f" * 64])
def test_any_other_name_goes_as_it_is(render, name):
    body, report = render(tools=(Tool(name),), tool_choice=ToolChoice("named", (name,)))
    assert (body["tools"][0]["name"], body["tool_choice"]["name"], report) == (name, name, {})
