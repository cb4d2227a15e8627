"""Signs of life before a stream has begun, as the vendors' own clients see them: not at all."""

import asyncio

import anthropic
import openai
import pytest

from proxy.drill.load import once
from proxy.drill.script import ok, silence

HELLO = [{"role": "user", "content": "a b c"}]
EVERY = {"x-sidestep-keep-alive": "1"}
LATE_S = 1.2


@pytest.fixture
async def chat(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0) as client:
        yield client


async def test_every_sdk_reads_over_them_and_an_error_after_them_is_raised(world, chat):
    """Side by side, since each second is a real one."""
    world.alpha.script = ok(first_s=LATE_S)

    async def by_openai(model="duo"):
        stream = await chat.chat.completions.create(model=model, messages=HELLO, stream=True, extra_headers=EVERY)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    async def by_responses():
        stream = await chat.responses.create(model="duo", input="a b c", stream=True, extra_headers=EVERY)
        return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])

    async def by_anthropic():
        client = anthropic.AsyncAnthropic(base_url=world.url.removesuffix("/v1"), api_key="k", max_retries=0)
        async with (
            client,
            client.messages.stream(model="duo", messages=HELLO, max_tokens=9, extra_headers=EVERY) as stream,
        ):
            return await stream.get_final_text()

    async def raw():
        return await once(world.url, "/chat/completions", {"model": "duo", "messages": HELLO, "stream": True}, EVERY)

    texts = await asyncio.gather(by_openai(), by_responses(), by_anthropic(), raw())
    answer = texts.pop()
    lines = answer.body.decode().splitlines()
    assert all(text.endswith("answer from alpha: a b c") for text in texts)
    assert lines[0] == ": keep-alive"
    assert ": x-sidestep-provider: alpha" in lines
    assert "x-sidestep-provider" not in answer.headers and answer.headers["x-request-id"]
    world.alpha.script = silence()
    with pytest.raises(openai.APIError, match="The only target failed: alpha/demo-large: timeout"):
        await by_openai("solo")
