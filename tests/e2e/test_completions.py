"""The openai SDK's legacy completions, served by whatever provider is there."""

import httpx2
import openai
import pytest

from proxy.drill import script


@pytest.fixture
async def client(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture(params=["unary", "stream"])
def ask(request, client):
    """`await ask(**body)`: text, finish reason, usage and id, whole or put together from the stream."""

    async def asked(**body):
        if request.param == "unary":
            answer = await client.completions.create(**body)
            return answer.choices[0].text, answer.choices[0].finish_reason, answer.usage, answer.id
        stream = await client.completions.create(**body, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
        choices = [choice for chunk in chunks for choice in chunk.choices]
        assert {chunk.object for chunk in chunks} == {"text_completion"}
        text = "".join(choice.text for choice in choices)
        return text, choices[-1].finish_reason, chunks[-1].usage, chunks[0].id

    return asked


@pytest.mark.parametrize("prompt", ["Once upon a time", ["Once upon a time"]])
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_a_prompt_is_answered_by_any_dialect(ask, model, prompt):
    text, finish, usage, made = await ask(model=model, prompt=prompt, max_tokens=100)
    assert text.endswith("Once upon a time")
    assert (finish, made[:5]) == ("stop", "cmpl-")
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


@pytest.mark.parametrize(
    "fault", [script.status(503), script.cut_before_commit(), script.overloaded_event(), script.silence()], ids=str
)
async def test_a_fault_before_the_first_content_costs_the_client_nothing(world, ask, fault):
    world.alpha.script = fault
    text, *_ = await ask(model="duo", prompt="hello", max_tokens=100)
    assert text == "demo answer from beta: hello"


@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_a_broken_stream_is_an_error_never_a_short_answer(world, client, model):
    world.alpha.script = world.beta.script = script.cut(after=2)
    stream = await client.completions.create(model=model, prompt="a long story please", stream=True, max_tokens=99)
    with pytest.raises((openai.APIError, httpx2.HTTPError)):
        [chunk async for chunk in stream]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"echo": True}, "echo"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "x"}, "suffix"),
        ({"prompt": [[1, 2]]}, "prompt"),
    ],
)
async def test_what_no_target_can_do_is_a_400_that_names_the_field(world, client, more, param):
    with pytest.raises(openai.BadRequestError) as raised:
        await client.completions.create(**{"model": "duo", "prompt": "hello"} | more)
    assert raised.value.param == param
    assert sum(world.calls().values()) == 0


async def test_probabilities_that_a_target_cannot_give_skip_it(world, client):
    answer = await client.completions.with_raw_response.create(model="claude-first", prompt="hello", logprobs=2)
    assert answer.headers["x-sidestep-provider"] == "alpha"
