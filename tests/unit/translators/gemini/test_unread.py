"""Fields inside a Gemini request that nobody reads."""

import copy

import pytest

from translators import gemini

BODY = {
    "model": "m",
    "contents": [
        {"role": "user", "parts": {"text": "Hi", "partMetadata": {"mine": 1}}},
        {
            "role": "model",
            "parts": [
                {
                    "functionCall": {"id": "a", "name": "f", "args": {}},
                    "thoughtSignature": "cw==",
                    "partMetadata": {"mine": 1},
                },
                {"inline_data": {"mime_type": "image/png", "data": "QQ==", "display_name": "a"}},
            ],
        },
        {"role": "user", "parts": [{"function_response": {"name": "f", "response": {}}}]},
    ],
    "generation_config": {"thinking_config": {"thinking_budget": 5, "include_thoughts": True}},
    "tool_config": {"function_calling_config": {"mode": "ANY"}},
}


def unread(body):
    return {name for name in gemini.parse_request(body).extra if "." in name}


def test_what_is_read_is_not_told():
    assert unread(BODY) == set()


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("contents[0].tomorrow", lambda b: b["contents"][0].update(tomorrow=1)),
        (
            "contents[1].parts[0].functionCall.mood",
            lambda b: b["contents"][1]["parts"][0]["functionCall"].update(mood=1),
        ),
        ("contents[1].parts[0].mood", lambda b: b["contents"][1]["parts"][0].update(mood=1)),
        ("contents[1].parts[1].inlineData.fps", lambda b: b["contents"][1]["parts"][1]["inline_data"].update(fps=1)),
        (
            "contents[2].parts[0].functionResponse.scheduling",
            lambda b: b["contents"][2]["parts"][0]["function_response"].update(scheduling="SILENT"),
        ),
        (
            "generationConfig.thinkingConfig.depth",
            lambda b: b["generation_config"]["thinking_config"].update(depth=2),
        ),
        (
            "toolConfig.functionCallingConfig.streamFunctionCallArguments",
            lambda b: b["tool_config"]["function_calling_config"].update(stream_function_call_arguments=True),
        ),
    ],
)
def test_what_is_not_read_is_told_by_its_path(path, change):
    body = copy.deepcopy(BODY)
    change(body)
    assert unread(body) == {path}
