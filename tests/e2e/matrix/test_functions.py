"""OpenAI's own client with the deprecated `functions`, whoever answers."""

import pytest
from openai import AsyncOpenAI

from tests.e2e.canned import canned

FUNCTIONS = [{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]
ANSWERS = {
    "messages": {
        "type": "message",
        "id": "msg_1",
        "model": "m",
        "role": "assistant",
        "stop_reason": "tool_use",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern"}}],
        "usage": {"input_tokens": 3, "output_tokens": 5},
    },
    "gemini": {
        "candidates": [
            {
                "index": 0,
                "finishReason": "STOP",
                "content": {"parts": [{"functionCall": {"name": "weather", "args": {"city": "Bern"}}}]},
            }
        ],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4},
        "modelVersion": "m",
    },
    "responses": {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [{"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city":"Bern"}'}],
        "usage": {"input_tokens": 3, "output_tokens": 5},
    },
}


@pytest.mark.parametrize("provider", ANSWERS)
async def test_a_client_of_functions_finds_its_call_and_sends_back_the_result(provider, tmp_path):
    async with canned(tmp_path) as upstream:
        client = AsyncOpenAI(base_url=f"{upstream.proxy}/v1", api_key="unused", max_retries=0)
        asked = [{"role": "user", "content": "How is it in Bern?"}]
        upstream.says(ANSWERS[provider])
        answer = await client.chat.completions.create(model=provider, messages=asked, functions=FUNCTIONS)
        said = answer.choices[0].message
        assert answer.choices[0].finish_reason == "function_call"
        assert (said.function_call.name, said.function_call.arguments) == ("weather", '{"city":"Bern"}')
        assert said.tool_calls is None
        result = {"role": "function", "name": "weather", "content": "rain"}
        history = [*asked, said.model_dump(exclude_none=True), result]
        await client.chat.completions.create(model=provider, messages=history, functions=FUNCTIONS)
        assert "rain" in str(upstream.heard[-1])
        await client.close()
