"""Where a client of Responses finds what a Report speaks of."""

from functools import partial

import pytest

from tests.unit.translators.renaming import named_by
from translators.ir import Opaque
from translators.openai_responses import naming, parse_request
from translators.openai_responses.marks import marked

SEARCH = {"type": "web_search_call", "id": "ws_1"}
SIGNED = {"type": "reasoning", "summary": [], "encrypted_content": marked(Opaque("signature", "s", "o"), "call")}
ITEMS = [
    {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
    SEARCH,
    {"role": "assistant", "content": [{"type": "output_text", "text": "c"}]},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "r"}]},
    SIGNED,
    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "d"}]},
    SEARCH,
    {"role": "user", "content": "e"},
    {"type": "mcp_approval_response", "approval_request_id": "x"},
    SEARCH,
]
TOOLS = [{"type": "shell"}, {"type": "function", "name": "f"}, {"type": "custom", "name": "g"}]
BODY = {"model": "m", "instructions": "Be brief.", "input": ITEMS, "tools": TOOLS}

named = partial(named_by, naming)


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("items[0].parts[0]", "instructions"),
        ("items[1].parts[1].detail", "input[0].content[1].detail"),
        ("items[2].parts[0]", "input[1]"),
        ("items[2].parts[1]", "input[2].content[0]"),
        ("items[2].phase", "input[2].phase"),
        ("items[3]", "input[3]"),
        ("items[4].opaque", "input[5]"),
        ("items[5].parts[0]", "input[6].output[0]"),
        ("items[6].parts[0]", "input[7]"),
        ("items[7].role", "input[8].role"),
        ("items[7].parts[0]", "input[8].content"),
        ("items[8].parts[0]", "input[9]"),
        ("items[9].parts[0]", "input[10]"),
        ("tools[1].custom.format", "tools[2].format"),
        ("tools[0].function.parameters", "tools[1].parameters"),
        ("tools[0].function.strict", "tools[1].strict"),
    ],
)
def test_things_are_named_where_the_client_wrote_them(field, own):
    assert len(parse_request(BODY).items) == 10
    assert named(BODY, field) == own


def test_a_plain_input_is_named_as_one():
    assert named({"model": "m", "input": "hi"}, "items[0].parts[0]") == "input"


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("max_completion_tokens", "max_output_tokens"),
        ("response_format", "text.format"),
        ("response_format.json_schema.schema", "text.format.schema"),
        ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
        ("logprobs", "include"),
        ("web_search_options", "tools"),
        ("tool_choice.allowed_tools", "tool_choice"),
        ("messages", "input"),
        ("temperature", "temperature"),
    ],
)
def test_no_word_of_chat_is_left(field, own):
    assert named(BODY, field) == own


def test_a_name_that_the_client_itself_wrote_stands():
    assert named(BODY, "max_completion_tokens", {"max_completion_tokens": 9}) == "max_completion_tokens"
