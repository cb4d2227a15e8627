"""Tokens that a provider read from its cache, as every SDK tells them: OpenAI counts them within the prompt, Anthropic
beside them. From every dialect to every other, whole and streamed, the sum is the same.
"""

import pytest

from proxy.drill import script

KNOWN = {"chat": "alpha", "responses": "epsilon", "messages": "beta", "gemini": "delta"}
PROMPT = "x" * 400
ASKED = [{"role": "user", "content": PROMPT}]


@pytest.fixture(params=KNOWN)
def model(request, matrix):
    matrix.named(KNOWN[request.param]).script = script.ok(cached=True)
    return request.param


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_chat_counts_them_within_the_prompt(open_ai, model, stream):
    if stream:
        options = {"include_usage": True}
        events = await open_ai.chat.completions.create(model=model, messages=ASKED, stream=True, stream_options=options)
        usage = [event async for event in events][-1].usage
    else:
        usage = (await open_ai.chat.completions.create(model=model, messages=ASKED)).usage
    assert (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens) == (100, 99)
    assert usage.total_tokens == 100 + usage.completion_tokens


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_responses_count_them_within_the_input(open_ai, model, stream):
    if stream:
        events = await open_ai.responses.create(model=model, input=PROMPT, stream=True)
        usage = [event async for event in events][-1].response.usage
    else:
        usage = (await open_ai.responses.create(model=model, input=PROMPT)).usage
    assert (usage.input_tokens, usage.input_tokens_details.cached_tokens) == (100, 99)
    assert usage.total_tokens == 100 + usage.output_tokens


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_messages_count_them_beside_the_input(claude, model, stream):
    if stream:
        async with claude.messages.stream(model=model, max_tokens=900, messages=ASKED) as events:
            usage = (await events.get_final_message()).usage
    else:
        usage = (await claude.messages.create(model=model, max_tokens=900, messages=ASKED)).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (1, 99)
    assert not usage.cache_creation_input_tokens
