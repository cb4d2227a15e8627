"""Three answers of a model whose dialect gives one: three calls, and one answer to an SDK that cannot tell. In every
dialect, whole and streamed, and with one of the calls failing early or late."""

import openai
import pytest

from proxy.config.values import ModelRoute, Step, TimeoutSettings
from proxy.drill import script
from translators.ir import Dialect

HELLO = [{"role": "user", "content": "one two three"}]
MODELS = {
    "messages": ("beta", "claude-opus-4-8"),
    "gemini": ("delta", "gemini-3.6-flash"),
    "responses": ("epsilon", "gpt-6-sol"),
    "chat": ("gamma", "demo-large"),
}
"""Per dialect a provider and a model that take no `n`."""


@pytest.fixture(scope="module")
async def shared(make_world, configured, provider):
    def configure(alpha, beta, gamma, delta, epsilon):
        patient = TimeoutSettings()
        routes = {name: (Step(*step), Step("alpha", "demo-large")) for name, step in MODELS.items()}
        return configured(
            alpha,
            provider(beta, timeouts=patient, vendor="anthropic"),
            provider(gamma, timeouts=patient, profile={"n_max": 1}),
            provider(delta, timeouts=patient, vendor="gemini"),
            provider(epsilon, timeouts=patient, vendor="openai"),
            timeouts=patient,
            models={name: ModelRoute(name, chain, fan_out=True) for name, chain in routes.items()},
            embeddings={},
        )

    async with make_world(configure, delta=Dialect.GEMINI, epsilon=Dialect.OPENAI_RESPONSES) as made:
        yield made


@pytest.fixture
def world(shared):
    shared.reset()
    return shared


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def asked(world, model):
    """The provider of the model."""
    return world.named(MODELS[model][0])


@pytest.fixture
async def client(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0, timeout=15) as made:
        yield made


async def three(client, model: str, *, stream: bool):
    """Text and finish of each choice by its index, the usage told, and who served."""
    raw = await client.chat.completions.with_raw_response.create(
        model=model, messages=HELLO, n=3, stream=stream,
        **({"stream_options": {"include_usage": True}} if stream else {}),
    )  # fmt: skip
    answer, served = raw.parse(), raw.headers["x-sidestep-provider"]
    if not stream:
        told = {one.index: (one.message.content, one.finish_reason) for one in answer.choices}
        return told, [answer.usage], served
    said, ends, usages = dict.fromkeys(range(3), ""), {}, []
    async for chunk in answer:
        usages += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            assert choice.index not in ends, "nothing comes after a choice's end"
            said[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    return {index: (text, ends.get(index)) for index, text in said.items()}, usages, served


STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@STREAM
async def test_three_calls_give_three_choices_and_the_counts_of_all(asked, client, model, stream):
    asked.script = script.ok(every_s=0.001 if stream else 0.0)
    told, usages, served = await three(client, model, stream=stream)
    answer = f"demo answer from {asked.name}: one two three"
    assert told == dict.fromkeys(range(3), (answer, "stop"))
    assert [(one.prompt_tokens, one.completion_tokens) for one in usages] == [(3 * 4, 3 * -(-len(answer) // 4))]
    assert served == asked.name and len(asked.requests) == 3
    assert not any({"n", "candidateCount"} & request.body.keys() for request in asked.requests)
    assert asked.refused == 0


@STREAM
@pytest.mark.parametrize("fault", [script.status(503), script.cut_before_commit()], ids=str)
async def test_one_that_fails_before_any_content_sends_all_to_the_next_target(
    world, asked, client, model, stream, fault
):
    asked.script = script.hold().then(fault)
    told, _, served = await three(client, model, stream=stream)
    assert served == "alpha" and set(told) == {0, 1, 2}
    assert world.alpha.requests[-1].body["n"] == 3


async def test_one_that_breaks_off_ends_all_of_a_stream_with_one_error(world, asked, client, model):
    slow = script.ok(deltas=30, every_s=0.02)
    asked.script = slow.then(script.cut(2)).then(slow)
    with pytest.raises(openai.APIError, match=f"{asked.name}/.* broke off its answer"):
        await three(client, model, stream=True)
    assert len(world.alpha.requests) == 0
