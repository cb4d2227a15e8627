"""The openai SDK's responses: relayed to servers that have them, translated for all others, and never mixed up.

Here alpha has `/responses` for who asks, gamma takes tools over nothing else, beta speaks Anthropic's dialect.
"""

from typing import Any

import httpx2
import openai
import pytest

from proxy.config.values import ModelRoute, Step
from proxy.drill import script

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CHAT_WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER["parameters"]}}
SERVED = {"native": "alpha", "claude": "beta", "plain": "gamma"}
CHAINS = {
    "native": ["alpha/demo-large", "beta/demo-claude"],
    "claude": ["beta/demo-claude"],
    "plain": ["gamma/demo-large"],
    "both": ["gamma/demo-large", "alpha/demo-large"],
    "untold": ["alpha/demo-mini"],
}
ASK_OTHERWISE = script.status(400, message="Function tools are not supported here. Please use /v1/responses instead.")


@pytest.fixture(scope="module")
async def shared(make_world, configured, provider):
    def configure(alpha, beta, gamma):
        return configured(
            provider(alpha, profile={"responses": "available"}, models={"demo-mini": {"responses": "none"}}),
            beta,
            provider(gamma, profile={"responses": "tools"}),
            models={
                name: ModelRoute(name, tuple(Step(*one.split("/")) for one in chain)) for name, chain in CHAINS.items()
            },
            embeddings={},
        )

    async with make_world(configure) as made:
        yield made


@pytest.fixture
def world(shared):
    shared.reset()
    return shared


