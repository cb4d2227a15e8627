"""Tools as OpenAI's dialects take them, towards both."""

import pytest

from translators import openai_chat, openai_responses
from translators.ir import Message, Request, Text, Tool
from translators.profile import Profile

ASKED = Message("user", (Text("u"),))


@pytest.mark.parametrize("dialect", [openai_chat, openai_responses])
def test_of_tools_with_one_name_the_first_is_sent(dialect):
    tools = (Tool("f", "first"), Tool("g"), Tool("f", "second"))
    body, report = dialect.render_request(Request(model="m", items=(ASKED,), tools=tools), Profile(model="m"))
    sent = [tool.get("function", tool) for tool in body["tools"]]
    assert [(tool["name"], tool.get("description")) for tool in sent] == [("f", "first"), ("g", None)]
    assert [(entry.field, entry.verdict.value) for entry in report.entries] == [("tools[2]", "dropped")]
