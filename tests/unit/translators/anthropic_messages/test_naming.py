"""Where an Anthropic client finds what a Report speaks of."""

from functools import partial

import pytest

from tests.unit.translators.renaming import named_by
from translators.anthropic_messages import naming, parse_request

TEXT = {"type": "text", "text": "t"}
PDF = {
    "type": "document",
    "title": "a.pdf",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "AA"},
}
BODY = {
    "model": "m",
    "max_tokens": 9,
    "system": [TEXT, TEXT],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "h", "signature": "s"},
                TEXT,
                TEXT,
                {"type": "tool_use", "id": "a", "name": "f", "input": {}},
                TEXT,
            ],
        },
        {
            "role": "user",
            "content": [
                TEXT,
                {"type": "tool_result", "tool_use_id": "a", "content": [TEXT, PDF]},
                {"type": "tool_result", "tool_use_id": "a", "content": "x"},
                PDF,
            ],
        },
        {"role": "assistant", "content": []},
    ],
    "tools": [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}}],
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
}

named = partial(named_by, naming)


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("items[0].parts[1]", "system.1"),
        ("items[1].parts[0]", "messages.0.content"),
        ("items[2]", "messages.1.content.0"),
        ("items[2].opaque", "messages.1.content.0.signature"),
        ("items[3].parts[1]", "messages.1.content.2"),
        ("items[4].arguments", "messages.1.content.3.input"),
        ("items[5].parts[0]", "messages.1.content.4"),
        ("items[6].parts[1].filename", "messages.2.content.1.content.1.title"),
        ("items[7].parts[0]", "messages.2.content.2.content"),
        ("items[7].is_error", "messages.2.content.2.is_error"),
        ("items[8].parts[0]", "messages.2.content.0"),
        ("items[8].parts[1]", "messages.2.content.3"),
        ("items[8].role", "messages.2.role"),
        ("items[9]", "messages.3"),
        ("tools[0].function.parameters", "tools.1.input_schema"),
        ("max_completion_tokens", "max_tokens"),
        ("response_format.json_schema.schema", "output_config.format.schema"),
        ("reasoning_effort", "output_config.effort"),
        ("temperature", "temperature"),
    ],
)
def test_things_are_named_where_the_client_wrote_them(field, own):
    assert len(parse_request(BODY).items) == 10
    assert named(BODY, field) == own


def test_what_was_said_in_another_way_is_named_that_way():
    body = {"messages": [], "system": "s", "output_format": {}, "thinking": {"type": "enabled", "budget_tokens": 9}}
    body["output_format"] = {"type": "json_schema", "schema": {}}
    assert named(body, "response_format.json_schema") == "output_format"
    assert named(body, "reasoning_effort") == "thinking"
    assert named(body, "items[0].parts[0]") == "system"


@pytest.mark.parametrize(
    ("thinking", "named"),
    [({"type": "enabled"}, "thinking"), ({"type": "adaptive", "display": "summarized"}, "thinking.display")],
)
def test_what_is_shown_of_thinking_is_named_as_the_client_asked_for_it(thinking, named):
    body = {"messages": [{"role": "user", "content": "a"}], "thinking": thinking}
    assert naming(body).fields["reasoning.summary"] == named
