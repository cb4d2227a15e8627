"""Faults of every dialect's provider, as each SDK sees them: before the first content not at all, and after it as an
error, never as a short answer."""

import anthropic
import httpx2
import openai
import pytest

from proxy.drill import script

STORY = "a long story please, if you can, and then another one"
BEFORE = [
    script.refuse(),
    script.status(429, retry_after=30),
    script.status(402),
    script.status(401),
    script.status(500),
    script.status(404),
    script.error_in_200(),
    script.overloaded_event(),
    script.cut_before_headers(),
    script.cut_before_commit(),
    script.html(200),
    script.half_json(),
    script.invalid_event(),
    script.truncated(after=0),
]
AFTER = [
    script.cut(after=2),
    script.cut(after=2, in_event=True),
    script.truncated(after=2),
    script.truncated(),
]

RING = pytest.mark.parametrize(
    "pair",
    [("chat", "responses"), ("responses", "messages"), ("messages", "gemini"), ("gemini", "chat")],
    indirect=True,
    ids=">".join,
)
"""Each dialect once as the one that fails."""


@pytest.fixture(params=["chat", "responses", "messages"])
def tell(request, open_ai, claude):
    """`await tell(model, stream)`: the text of the answer, by one of the SDKs."""

    async def chat(model, stream):
        body = {"model": model, "messages": [{"role": "user", "content": STORY}]}
        if not stream:
            return (await open_ai.chat.completions.create(**body)).choices[0].message.content
        async with open_ai.chat.completions.stream(**body) as events:
            return (await events.get_final_completion()).choices[0].message.content

    async def responses(model, stream):
        if not stream:
            return (await open_ai.responses.create(model=model, input=STORY)).output_text
        async with open_ai.responses.stream(model=model, input=STORY) as events:
            return (await events.get_final_response()).output_text

    async def messages(model, stream):
        body = {"model": model, "max_tokens": 900, "messages": [{"role": "user", "content": STORY}]}
        if not stream:
            return (await claude.messages.create(**body)).content[0].text
        async with claude.messages.stream(**body) as events:
            return await events.get_final_text()

    return {"chat": chat, "responses": responses, "messages": messages}[request.param]


@RING
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("fault", BEFORE, ids=str)
async def test_a_fault_before_the_first_content_costs_the_client_nothing(pair, tell, fault, stream):
    model, first, second = pair
    first.script = fault
    assert await tell(model, stream) == f"demo answer from {second.name}: {STORY}"


@RING
@pytest.mark.parametrize("fault", AFTER, ids=["cut", "cut in an event", "truncated", "no finish"])
async def test_a_fault_after_it_is_an_error_never_a_short_answer(matrix, pair, tell, fault):
    model, first, second = pair
    first.script = fault
    with pytest.raises((openai.APIError, anthropic.APIError, httpx2.HTTPError, RuntimeError)):
        await tell(model, stream=True)
    assert (matrix.calls()[first.name], matrix.calls()[second.name]) == (1, 0)
