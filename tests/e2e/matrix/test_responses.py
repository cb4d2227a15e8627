"""The openai SDK's responses against every dialect of provider, and through every failover."""

from typing import Any

import pytest
from pydantic import BaseModel

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "name": "get_weather", "parameters": CITY, "strict": True}
CLOCK = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}, "strict": False}


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(params=["unary", "stream"])
def ask(request, open_ai, route):
    """`await ask(**body)`: the response, whole or as the SDK puts it together from its stream."""

    async def asked(**body) -> Any:
        if request.param == "unary":
            return await open_ai.responses.create(model=route.model, **body)
        async with open_ai.responses.stream(model=route.model, **body) as stream:
            *_, last = [event async for event in stream]
        assert last.type == f"response.{last.response.status}"
        return last.response

    return asked


def calls_of(response):
    return [item for item in response.output if item.type == "function_call"]


async def test_a_question_is_answered(ask, route):
    response = await ask(input="hello there", instructions="Be kind.", max_output_tokens=200)
    assert response.output_text == f"demo answer from {route.served}: hello there"
    assert (response.id[:5], response.status, response.error) == ("resp_", "completed", None)
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.usage.input_tokens >= 5 and response.usage.output_tokens > 5


async def test_an_answer_is_cut_where_its_bound_is(ask):
    response = await ask(input="tell me a very long story about it, please, as long as you can", max_output_tokens=16)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")


async def test_parallel_calls_stay_apart_and_their_results_go_back(ask, said):
    items: list[Any] = said("do it in parallel")
    response = await ask(input=items, tools=[WEATHER, CLOCK])
    calls = calls_of(response)
    assert [(call.name, call.arguments) for call in calls] == [("get_weather", '{"city":"demo"}'), ("get_time", "{}")]
    assert len({call.call_id for call in calls}) == 2
    items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    response = await ask(input=items, tools=[WEATHER, CLOCK])
    assert "2 tool results" in response.output_text


async def test_an_image_is_seen(ask, pixel):
    parts = [
        {"type": "input_text", "text": "what is this?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{pixel}", "detail": "auto"},
    ]
    response = await ask(input=[{"role": "user", "content": parts}])
    assert "I see 1 image (image/png)" in response.output_text


async def test_a_pydantic_model_is_what_comes_back(open_ai, route):
    response = await open_ai.responses.parse(model=route.model, input="who?", text_format=Person)
    assert isinstance(response.output_parsed, Person)


async def test_the_stream_tells_every_item_from_its_beginning_to_its_end(open_ai, route):
    told, text = [], ""
    async with open_ai.responses.stream(model=route.model, input="hello there") as stream:
        async for event in stream:
            told.append(event)
            text += event.delta if event.type == "response.output_text.delta" else ""
        response = await stream.get_final_response()
    names = [event.type for event in told]
    assert names[0] == "response.created" and names[-1] == "response.completed"
    assert text == response.output_text == f"demo answer from {route.served}: hello there"
    for opening, closing in (
        ("response.output_item.added", "response.output_item.done"),
        ("response.content_part.added", "response.content_part.done"),
        ("response.output_text.delta", "response.output_text.done"),
    ):
        assert 0 < names.index(opening) < names.index(closing)
    numbers = [event.sequence_number for event in told]
    assert numbers == sorted(set(numbers))
