"""Claude Code's way of asking, and the anthropic SDK's helpers, at every dialect of provider: all is served, nothing
that a vendor would refuse is sent on, and the answer says what was lost.
"""

import pytest
from pydantic import BaseModel

KNOWN = {"chat": "alpha", "responses": "epsilon", "messages": "beta", "gemini": "delta"}
MARK = {"cache_control": {"type": "ephemeral"}}
BETAS = ["claude-code-20250219", "interleaved-thinking-2025-05-14", "context-management-2025-06-27"]
SHOWN = {"type": "adaptive", "display": "summarized"}
WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def tool(number: int) -> dict:
    """One of Claude Code's many: a schema with what other vendors take badly, and a marker on the last."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Absolute path", "minLength": 1},
            "limit": {"type": ["integer", "null"], "exclusiveMinimum": 0},
            "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
            "edits": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/edit"}},
        },
        "required": ["path"],
        "additionalProperties": False,
        "$defs": {"edit": {"type": "object", "properties": {"old": {"type": "string"}}, "required": ["old"]}},
    }
    made = {"name": f"mcp__server-{number}__Tool_{number}", "description": "Does it. " * 40, "input_schema": schema}
    return made | (MARK if number == 24 else {})


REMINDER = "<system-reminder>\nToday is Monday.\n</system-reminder>"
ASKED = {
    "max_tokens": 32_000,
    "system": [
        {"type": "text", "text": "You are Claude Code."},
        {"type": "text", "text": "Be brief. " * 200, **MARK},
    ],
    "tools": [tool(number) for number in range(25)],
    "thinking": SHOWN,
    "metadata": {"user_id": "user_" + "a" * 64 + "_account__session_" + "b" * 36},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "output_config": {"effort": "high"},
    "betas": BETAS,
    "extra_query": {"beta": "true"},
    "extra_headers": {"x-app": "cli", "user-agent": "claude-cli/2.5.0 (external, cli)"},
}


@pytest.fixture(params=KNOWN)
def model(request):
    return request.param


@pytest.fixture
def served(matrix, model):
    return matrix.named(KNOWN[model])


async def streamed(claude, **body):
    async with claude.beta.messages.stream(**body) as events:
        kinds = [event.type async for event in events]
        return await events.get_final_message(), kinds, events.response.headers


async def test_a_session_of_claude_code_is_served_and_told_what_was_lost(claude, served, model):
    first = [{"type": "text", "text": REMINDER}, {"type": "text", "text": "fix the test", **MARK}]
    history = [{"role": "user", "content": first}]
    message, kinds, headers = await streamed(claude, model=model, messages=history, **ASKED)
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert (call.name, message.stop_reason) == ("mcp__server-0__Tool_0", "tool_use")
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and "input_json" in kinds
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "done"}], **MARK},
        {"type": "text", "text": REMINDER},
    ]
    history += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    message, _, headers = await streamed(
        claude, model=model, messages=history, **{**ASKED, "tool_choice": {"type": "none"}}
    )
    assert REMINDER in message.content[-1].text or "1 tool result" in message.content[-1].text
    sent, lost = served.requests[-1], headers.get("x-sidestep-translation", "")
    if model == "messages":
        assert sent.body["context_management"] and sent.headers["anthropic-beta"] == ",".join(BETAS)
        assert not lost
        return
    assert "anthropic-beta" not in sent.headers
    for name in ("cache_control", "context_management", "user_id"):
        assert name not in str(sent.body)
    dropped = lost.split(";")[0].removeprefix("dropped=").split(",")
    assert {"tools.24.cache_control", "context_management"} <= set(dropped), lost
    assert ("system.1.cache_control" in dropped) is (model != "responses"), "only its model has breakpoints"
    assert ("prompt_cache_breakpoint" in str(sent.body)) is (model == "responses")
    assert ("metadata.user_id" in dropped) is (model == "gemini"), "others have a place for it"


async def test_the_helper_gives_thinking_and_calls_as_they_come(claude, served, model):
    body = {"model": model, "max_tokens": 4000, "messages": [{"role": "user", "content": "weather?"}]}
    async with claude.messages.stream(**body, tools=[WEATHER], thinking=SHOWN) as stream:
        thought, pieces = "", ""
        async for event in stream:
            thought += event.thinking if event.type == "thinking" else ""
            pieces += event.partial_json if event.type == "input_json" else ""
        message = await stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    assert call.input == {"city": "demo"} and pieces == '{"city":"demo"}'
    assert [block.thinking for block in message.content if block.type == "thinking"] == ([thought] if thought else [])
    assert bool(thought) is (model != "chat"), "this server of chat hides it"


class Person(BaseModel):
    name: str
    age: int
    friends: list[str]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_pydantic_model_is_what_comes_back(claude, served, model, stream):
    body = {"model": model, "max_tokens": 900, "messages": [{"role": "user", "content": "who?"}]}
    if stream:
        async with claude.messages.stream(**body, output_format=Person) as events:
            message = await events.get_final_message()
    else:
        message = await claude.messages.parse(**body, output_format=Person)
    assert isinstance(message.parsed_output, Person)


async def test_tokens_are_counted_and_an_estimate_says_that_it_is_one(claude, served, model):
    raw = await claude.messages.with_raw_response.count_tokens(
        model=model,
        messages=[{"role": "user", "content": "x" * 4000}],
        system=ASKED["system"],
        tools=ASKED["tools"],
        thinking=SHOWN,
    )
    counted = (await raw.parse()).input_tokens
    estimated = raw.headers.get("x-sidestep-translation") == "approximated=input_tokens"
    assert counted > 1000 and estimated is (model != "messages")
