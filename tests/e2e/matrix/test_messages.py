"""The anthropic SDK's messages against every dialect of provider, and through every failover."""

from typing import Any

import pytest

WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}
SHOWN = {"type": "adaptive", "display": "summarized"}


@pytest.fixture(params=["unary", "stream"])
def ask(request, claude, route):
    """`await ask(**body)`: the message, whole or put together by the SDK from its stream."""

    async def asked(**body) -> Any:
        asked_for = {"max_tokens": 200, "model": route.model} | body
        if request.param == "unary":
            return await claude.messages.create(**asked_for)
        async with claude.messages.stream(**asked_for) as stream:
            return await stream.get_final_message()

    return asked


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


async def test_a_question_is_answered(ask, route, said):
    message = await ask(messages=said("hello there"), system="Be kind.")
    assert text_of(message) == f"demo answer from {route.served}: hello there"
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert message.usage.input_tokens >= 5 and message.usage.output_tokens > 5


async def test_an_answer_is_cut_where_its_bound_is(ask, said):
    message = await ask(messages=said("tell me a very long story about it, please, as long as you can"), max_tokens=16)
    assert message.stop_reason == "max_tokens"


async def test_parallel_calls_stay_apart_and_their_results_go_back(ask, said):
    asked = said("do it in parallel")
    message = await ask(messages=asked, tools=[WEATHER, CLOCK])
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [("get_weather", {"city": "demo"}), ("get_time", {})]
    assert len({call.id for call in calls}) == 2
    assert message.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in calls]
    history = [*asked, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    message = await ask(messages=history, tools=[WEATHER, CLOCK])
    assert "2 tool results" in text_of(message)


async def test_an_image_is_seen(ask, pixel):
    source = {"type": "base64", "media_type": "image/png", "data": pixel}
    parts = [{"type": "text", "text": "what is this?"}, {"type": "image", "source": source}]
    assert "I see 1 image (image/png)" in text_of(await ask(messages=[{"role": "user", "content": parts}]))


async def test_thinking_goes_back_to_its_maker_and_to_nobody_else(ask, matrix, route, said):
    """All that came is sent again; a provider that got another's signature would refuse the second question."""
    asked = said("think about it")
    message = await ask(messages=asked, thinking=SHOWN, max_tokens=4000)
    assert text_of(message).endswith("think about it")
    again = [*asked, {"role": "assistant", "content": message.content}, *said("go on")]
    assert text_of(await ask(messages=again, thinking=SHOWN, max_tokens=4000)).endswith("go on")
    assert matrix.calls()[route.served] == 2
    thoughts = [block for block in message.content if block.type == "thinking"]
    if route.served == "beta":
        assert [block.signature for block in thoughts] == ["sig-beta"]


async def test_thinking_is_kept_through_a_loop_of_tools(ask, matrix, route, said):
    asked = said("use both, step by step")
    more = {"tools": [WEATHER, CLOCK], "thinking": SHOWN, "max_tokens": 4000}
    called = []
    for _ in range(2):
        message = await ask(messages=asked, **more)
        (call,) = (block for block in message.content if block.type == "tool_use")
        called.append(call.name)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "fine"}
        asked = [*asked, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    assert called == ["get_weather", "get_time"]
    assert "1 tool result" in text_of(await ask(messages=asked, **more))
    assert matrix.calls()[route.served] == 3, "none was refused and asked again"
