"""The openai SDK's chat completions against every dialect of provider, and through every failover."""

from typing import Any

import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from pydantic import BaseModel

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": CITY}}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}


class Child(BaseModel):
    name: str
    toys: list[str]


class Person(BaseModel):
    name: str
    age: int
    child: Child | None


class GetWeather(BaseModel):
    city: str
    days: int


@pytest.fixture(params=["unary", "stream"])
def ask(request, open_ai, route):
    """`await ask(**body)`: the whole completion, as it came or as the SDK adds its chunks up, and the headers."""

    async def asked(**body) -> Any:
        create = open_ai.chat.completions.with_raw_response.create
        if request.param == "unary":
            raw = await create(model=route.model, **body)
            return raw.parse(), raw.headers
        raw = await create(model=route.model, stream=True, stream_options={"include_usage": True}, **body)
        state = ChatCompletionStreamState()
        async for chunk in raw.parse():
            state.handle_chunk(chunk)
        return state.current_completion_snapshot, raw.headers

    return asked


async def test_a_question_is_answered_and_the_answer_says_by_whom(ask, route, said):
    answer, headers = await ask(messages=[{"role": "system", "content": "Be kind."}, *said("hello there")])
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (f"demo answer from {route.served}: hello there", "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens >= 5 and answer.usage.completion_tokens > 5
    assert headers["x-sidestep-provider"] == route.served
    tried = [one.split(";")[:2] for one in headers["x-sidestep-attempts"].split(", ")]
    assert {why for _, why in tried[:-1]} <= {"server", "overloaded"} and tried[-1][1] == "ok"
    assert (len(tried) > 1) is (">" in route.model)


async def test_an_answer_is_cut_where_its_bound_is(ask, said):
    answer, _ = await ask(
        messages=said("tell me a very long story about it, please, as long as you can"), max_tokens=16
    )
    (choice,) = answer.choices
    assert choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 16


async def test_a_tool_is_called_with_its_arguments(ask, said):
    answer, _ = await ask(messages=said("weather?"), tools=[WEATHER, CLOCK])
    (choice,) = answer.choices
    (call,) = choice.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"demo"}')
    assert choice.finish_reason == "tool_calls"
    assert not choice.message.content


async def test_parallel_calls_stay_apart_and_their_results_go_back(ask, said):
    asked = said("do it in parallel")
    answer, _ = await ask(messages=asked, tools=[WEATHER, CLOCK])
    calls = answer.choices[0].message.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("get_weather", '{"city":"demo"}'),
        ("get_time", "{}"),
    ]
    assert len({call.id for call in calls}) == 2
    told = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in reversed(calls)]
    kept = answer.choices[0].message.model_dump(exclude_none=True, include={"role", "tool_calls"})
    answer, _ = await ask(messages=[*asked, kept, *told], tools=[WEATHER, CLOCK])
    assert "2 tool results" in answer.choices[0].message.content


@pytest.mark.parametrize("choice", ["none", "required", "named"])
async def test_the_choice_of_tools_is_kept(ask, said, choice):
    named = {"type": "function", "function": {"name": "get_time"}}
    answer, _ = await ask(
        messages=said("now?"), tools=[WEATHER, CLOCK], tool_choice=named if choice == "named" else choice
    )
    called = [call.function.name for call in answer.choices[0].message.tool_calls or ()]
    assert called == {"none": [], "required": ["get_weather"], "named": ["get_time"]}[choice]


async def test_an_image_is_seen(ask, pixel):
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
    ]
    answer, _ = await ask(messages=[{"role": "user", "content": parts}])
    assert "I see 1 image (image/png)" in answer.choices[0].message.content


async def test_a_pydantic_model_is_what_comes_back(open_ai, route, said):
    answer = await open_ai.chat.completions.parse(model=route.model, messages=said("who?"), response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)


async def test_the_stream_helper_gives_a_parsed_model_and_every_piece(open_ai, route, said):
    text = ""
    async with open_ai.chat.completions.stream(
        model=route.model, messages=said("who?"), response_format=Person
    ) as stream:
        async for event in stream:
            if event.type == "content.delta":
                text += event.delta
        answer = await stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, Person)
    assert answer.choices[0].message.content == text


async def test_a_pydantic_tool_gets_its_arguments(open_ai, route, said):
    answer = await open_ai.chat.completions.parse(
        model=route.model, messages=said("weather?"), tools=[openai.pydantic_function_tool(GetWeather)]
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.parsed_arguments == GetWeather(city="demo", days=0)


async def test_the_rest_of_a_chat_goes_with_it(ask, said):
    """Several system messages, an assistant's turn, a user's name and sampling that newer models do not take."""
    answer, _ = await ask(
        messages=[
            {"role": "system", "content": "One."},
            {"role": "developer", "content": "Two."},
            *said("first"),
            {"role": "assistant", "content": "yes"},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "second"}]},
        ],
        temperature=0.5,
        top_p=0.9,
        stop=["END"],
        seed=7,
        user="u1",
        max_completion_tokens=500,
    )
    assert answer.choices[0].message.content.endswith("second")
