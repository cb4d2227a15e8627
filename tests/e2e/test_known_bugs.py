"""What other gateways did with broken upstreams, and with requests that one API alone takes, over real sockets."""

import httpx2
import openai
import orjson
import pytest

from proxy.config.values import ModelRoute, Step
from proxy.drill import script

HELLO = [{"role": "user", "content": "a long story please, if you can"}]
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def http():
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        yield client


async def read(http, url, body):
    """Status, what came of a streamed answer, and whether its body ended as HTTP says it must."""
    got = b""
    async with http.stream("POST", url, json=body | {"stream": True}) as answer:
        try:
            async for data in answer.aiter_bytes():
                got += data
        except httpx2.RemoteProtocolError:
            return answer.status_code, got.decode(), False
    return answer.status_code, got.decode(), True


def payloads(text):
    return [orjson.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


BROKEN = {"reset": script.cut(2), "cut in an event": script.cut(2, in_event=True), "no end": script.truncated(2)}


# L#33404, L#39748 (BerriAI/litellm)
@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_a_stream_that_breaks_ends_in_an_error_and_an_open_body_never_in_a_made_up_end(world, http, model, fault):
    """The error is the last event; a `[DONE]` behind it would tell simple clients that all is well."""
    world.alpha.script = world.beta.script = BROKEN[fault]
    status, text, ended = await read(http, world.url + "/chat/completions", {"model": model, "messages": HELLO})
    chunks = payloads(text)
    assert status == 200
    assert chunks[-1]["error"]["message"]
    assert not ended
    assert "[DONE]" not in text
    assert not any(choice["finish_reason"] for chunk in chunks[:-1] for choice in chunk["choices"])


# L#33222 (BerriAI/litellm)
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_a_reset_behind_the_role_chunk_is_an_error_status_never_an_empty_answer(world, http, model):
    world.alpha.script = world.beta.script = script.cut_before_commit()
    status, text, _ = await read(http, world.url + "/chat/completions", {"model": model, "messages": HELLO})
    assert status == 502
    assert orjson.loads(text)["error"]["code"] in ("all_targets_failed", "upstream_invalid_response")


# L#32159 (BerriAI/litellm)
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_an_anthropic_client_is_told_of_a_missing_end_by_an_error_event(world, http, model):
    """Be it relayed from its own dialect or translated."""
    world.alpha.script = world.beta.script = script.truncated()
    body = {"model": model, "max_tokens": 99, "messages": HELLO}
    _, text, ended = await read(http, world.url + "/messages", body)
    events = payloads(text)
    assert events[-1]["type"] == "error"
    assert "message_stop" not in [event["type"] for event in events]
    assert not ended


# itzcrazykns/vane#1173
@pytest.mark.parametrize("model", ["gpt-5.6-sol", "gpt-5.4", "gpt-6.2-sol"])
async def test_tools_and_an_effort_go_by_responses_on_models_that_take_them_nowhere_else(
    make_world, configured, provider, model
):
    def configure(alpha, beta, gamma):
        routes = {model: ModelRoute(model, (Step("alpha", model),))}
        return configured(provider(alpha, vendor="openai"), beta, gamma, models=routes)

    async with make_world(configure) as world, openai.AsyncOpenAI(base_url=world.url, api_key="k") as client:
        answer = await client.chat.completions.create(
            model=model, messages=HELLO, tools=[TOOL], reasoning_effort="high"
        )
        asked = world.alpha.requests[-1]
    assert answer.choices[0].message.tool_calls[0].function.name == "look_up"
    assert (asked.path, asked.body["reasoning"]["effort"]) == ("/v1/responses", "high")
