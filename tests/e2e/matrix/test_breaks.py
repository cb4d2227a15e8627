"""An answer that breaks off after its first content: every SDK raises, in words that say who broke it off, and never
takes what came before for an answer. Every client's dialect at every provider's.
"""

import anthropic
import httpx2
import openai
import pytest

from proxy.drill import script

STORY = "a long story please, if you can, and then another one"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
KNOWN = {"chat": "alpha", "responses": "epsilon", "messages": "beta", "gemini": "delta"}
FAULTS = {
    "an error event": (script.overloaded_event(after=2, held=True), "overloaded"),
    "a cut": (script.cut(after=2), "ended too early"),
    "no end": (script.truncated(after=2), "ended"),
}
TERMINAL = (
    "[DONE]",
    "response.completed",
    "response.incomplete",
    "message_stop",
    '"finish_reason":"',
    'stop_reason":"',
)


@pytest.fixture(params=KNOWN)
def model(request):
    return request.param


@pytest.fixture
def breaking(matrix, model):
    """The provider that serves the model."""
    return matrix.named(KNOWN[model])


@pytest.fixture(params=["chat", "completions", "responses", "messages"])
def told(request, open_ai, claude):
    """`told(model, tools)`: the events of a stream in that dialect, as its SDK gives them."""

    async def chat(model, tools):
        given = [{"type": "function", "function": {"name": "f", "parameters": CITY}}] if tools else openai.omit
        asked = [{"role": "user", "content": STORY}]
        return await open_ai.chat.completions.create(model=model, messages=asked, tools=given, stream=True)

    async def completions(model, tools):
        if tools:
            pytest.skip("the legacy dialect knows no tools")
        return await open_ai.completions.create(model=model, prompt=STORY, stream=True)

    async def responses(model, tools):
        given = [{"type": "function", "name": "f", "parameters": CITY, "strict": False}] if tools else openai.omit
        return await open_ai.responses.create(model=model, input=STORY, tools=given, stream=True)

    async def messages(model, tools):
        given = [{"name": "f", "input_schema": CITY}] if tools else anthropic.omit
        asked = [{"role": "user", "content": STORY}]
        return await claude.messages.create(model=model, max_tokens=900, messages=asked, tools=given, stream=True)

    return {"chat": chat, "completions": completions, "responses": responses, "messages": messages}[request.param]


async def heard(stream, breaking) -> list[str]:
    """The events of a stream; what it held is let go once the first of them is here."""
    events = []
    try:
        async for event in stream:
            events.append(event.to_json(indent=None))
            breaking.release()
    except (openai.APIError, anthropic.APIError) as error:
        error.heard = events
        raise
    return events


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_break_raises_an_error_of_the_sdk_that_says_who_and_why(breaking, model, told, fault):
    breaking.script, why = FAULTS[fault]
    stream = await told(model, tools=False)
    with pytest.raises((openai.APIError, anthropic.APIStatusError)) as raised:
        await heard(stream, breaking)
    message = str(raised.value)
    assert f"{breaking.name}/" in message and "broke off its answer" in message and why in message
    assert "stream_cut" in str(raised.value.body)
    before = "".join(raised.value.heard)
    assert "demo" in before and not any(mark in before for mark in TERMINAL)
    assert len(breaking.requests) == 1


async def test_half_a_tool_call_is_no_call(breaking, model, told):
    breaking.script = script.cut(after=1)
    stream = await told(model, tools=True)
    with pytest.raises((openai.APIError, anthropic.APIStatusError), match="broke off its answer") as raised:
        await heard(stream, breaking)
    assert not any(mark in "".join(raised.value.heard) for mark in TERMINAL)


PATHS = {
    "chat/completions": {"messages": [{"role": "user", "content": STORY}]},
    "completions": {"prompt": STORY},
    "responses": {"input": STORY},
    "messages": {"messages": [{"role": "user", "content": STORY}], "max_tokens": 900},
}


@pytest.mark.parametrize("path", PATHS)
async def test_on_the_wire_the_error_is_the_last_event_and_the_body_has_no_end(matrix, breaking, model, path):
    """So that a client that does not know the event hears of it all the same."""
    breaking.script = script.cut(after=2)
    body = {"model": model, "stream": True, **PATHS[path]}
    said: list[bytes] = []
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=15) as plain,
        plain.stream("POST", f"{matrix.url}/{path}", json=body) as answer,
    ):
        with pytest.raises(httpx2.RemoteProtocolError):
            await collect(answer, said)
    text = b"".join(said).decode()
    events = text.strip().split("\n\n")
    told = next(at for at, event in enumerate(events) if "stream_cut" in event)
    after = [event.split("\n")[0] for event in events[told + 1 :]]
    assert after == (["event: response.failed"] if path == "responses" else [])
    assert not any(mark in text for mark in TERMINAL)


async def collect(answer, said: list[bytes]) -> None:
    async for piece in answer.aiter_raw():
        said.append(piece)