@pytest.fixture
async def client(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture(params=["unary", "stream"])
def ask(request, client):
    """`await ask(**body)`: the response, whole or as the SDK puts it together from its stream."""

    async def asked(**body):
        if request.param == "unary":
            return await client.responses.create(**body)
        async with client.responses.stream(**body) as stream:
            return await stream.get_final_response()

    return asked


def calls_of(response) -> list[Any]:
    return [item for item in response.output if item.type == "function_call"]


@pytest.mark.parametrize("model", SERVED)
async def test_a_response_is_answered_by_any_dialect(world, ask, model):
    response = await ask(model=model, input="hello there", instructions="Be kind.", max_output_tokens=200)
    assert response.output_text == f"demo answer from {SERVED[model]}: hello there"
    assert (response.id[:5], response.status) == ("resp_", "completed")
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    asked = {one: getattr(world, one).requests[-1].path for one in SERVED.values() if getattr(world, one).requests}
    assert asked == {SERVED[model]: "/v1/messages" if model == "claude" else "/v1/responses"}


@pytest.mark.parametrize("model", SERVED)
async def test_a_tool_loop_goes_round(ask, model):
    said: list[Any] = [{"role": "user", "content": "weather?"}]
    response = await ask(model=model, input=said, tools=[WEATHER])
    (call,) = calls_of(response)
    assert call.name == "get_weather" and "city" in call.arguments
    said += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
    said.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    response = await ask(model=model, input=said, tools=[WEATHER])
    assert "1 tool result" in response.output_text


@pytest.mark.parametrize(
    "fault", [script.refuse(), script.status(503), script.cut_before_commit(), script.overloaded_event()], ids=str
)
async def test_a_fault_before_the_first_content_costs_the_client_nothing(world, ask, fault):
    world.alpha.script = fault
    response = await ask(model="native", input="hello there")
    assert response.output_text == "demo answer from beta: hello there"


@pytest.mark.parametrize("model", SERVED)
async def test_a_broken_stream_is_an_error_never_a_short_answer(world, client, model):
    getattr(world, SERVED[model]).script = script.cut(after=2)
    with pytest.raises((openai.APIError, httpx2.HTTPError, RuntimeError)):
        async with client.responses.stream(model=model, input="a long story please, if you can") as stream:
            await stream.get_final_response()


# -- what one provider keeps


async def test_what_goes_on_from_an_answer_is_asked_of_its_maker(world, ask):
    first = await ask(model="native", input="hello")
    assert first.id.startswith("resp_alpha_")
    second = await ask(model="both", input="go on", previous_response_id=first.id)
    assert second.output_text == "demo answer from alpha: go on"
    assert world.calls()["gamma"] == 0


async def test_what_goes_on_from_an_answer_never_fails_over(world, client):
    first = await client.responses.create(model="native", input="hello")
    world.alpha.script = script.status(503)
    with pytest.raises(openai.APIStatusError):
        await client.responses.create(model="native", input="go on", previous_response_id=first.id)
    assert world.calls()["beta"] == 0


async def test_an_answer_nobody_here_knows_goes_to_the_one_provider_that_could_have_made_it(world, client):
    second = await client.responses.create(model="native", input="go on", previous_response_id="resp_alpha_elsewhere")
    assert second.output_text.endswith("go on")
    assert world.calls()["beta"] == 0


@pytest.mark.parametrize(
    ("model", "more", "param"),
    [
        ("both", {"previous_response_id": "resp_elsewhere"}, "previous_response_id"),
        ("both", {"conversation": "conv_1"}, "conversation"),
        ("claude", {"previous_response_id": "resp_elsewhere"}, "previous_response_id"),
        ("claude", {"background": True}, "background"),
    ],
)
async def test_what_nobody_can_be_asked_for_is_a_400_that_names_the_field(world, client, model, more, param):
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(model=model, input="go on", **more)
    assert raised.value.param == param
    assert sum(world.calls().values()) == 0


async def test_a_translated_answer_is_kept_by_nobody_and_that_is_said(world, client):
    first = await client.responses.create(model="claude", input="hello")
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(model="native", input="go on", previous_response_id=first.id)
    assert "translated" in raised.value.message


def named(response, said="go on") -> list[Any]:
    """A conversation that goes on from an answer whose items it only names."""
    names = [{"type": "item_reference", "id": item.id} for item in response.output]
    return [{"role": "user", "content": "hello"}, *names, {"role": "user", "content": said}]


@pytest.mark.parametrize("model", SERVED)
async def test_items_that_are_only_named_are_put_in_again(world, ask, model):
    first = await ask(model=model, input="hello")
    second = await ask(model=model, input=named(first))
    assert second.output_text == f"demo answer from {SERVED[model]}: go on"
    assert first.output_text in str(getattr(world, SERVED[model]).requests[-1].body)


async def test_items_that_one_provider_stores_do_not_bind_a_conversation_to_it(world, ask):
    first = await ask(model="native", input="hello")
    world.alpha.script = script.status(503)
    second = await ask(model="native", input=named(first))
    assert second.output_text == "demo answer from beta: go on"
    assert "demo answer from alpha" in str(world.beta.requests[-1].body)


async def test_an_answer_that_was_not_to_be_stored_is_not_kept_here(client):
    first = await client.responses.create(model="claude", input="hello", store=False)
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(model="claude", input=named(first))
    assert raised.value.param == "input[1].id" and "'store': false" in raised.value.message


# -- chat clients at servers that want to be asked otherwise


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_of_a_chat_client_go_by_responses_where_the_model_wants_that(world, client, stream):
    body = {"model": "plain", "messages": [{"role": "user", "content": "weather?"}]}
    answer = await client.chat.completions.create(**body, tools=[CHAT_WEATHER], stream=stream)
    if stream:
        chunks = [chunk async for chunk in answer]
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
    else:
        assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    assert world.gamma.requests[-1].path == "/v1/responses"
    await client.chat.completions.create(**body)
    assert world.gamma.requests[-1].path == "/v1/chat/completions"


async def test_a_refusal_that_says_how_to_ask_is_followed_once_and_remembered(world, client):
    world.alpha.script = ASK_OTHERWISE.then(script.ok())
    body = {"model": "untold", "messages": [{"role": "user", "content": "weather?"}], "tools": [CHAT_WEATHER]}
    for _ in range(2):
        answer = await client.chat.completions.create(**body)
        assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    paths = [one.path for one in world.alpha.requests]
    assert paths == ["/v1/chat/completions", "/v1/responses", "/v1/responses"]


async def test_a_refusal_that_stands_is_told(world, client):
    world.gamma.script = ASK_OTHERWISE
    with pytest.raises(openai.BadRequestError) as raised:
        await client.chat.completions.create(
            model="plain", messages=[{"role": "user", "content": "weather?"}], tools=[CHAT_WEATHER]
        )
    assert "use /v1/responses" in raised.value.message
    assert world.calls()["gamma"] == 1


# -- bad input


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "claude"}, 400, "input"),
        ({"model": "claude", "input": 7}, 400, "input"),
        ({"model": "claude", "input": ["x"]}, 400, "input[0]"),
        ({"model": 7, "input": "x"}, 400, "model"),
        ({"model": "nobody", "input": "x"}, 404, "model"),
        ({"model": "claude", "input": "x", "stream": "yes"}, 400, "stream"),
    ],
)
async def test_a_bad_body_names_its_field(world, body, status, param):
    async with httpx2.AsyncClient(trust_env=False) as plain:
        answer = await plain.post(world.url + "/responses", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    assert sum(world.calls().values()) == 0


async def test_metadata_is_in_the_answer_when_asked_for(client):
    for model in ("native", "claude"):
        response = await client.responses.create(model=model, input="hi", extra_headers={"x-sidestep-metadata": "1"})
        assert response.model_extra["sidestep"]["provider"] == SERVED[model]
