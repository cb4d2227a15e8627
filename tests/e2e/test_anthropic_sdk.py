"""The real anthropic SDK, unmodified, before a proxy whose providers speak Anthropic's dialect and OpenAI's.

The same requests are served by the one (relayed) and by the other (translated), and go from either to the other when
the first fails.
"""

import asyncio
import hashlib
from typing import Any

import anthropic
import httpx2
import pytest

from proxy.config.values import Client
from proxy.drill import script

WEATHER = {
    "name": "get_weather",
    "description": "Weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"name": "get_time", "input_schema": {"type": "object", "properties": {}}}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
HISTORY = [
    {"role": "user", "content": "what is the weather?"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
]
IMAGE = [
    {"type": "text", "text": "what is this?"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
]
SERVED = {"duo": "alpha", "claude-first": "beta"}
FAULTS = {
    "refusing": script.refuse(),
    "429": script.status(429, retry_after=30),
    "401": script.status(401),
    "503": script.status(503),
    "overloaded in the stream": script.overloaded_event(),
    "silent": script.silence(),
    "cut before the commit": script.cut_before_commit(),
    "half a json": script.half_json(),
}


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
async def client(world):
    async with anthropic.AsyncAnthropic(
        base_url=world.url.removesuffix("/v1"), api_key="unused", max_retries=0, timeout=15
    ) as made:
        yield made


@pytest.fixture(params=["unary", "stream"])
def ask(request, client):
    """`await ask(**body)`: the message, whole or put together by the SDK from its stream."""

    async def asked(**body):
        asked_for = {"max_tokens": 200} | body
        if request.param == "unary":
            return await client.messages.create(**asked_for)
        async with client.messages.stream(**asked_for) as stream:
            return await stream.get_final_message()

    return asked


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("model", SERVED)
async def test_a_message_is_answered_by_either_dialect(world, ask, model):
    message = await ask(model=model, messages=said("hello there"), system="Be kind.")
    assert text_of(message).endswith("hello there")
    assert message.id.startswith("msg_")
    assert (message.type, message.role, message.stop_reason) == ("message", "assistant", "end_turn")
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert world.calls() == {"alpha": 0, "beta": 0, "gamma": 0} | {SERVED[model]: 1}


@pytest.mark.parametrize("model", SERVED)
async def test_tools_are_called_with_their_arguments(ask, model):
    message = await ask(model=model, messages=said("do it in parallel"), tools=[WEATHER, CLOCK])
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ["get_weather", "get_time"]
    assert "city" in calls[0].input and calls[1].input == {}
    assert len({call.id for call in calls}) == 2
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("model", SERVED)
async def test_results_and_images_are_understood(ask, model):
    message = await ask(model=model, messages=HISTORY, tools=[WEATHER])
    assert "1 tool result" in text_of(message)
    message = await ask(model=model, messages=[{"role": "user", "content": IMAGE}])
    assert "1 image" in text_of(message)


async def test_thinking_keeps_its_signature_where_it_is_relayed_and_is_not_made_up_elsewhere(world, ask):
    thinking = {"type": "adaptive", "display": "summarized"}
    message = await ask(model="claude-first", messages=said("think about it"), thinking=thinking)
    first = message.content[0]
    assert (first.type, first.signature) == ("thinking", "sig-beta")
    again = [*said("think about it"), {"role": "assistant", "content": message.content}, *said("go on")]
    assert text_of(await ask(model="claude-first", messages=again, thinking=thinking)).endswith("go on")
    world.beta.script = script.status(503)
    message = await ask(model="claude-first", messages=again, thinking=thinking)
    assert text_of(message).endswith("go on")
    assert all(block.type != "thinking" or block.signature for block in message.content)
    assert "sig-beta" not in str(world.alpha.requests[-1].body)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("model", SERVED)
async def test_a_fault_before_the_first_content_costs_the_client_nothing(world, ask, model, fault):
    failing, other = (world.alpha, world.beta) if model == "duo" else (world.beta, world.alpha)
    failing.script = FAULTS[fault]
    message = await ask(model=model, messages=said("hello there"))
    assert text_of(message) == f"demo answer from {other.name}: hello there"


@pytest.mark.parametrize("model", SERVED)
@pytest.mark.parametrize("fault", [script.cut(after=2), script.stall(after=2), script.truncated(after=2)], ids=str)
async def test_a_stream_broken_after_its_first_content_is_an_error_never_a_short_answer(world, client, model, fault):
    (world.alpha if model == "duo" else world.beta).script = fault
    with pytest.raises((anthropic.APIError, httpx2.HTTPError)):
        async with client.messages.stream(
            model=model, max_tokens=200, messages=said("a long story please, if you can")
        ) as stream:
            await stream.get_final_message()
    assert sum(world.calls().values()) == 1


async def test_when_all_fail_the_error_is_in_anthropics_shape(world, client):
    world.alpha.script = world.beta.script = script.status(503)
    with pytest.raises(anthropic.APIStatusError) as raised:
        await client.messages.create(model="duo", max_tokens=10, messages=said("hello"))
    error = raised.value
    assert error.request_id.startswith("req_")
    assert error.body["type"] == "error" and error.body["error"]["type"] == "api_error"
    assert error.body["error"]["details"] == {"error_code": "all_targets_failed"}
    assert {one["target"] for one in error.body["error"]["sidestep"]["attempts"]} == {
        "alpha/demo-large",
        "beta/demo-claude",
    }
    assert error.response.headers["x-should-retry"] == "false"


async def test_overload_is_a_529(world, client):
    world.alpha.script = world.beta.script = script.status(529)
    with pytest.raises(anthropic.APIStatusError) as raised:
        await client.messages.create(model="claude-first", max_tokens=10, messages=said("hello"))
    assert (raised.value.status_code, raised.value.body["error"]["type"]) == (529, "overloaded_error")


async def test_an_sdk_that_retries_causes_at_most_six_upstream_calls(world):
    world.alpha.script = world.beta.script = script.status(503)

    def asked():
        with anthropic.Anthropic(base_url=world.url.removesuffix("/v1"), api_key="unused", max_retries=2) as made:
            made.messages.create(model="duo", max_tokens=10, messages=said("hello"))

    with pytest.raises(anthropic.APIStatusError):
        await asyncio.to_thread(asked)
    assert sum(world.calls().values()) <= 6


async def test_tokens_are_counted_there_or_estimated_here(world, client):
    counted = await client.messages.with_raw_response.count_tokens(
        model="claude-first", messages=said("x" * 400), tools=[WEATHER]
    )
    assert (await counted.parse()).input_tokens == 100
    assert counted.headers["x-sidestep-provider"] == "beta"
    estimated = await client.messages.with_raw_response.count_tokens(model="duo", messages=said("x" * 400))
    assert 100 <= (await estimated.parse()).input_tokens <= 200
    assert estimated.headers["x-sidestep-translation"] == "approximated=input_tokens"
    world.beta.script = script.status(503)
    told = await client.messages.with_raw_response.count_tokens(model="claude-first", messages=said("x" * 400))
    assert told.headers["x-sidestep-translation"] == "approximated=input_tokens"
    assert world.calls()["alpha"] == 0


async def test_models_are_listed_and_found(client):
    listed = [model async for model in client.models.list()]
    assert {"duo", "claude-first"} <= {model.id for model in listed}
    assert {model.type for model in listed} == {"model"}
    assert (await client.models.retrieve("duo")).display_name == "duo"
    with pytest.raises(anthropic.NotFoundError) as raised:
        await client.models.retrieve("nobody")
    assert raised.value.body["error"]["details"] == {"error_code": "model_not_found"}


async def test_claude_codes_way_of_asking_is_served(world, client):
    """A query, many beta features, cache markers, a system message among the others, Bearer and key alike."""
    betas = "claude-code-20250219,interleaved-thinking-2025-05-14"
    marked = {"type": "text", "text": "You are a helper.", "cache_control": {"type": "ephemeral"}}
    history = [*said("one"), {"role": "system", "content": "Now be brief."}, {"role": "assistant", "content": "1"}]
    for model in SERVED:
        message = await client.messages.create(
            model=model,
            max_tokens=100,
            system=[marked],
            messages=[*history, {"role": "user", "content": [marked | {"text": "two"}]}],
            tools=[WEATHER | {"cache_control": {"type": "ephemeral"}}],
            tool_choice={"type": "none"},
            metadata={"user_id": "user_" + "a" * 200},
            extra_query={"beta": "true"},
            extra_headers={"anthropic-beta": betas, "x-api-key": "unused"},
        )
        assert text_of(message).endswith("two")
    assert world.beta.requests[-1].headers["anthropic-beta"] == betas
    assert "anthropic-beta" not in world.alpha.requests[-1].headers
    assert "cache_control" not in str(world.alpha.requests[-1].body)


BAD = {
    "no messages": ({"model": "duo", "max_tokens": 5}, 400, "invalid_request_error", "messages"),
    "bad role": (
        {"model": "solo", "max_tokens": 5, "messages": [{"role": "boss", "content": "x"}]},
        400,
        "invalid_request_error",
        "messages.0.role",
    ),
    "unknown model": ({"model": "nobody", "max_tokens": 5, "messages": said("x")}, 404, "not_found_error", "nobody"),
    "half a json": (b'{"model": ', 400, "invalid_request_error", "JSON"),
}


@pytest.mark.parametrize("path", ["/messages", "/messages/count_tokens"])
@pytest.mark.parametrize("name", BAD)
async def test_a_bad_body_is_told_in_anthropics_shape(world, name, path):
    body, status, kind, named = BAD[name]
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    async with httpx2.AsyncClient(trust_env=False) as plain:
        answer = await plain.post(world.url + path, headers={"content-type": "application/json"}, **content)
    told = answer.json()
    assert (answer.status_code, told["type"], told["error"]["type"]) == (status, "error", kind)
    assert named in told["error"]["message"]
    assert answer.headers["request-id"].startswith("req_")
    assert sum(world.calls().values()) == 0


async def test_an_unknown_path_is_told_in_the_callers_shape(world):
    async with httpx2.AsyncClient(trust_env=False) as plain:
        for headers, shape in (({}, "param"), ({"x-api-key": "k"}, "details"), ({"anthropic-version": "x"}, "details")):
            answer = await plain.post(world.url + "/messages/batches", headers=headers, json={})
            assert answer.status_code == 404 and shape in answer.json()["error"]
        answer = await plain.post(world.url + "/v1/messages", headers={"x-api-key": "k"}, json={})
        assert "/v1 twice" in answer.json()["error"]["message"]


@pytest.mark.parametrize("model", SERVED)
async def test_metadata_is_in_the_answer_when_asked_for(client, ask, model):
    message = await client.messages.create(
        model=model, max_tokens=10, messages=said("hi"), extra_headers={"x-sidestep-metadata": "1"}
    )
    assert message.model_extra["sidestep"]["provider"] == SERVED[model]
    async with client.messages.stream(
        model=model, max_tokens=10, messages=said("hi"), extra_headers={"x-sidestep-metadata": "1"}
    ) as stream:
        assert (await stream.get_final_message()).stop_reason == "end_turn"


async def test_a_key_is_asked_for_in_either_header_and_refused_in_anthropics_shape(make_world, configured):
    def configure(alpha, beta, gamma):
        clients = {"one": Client("one", (hashlib.sha256(b"the-key").hexdigest(),))}
        return configured(alpha, beta, gamma, clients=clients)

    async with make_world(configure) as world:
        base = world.url.removesuffix("/v1")
        for key in ({"api_key": "the-key"}, {"auth_token": "the-key"}):
            async with anthropic.AsyncAnthropic(base_url=base, max_retries=0, **key) as client:
                message = await client.messages.create(model="claude", max_tokens=50, messages=said("hello"))
                assert text_of(message).endswith("hello")
        async with anthropic.AsyncAnthropic(base_url=base, api_key="another", max_retries=0) as client:
            for ask in (
                client.messages.create(model="claude", max_tokens=50, messages=said("hello")),
                client.messages.count_tokens(model="claude", messages=said("hello")),
                client.models.retrieve("claude"),
            ):
                with pytest.raises(anthropic.AuthenticationError) as raised:
                    await ask
                assert raised.value.body["error"]["type"] == "authentication_error"
                assert raised.value.request_id.startswith("req_")
        async with httpx2.AsyncClient(trust_env=False) as plain:
            answer = await plain.post(
                world.url + "/messages",
                headers={"x-api-key": "the-key"},
                json={"model": "claude", "max_tokens": 50, "messages": said("hello")},
            )
        assert answer.status_code == 200
        assert "the-key" not in str(world.beta.requests[-1].headers)
