"""What nobody reads inside a chat request is told by its path."""

from copy import deepcopy

import pytest

from translators.openai_chat.request import parse_request
from translators.openai_chat.unread import fields_unread

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "https://a.test/b.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "AAAA"}},
            ],
        },
        {"role": "assistant", "content": None, "refusal": None, "annotations": [], "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "done"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}},
        {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        {"type": "a_vendors_own", "whatever": 1},
    ],
    "functions": [{"name": "h"}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
}
CITED = [{"type": "url_citation", "url_citation": {"url": "https://a.test", "start_index": 0, "end_index": 1}}]


def test_what_is_read_or_says_nothing_is_not_told():
    assert fields_unread(BODY) == {}


@pytest.mark.parametrize(
    ("path", "put"),
    [
        ("messages[0].tomorrow", lambda b: b["messages"][0].update(tomorrow=0)),
        ("messages[1].content[0].tomorrow", lambda b: b["messages"][1]["content"][0].update(tomorrow=1)),
        ("messages[1].content[1].image_url.size", lambda b: b["messages"][1]["content"][1]["image_url"].update(size=1)),
        ("messages[1].content[2].file.size", lambda b: b["messages"][1]["content"][2]["file"].update(size=1)),
        ("messages[2].annotations", lambda b: b["messages"][2].update(annotations=CITED)),
        ("messages[2].audio", lambda b: b["messages"][2].update(audio={"id": "a1"})),
        ("messages[2].cache_control", lambda b: b["messages"][2].update(cache_control={"type": "ephemeral"})),
        ("messages[2].prefix", lambda b: b["messages"][2].update(prefix=True)),
        ("messages[2].tool_calls[0].tomorrow", lambda b: b["messages"][2]["tool_calls"][0].update(tomorrow=1)),
        ("messages[2].tool_calls[0].function.x", lambda b: b["messages"][2]["tool_calls"][0]["function"].update(x=1)),
        ("messages[3].is_error", lambda b: b["messages"][3].update(is_error=True)),
        ("tools[0].defer_loading", lambda b: b["tools"][0].update(defer_loading=True)),
        ("tools[0].function.response", lambda b: b["tools"][0]["function"].update(response={"type": "object"})),
        ("tools[1].custom.tomorrow", lambda b: b["tools"][1]["custom"].update(tomorrow=1)),
        ("functions[0].tomorrow", lambda b: b["functions"][0].update(tomorrow=1)),
        ("messages[3].name", lambda b: b["messages"][3].update(name="another")),
        ("response_format.schema", lambda b: b["response_format"].update(schema={"type": "object"})),
        ("tool_choice.tomorrow", lambda b: b["tool_choice"].update(tomorrow=1)),
        ("tool_choice.function.tomorrow", lambda b: b["tool_choice"]["function"].update(tomorrow=1)),
        ("response_format.json_schema.x", lambda b: b["response_format"]["json_schema"].update(x=1)),
    ],
)
def test_a_field_without_a_reader_is_told_by_its_path(path, put):
    body = deepcopy(BODY)
    put(body)
    assert list(fields_unread(body)) == [path]
    assert path in parse_request(body).extra


def test_what_is_said_beside_the_function_that_is_called_is_told():
    assert list(fields_unread({**BODY, "function_call": {"name": "h", "x": 1}})) == ["function_call.x"]


def test_what_is_said_beside_the_tools_that_are_allowed_is_told():
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}], "x": 1}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    assert list(fields_unread({**BODY, "tool_choice": choice})) == ["tool_choice.allowed_tools.x"]
