"""Where a Gemini client finds what a Report speaks of."""

from functools import partial

import pytest

from tests.unit.translators.renaming import named_by
from translators.gemini import naming, parse_request

TEXT = {"text": "t"}
FILE = {"inlineData": {"mimeType": "application/pdf", "data": "QQ=="}}
BODY = {
    "model": "m",
    "system_instruction": {"parts": [TEXT, TEXT]},
    "contents": [
        {"parts": [TEXT, FILE]},
        {
            "role": "model",
            "parts": [
                {"text": "h", "thought": True},
                TEXT,
                {"functionCall": {"name": "f"}},
                {"functionCall": {"name": "g"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "x"}, "parts": [FILE]}},
                {"functionResponse": {"name": "g", "response": {"output": ""}, "parts": [FILE]}},
                TEXT,
            ],
        },
        {"role": "model", "parts": []},
    ],
    "tools": [{"googleSearch": {}}, {"function_declarations": [{"name": "f"}, {"name": "g", "parameters": {}}]}],
    "generationConfig": {"response_schema": {"type": "OBJECT"}},
}

named = partial(named_by, naming)


@pytest.mark.parametrize(
    ("field", "own"),
    [
        ("items[0].parts[1]", "systemInstruction.parts[1]"),
        ("items[1].parts[1].filename", "contents[0].parts[1].inlineData.displayName"),
        ("items[2]", "contents[1].parts[0]"),
        ("items[3].parts[0]", "contents[1].parts[1]"),
        ("items[4].arguments", "contents[1].parts[2].functionCall.args"),
        ("items[5].opaque", "contents[1].parts[3].thoughtSignature"),
        ("items[6].parts[0]", "contents[2].parts[0].functionResponse.response"),
        ("items[6].parts[1]", "contents[2].parts[0].functionResponse.parts[0]"),
        ("items[7].parts[0]", "contents[2].parts[1].functionResponse.parts[0]"),
        ("items[8].parts[0]", "contents[2].parts[2]"),
        ("items[9]", "contents[3]"),
        ("tools[1].function.parameters", "tools[1].functionDeclarations[1].parameters"),
        ("tools[0].function.strict", "tools[1].functionDeclarations[0]"),
        ("max_completion_tokens", "generationConfig.maxOutputTokens"),
        ("response_format.json_schema.schema", "generationConfig.responseSchema"),
        ("tool_choice", "toolConfig.functionCallingConfig"),
        ("messages", "contents"),
    ],
)
def test_things_are_named_where_the_client_wrote_them(field, own):
    assert len(parse_request(BODY).items) == 10
    assert named(BODY, field) == own


def test_what_was_said_in_another_way_is_named_that_way():
    body = {"contents": [], "system_instruction": "s", "tools": {"functionDeclarations": [{"name": "f"}]}}
    assert named(body, "items[0].parts[0]") == "systemInstruction"
    assert named(body, "tools[0].function.parameters") == "tools[0].functionDeclarations[0].parametersJsonSchema"
    assert named(body, "response_format.json_schema") == "generationConfig.responseJsonSchema"
