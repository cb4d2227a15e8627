"""Where a chat client finds what a Report speaks of."""

from functools import partial

import pytest

from tests.unit.translators.renaming import named_by
from translators.openai_chat import naming, parse_request

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "text", "text": "v"}]},
        {
            "role": "assistant",
            "reasoning_content": "r",
            "content": "t",
            "refusal": "no",
            "tool_calls": [CALL, {**CALL, "id": "d"}],
        },
        {"role": "tool", "tool_call_id": "d", "content": "x"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "h"}, {"type": "text", "text": "w"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "g", "arguments": "{}"}},
    ],
    "tools": [{"type": "odd"}, {"type": "function", "function": {"name": "f"}}],
}

named = partial(named_by, naming)


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("items[0].parts[0]", "messages[0].content"),
        ("items[1].parts[1].detail", "messages[1].content[1].image_url.detail"),
        ("items[2]", "messages[2].reasoning_content"),
        ("items[3].phase", "messages[2].phase"),
        ("items[3].parts[1]", "messages[2].refusal"),
        ("items[5].arguments", "messages[2].tool_calls[1].function.arguments"),
        ("items[5].opaque", "messages[2].tool_calls[1].extra_content"),
        ("items[6].parts[0]", "messages[3].content"),
        ("items[7]", "messages[4].content"),
        ("items[8].parts[0]", "messages[4].content[1]"),
        ("items[9]", "messages[5].function_call"),
        ("items[99].parts[0]", "items[99].parts[0]"),
        ("tools[0].function.strict", "tools[1].function.strict"),
        ("seed", "seed"),
        ("max_completion_tokens", "max_completion_tokens"),
    ],
)
def test_things_are_named_where_the_client_wrote_them(field, own):
    assert len(parse_request(BODY).items) == 10
    assert named(BODY, field) == own


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("max_completion_tokens", "max_tokens"),
        ("tool_choice", "function_call"),
        ("tools", "functions"),
        ("parallel_tool_calls", "functions"),
        ("tools[0].function.parameters", "functions[0].parameters"),
    ],
)
def test_what_was_said_in_an_older_way_is_named_that_way(field, own):
    body = {"messages": [], "max_tokens": 9, "function_call": "auto", "functions": [{"name": "f"}]}
    assert named(body, field) == own
