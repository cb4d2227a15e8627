"""A provider that pauses its answer, and a client that cannot tell: it gets one answer, however many calls it took."""

import httpx2
import openai
import pytest

from proxy.config.values import ModelRoute, Step
from proxy.drill import script
from proxy.drill.script import Script

HELLO = [{"role": "user", "content": "one two three"}]
PIECE = "demo answer from beta: one two three"
SEARCH = {"model": "claude", "messages": HELLO, "web_search_options": {}}


@pytest.fixture
async def folding(make_world, configured, provider):
    """A world whose beta is asked for streams, whatever the client wants."""

    def configure(alpha, beta, gamma):
        routes = {"claude": ModelRoute("claude", (Step("beta", "demo-claude"),))}
        return configured(alpha, provider(beta, profile={"upstream_stream": True}), gamma, models=routes)

    async with make_world(configure) as made:
        yield made


async def complete(world, **body) -> tuple[str, str, int, int]:
    """Text, finish reason and tokens of the answer, in and out. (The SDK's own helper for streams takes so long to be
    made that it would outwait the short times of this world.)"""
    async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0, timeout=15) as client:
        if not body.get("stream"):
            answer = await client.chat.completions.create(**body)
            [choice], usage = answer.choices, answer.usage
            return choice.message.content, choice.finish_reason, usage.prompt_tokens, usage.completion_tokens
        stream = await client.chat.completions.create(**body, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    [finish] = [one.finish_reason for one in choices if one.finish_reason]
    usage = chunks[-1].usage
    return "".join(one.delta.content or "" for one in choices), finish, usage.prompt_tokens, usage.completion_tokens


def counts(scripted) -> tuple[list[int], int]:
    """Messages of each call, and how many of the last one are the assistant's."""
    bodies = [request.body for request in scripted.requests]
    return [len(one["messages"]) for one in bodies], sum(m["role"] == "assistant" for m in bodies[-1]["messages"])


@pytest.mark.parametrize("way", ["whole", "stream", "folded"])
async def test_a_paused_turn_is_gone_on_with_and_told_as_one_answer(world, folding, way):
    asked = folding if way == "folded" else world
    asked.beta.script = script.pauses(2)
    text, finish, prompt, written = await complete(asked, **SEARCH, stream=way == "stream")
    assert (text, finish) == (PIECE * 3, "stop")
    assert counts(asked.beta) == ([1, 2, 3], 2)
    assert written == 3 * 9 and prompt > 3 * 4
    sent = asked.beta.requests[1].body["messages"][1]["content"]
    assert [block["type"] for block in sent] == ["text", "server_tool_use", "web_search_tool_result"]
    assert sent[1]["input"] == {"query": "the script"} and sent[2]["content"][0]["encrypted_content"] == "e"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_pauses_for_ever_ends_as_one_that_was_cut_short(world, stream):
    world.beta.script = script.pauses(100)
    assert (await complete(world, **SEARCH, stream=stream))[:2] == (PIECE * 8, "length")
    assert len(world.beta.requests) == 8


FAULTS = {"503": script.status(503), "a cut": script.cut(1), "an error event": script.overloaded_event()}


def once_paused(fault: str) -> Script:
    return Script(script.pauses(1).steps[:1] + FAULTS[fault].steps)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_piece_that_fails_costs_a_client_that_waits_for_the_whole_nothing(world, fault):
    world.beta.script = once_paused(fault).then(script.ok())
    assert (await complete(world, **SEARCH))[0] == PIECE
    assert counts(world.beta)[0] == [1, 2, 1]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_piece_that_fails_in_a_stream_breaks_the_answer_off(world, fault):
    world.beta.script = once_paused(fault).then(script.ok())
    async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0, timeout=15) as client:
        stream = await client.chat.completions.create(**SEARCH, stream=True)
        with pytest.raises(openai.APIError, match="beta/demo-claude broke off"):
            _ = [chunk async for chunk in stream]
    assert len(world.beta.requests) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_of_the_same_dialect_is_told_of_the_pause_itself(world, stream):
    world.beta.script = script.pauses(1)
    tool = {"type": "web_search_20250305", "name": "web_search"}
    body = {"model": "claude", "messages": HELLO, "max_tokens": 100, "tools": [tool], "stream": stream}
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        answer = await client.post(world.url + "/messages", json=body)
    assert '"pause_turn"' in answer.text and len(world.beta.requests) == 1
