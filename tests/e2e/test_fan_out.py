"""Several answers of a provider that gives one to a call, where the configuration lets the proxy call it as often."""

import asyncio
import re

import openai
import pytest

from proxy.config.values import ModelRoute, Step
from proxy.drill import script

HELLO = [{"role": "user", "content": "one two three"}]
ANSWER = "demo answer from beta: one two three"
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
async def fanned(make_world, configured, provider):
    def configure(alpha, beta, gamma):
        beta_first = (Step("beta", "demo-claude"), Step("alpha", "demo-large"))
        routes = {
            "claude": ModelRoute("claude", beta_first[:1], fan_out=True),
            "not": ModelRoute("not", beta_first[:1]),
            "both": ModelRoute("both", beta_first, fan_out=True),
            "one": ModelRoute("one", (Step("gamma", "demo-large"),), fan_out=True),
        }
        single = provider(gamma, profile={"n_max": 1, "idempotency_key": True})
        return configured(alpha, provider(beta, per_target=8), single, models=routes, embeddings={})

    async with make_world(configure) as made:
        yield made


@pytest.fixture
async def client(fanned):
    async with openai.AsyncOpenAI(base_url=fanned.url, api_key="k", max_retries=0, timeout=15) as made:
        yield made


@pytest.mark.parametrize("bound", [1000, 30_000], ids=["whole", "folded"])
async def test_n_answers_are_n_calls_and_one_answer(fanned, client, bound):
    raw = await client.chat.completions.with_raw_response.create(
        model="claude", messages=HELLO, n=3, max_completion_tokens=bound
    )
    answer = raw.parse()
    assert [(one.index, one.message.content, one.finish_reason) for one in answer.choices] == [
        (index, ANSWER, "stop") for index in range(3)
    ]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3 * 4, 3 * 9)
    assert [request.body.get("n") for request in fanned.beta.requests] == [None] * 3
    assert "approximated=n" in raw.headers["x-sidestep-translation"]
    assert raw.headers["x-sidestep-attempts"].count("beta") == 1


@pytest.mark.parametrize(("model", "answer"), [("claude", ANSWER), ("one", ANSWER.replace("beta", "gamma"))])
async def test_streams_come_as_one_with_a_choice_each(fanned, client, model, answer):
    fanned.beta.script = script.ok(every_s=0.001)
    said, ends, usages, ids = {}, {}, [], set()
    stream = await client.chat.completions.create(
        model=model, messages=HELLO, n=3, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        ids.add(chunk.id)
        usages += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            assert choice.index not in ends
            said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    assert said == dict.fromkeys(range(3), answer) and ends == dict.fromkeys(range(3), "stop")
    assert [(one.prompt_tokens, one.completion_tokens) for one in usages] == [(3 * 4, 3 * -(-len(answer) // 4))]
    assert len(ids) == 1


async def test_tool_calls_stay_with_their_choice(fanned, client):
    answer = await client.chat.completions.create(model="claude", messages=HELLO, n=2, tools=[FUNCTION])
    assert [one.message.tool_calls[0].function.name for one in answer.choices] == ["weather"] * 2


async def test_a_target_of_the_same_dialect_that_takes_no_n_is_fanned_out_too(fanned, client):
    answer = await client.chat.completions.create(model="one", messages=HELLO, n=2)
    assert len(answer.choices) == 2 and len(fanned.gamma.requests) == 2
    keys = {request.headers["idempotency-key"] for request in fanned.gamma.requests}
    assert len(keys) == 2, "or the provider would give the same answer twice"


async def test_every_call_counts_where_a_provider_takes_so_many(fanned, client):
    fanned.beta.script = script.hold()
    first = asyncio.ensure_future(client.chat.completions.create(model="both", messages=HELLO, n=6))
    await fanned.beta.wait_for_requests(6)
    raw = await client.chat.completions.with_raw_response.create(model="both", messages=HELLO, n=3)
    assert raw.headers["x-sidestep-provider"] == "alpha"
    fanned.beta.release()
    assert len((await first).choices) == 6


@pytest.mark.parametrize("stream", [False, True])
async def test_one_call_that_fails_before_any_content_fails_them_all_and_the_next_target_answers(
    fanned, client, stream
):
    fanned.beta.script = script.hold().then(script.status(503)).then(script.hold())
    raw = await client.chat.completions.with_raw_response.create(model="both", messages=HELLO, n=3, stream=stream)
    assert raw.headers["x-sidestep-provider"] == "alpha"
    assert len(fanned.alpha.requests) == 1 and fanned.alpha.requests[0].body["n"] == 3
    await fanned.beta.wait_for_cancelled(2)


async def test_one_stream_that_breaks_off_breaks_the_answer_off(fanned, client):
    fanned.beta.script = script.ok(deltas=50, every_s=0.02).then(script.cut(2)).then(script.ok(deltas=50, every_s=0.02))
    stream = await client.chat.completions.create(model="both", messages=HELLO, n=3, stream=True)
    with pytest.raises(openai.APIError, match="beta/demo-claude broke off"):
        async for _ in stream:
            pass
    assert len(fanned.alpha.requests) == 0


@pytest.mark.parametrize(("n", "model"), [(9, "claude"), (3, "not")])
async def test_too_many_or_not_allowed_is_a_clear_refusal(fanned, client, n, model):
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model=model, messages=HELLO, n=n)
    assert caught.value.param == "n" and re.search("one answer", caught.value.message)
    assert len(fanned.beta.requests) == 0
