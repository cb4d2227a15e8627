"""A provider that pauses its answer, and a client that cannot tell: it gets one answer, however many calls it took.

The times of this world are the real ones: nothing here is about silence.
"""

import anthropic
import httpx2
import openai
import pytest

from proxy.config.values import ModelRoute, Step, TimeoutSettings
from proxy.drill import script
from proxy.drill.script import Script
from translators.ir import Dialect

HELLO = [{"role": "user", "content": "one two three"}]
KINDS = ["claude", "gemini"]
SERVED = {"claude": "beta", "gemini": "delta"}


@pytest.fixture(scope="module")
async def shared(make_world, configured, provider):
    """beta pauses in Anthropic's dialect, delta in Gemini's. The models `folded-...` are the same providers', asked for
    streams whatever the client wants."""

    def configure(alpha, beta, gamma, delta):
        patient = TimeoutSettings()
        models = {"claude": ("beta", "demo-claude"), "gemini": ("delta", "gemini-4-argon")}
        models |= {f"folded-{name}": (at, f"{model}-folded") for name, (at, model) in models.items()}
        folded = {model: {"upstream_stream": True} for _, model in models.values() if model.endswith("-folded")}
        return configured(
            alpha,
            provider(beta, timeouts=patient, models=folded),
            gamma,
            provider(delta, timeouts=patient, models=folded),
            timeouts=patient,
            models={name: ModelRoute(name, (Step(*step),)) for name, step in models.items()},
            embeddings={},
        )

    async with make_world(configure, delta=Dialect.GEMINI) as made:
        yield made


@pytest.fixture
def world(shared):
    shared.reset()
    return shared


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def pausing(world, kind):
    """The provider that pauses."""
    return world.named(SERVED[kind])


@pytest.fixture
def piece(pausing) -> str:
    return f"demo answer from {pausing.name}: one two three"


@pytest.fixture
async def client(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="k", max_retries=0, timeout=15) as made:
        yield made


def search(kind: str, **more):
    """What claude pauses for; gemini pauses when it likes."""
    return {"model": kind, "messages": HELLO, **({} if "gemini" in kind else {"web_search_options": {}}), **more}


async def complete(client, **body) -> tuple[str, str, int, int]:
    """Text, finish reason and tokens of the answer, in and out."""
    if not body.get("stream"):
        answer = await client.chat.completions.create(**body)
        [choice], usage = answer.choices, answer.usage
        return choice.message.content, choice.finish_reason, usage.prompt_tokens, usage.completion_tokens
    stream = await client.chat.completions.create(**body, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    [finish] = [one.finish_reason for one in choices if one.finish_reason]
    usage = chunks[-1].usage
    assert len({chunk.id for chunk in chunks}) == 1
    return "".join(one.delta.content or "" for one in choices), finish, usage.prompt_tokens, usage.completion_tokens


def bodies(scripted) -> list[dict]:
    return [request.body for request in scripted.requests]


@pytest.mark.parametrize("way", ["whole", "stream", "folded"])
async def test_a_paused_answer_is_gone_on_with_and_told_as_one(client, pausing, piece, kind, way):
    pausing.script = script.pauses(2)
    model = f"folded-{kind}" if way == "folded" else kind
    text, finish, prompt, written = await complete(client, **search(model, stream=way == "stream"))
    assert (text, finish, written) == (piece * 3, "stop", 3 * -(-len(piece) // 4))
    first, second, third = bodies(pausing)
    if kind == "gemini":
        assert prompt == 4 and second == third == {**first, "continuationToken": "continue-delta"}
        return
    assert prompt > 3 * 4
    assert [len(one["messages"]) for one in (first, second, third)] == [1, 2, 3]
    sent = second["messages"][1]["content"]
    assert [block["type"] for block in sent] == ["text", "server_tool_use", "web_search_tool_result"]
    assert sent[1]["input"] == {"query": "the script"} and sent[2]["content"][0]["encrypted_content"] == "e"


@pytest.mark.parametrize("stream", [False, True])
async def test_other_clients_cannot_tell_either(world, client, pausing, piece, kind, stream):
    pausing.script = script.pauses(1)
    tools = [] if kind == "gemini" else [{"type": "web_search"}]
    answer = await client.responses.create(model=kind, input="one two three", tools=tools, stream=stream)
    if stream:
        answer = [event async for event in answer][-1].response
    assert (answer.status, answer.output_text) == ("completed", piece * 2)
    if kind == "claude":
        return
    async with anthropic.AsyncAnthropic(base_url=world.url[:-3], api_key="k", max_retries=0, timeout=15) as claude:
        asked = {"model": kind, "max_tokens": 900, "messages": HELLO}
        pausing.script = script.pauses(1)
        if stream:
            async with claude.messages.stream(**asked) as events:
                message = await events.get_final_message()
        else:
            message = await claude.messages.create(**asked)
    assert ([one.text for one in message.content], message.stop_reason) == ([piece * 2], "end_turn")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_pauses_for_ever_ends_as_one_that_was_cut_short(client, pausing, piece, kind, stream):
    pausing.script = script.pauses(100)
    assert (await complete(client, **search(kind, stream=stream)))[:2] == (piece * 8, "length")
    assert len(pausing.requests) == 8


HEALING = {
    "503": script.status(503),
    "429 and a short wait": script.status(429, retry_after_ms=20),
    "no connection": script.cut_before_headers(),
    "an error event before its content": script.overloaded_event(),
    "a cut before its content": script.cut_before_commit(),
}


@pytest.mark.parametrize("way", ["whole", "stream", "folded"])
@pytest.mark.parametrize("fault", HEALING)
async def test_a_call_for_the_rest_that_fails_is_made_again_and_nothing_is_lost(
    client, pausing, piece, kind, fault, way
):
    pausing.script = Script(script.pauses(1).steps[:1]).then(HEALING[fault]).then(script.ok())
    model = f"folded-{kind}" if way == "folded" else kind
    text, finish, _, written = await complete(client, **search(model, stream=way == "stream"))
    assert (text, finish, written) == (piece * 2, "stop", 2 * -(-len(piece) // 4))
    first, second, third = bodies(pausing)
    assert first != second == third


async def test_the_attempts_tell_of_a_call_that_was_made_again(client, pausing, kind):
    pausing.script = Script(script.pauses(1).steps[:1]).then(script.status(503)).then(script.ok())
    raw = await client.chat.completions.with_raw_response.create(**search(kind))
    told = [one.split(";")[1:3] for one in raw.headers["x-sidestep-attempts"].split(", ")]
    assert told == [["server", "503"], ["ok", "200"]] or told == [["overloaded", "503"], ["ok", "200"]]


BREAKING = {
    "a cut in its content": script.cut(1),
    "an error event in its content": script.overloaded_event(1),
    "a refusal": script.status(400),
    "a long wait": script.status(429, retry_after=30),
    "503 for good": script.status(503),
}


@pytest.mark.parametrize("fault", BREAKING)
async def test_what_cannot_be_mended_breaks_a_stream_off(client, pausing, kind, fault):
    pausing.script = Script(script.pauses(1).steps[:1]).then(BREAKING[fault])
    stream = await client.chat.completions.create(**search(kind, stream=True))
    finishes = []
    with pytest.raises(openai.APIError) as raised:
        await listen(stream, finishes)
    assert finishes and not any(finishes), "it never ended well"
    assert fault == "a refusal" or f"{pausing.name}/" in raised.value.message
    if fault == "503 for good":
        assert len(pausing.requests) == {"claude": 4, "gemini": 3}[kind], "Gemini's 503 is overload"


async def listen(stream, finishes: list) -> None:
    async for chunk in stream:
        finishes += [choice.finish_reason for choice in chunk.choices]


@pytest.mark.parametrize("fault", ["a cut in its content", "503 for good"])
async def test_a_client_that_has_seen_nothing_is_told_by_a_status_or_asked_for_anew(
    client, pausing, piece, kind, fault
):
    pausing.script = Script(script.pauses(1).steps[:1]).then(BREAKING[fault]).then(script.ok())
    if fault == "503 for good":
        pausing.script = Script(script.pauses(1).steps[:1]).then(BREAKING[fault])
        with pytest.raises(openai.InternalServerError, match="only target failed"):
            await complete(client, **search(kind))
        return
    assert (await complete(client, **search(f"folded-{kind}")))[0] == piece
    assert len(pausing.requests) == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_of_the_same_dialect_is_told_of_the_pause_itself(world, stream):
    world.beta.script = script.pauses(1)
    tool = {"type": "web_search_20250305", "name": "web_search"}
    body = {"model": "claude", "messages": HELLO, "max_tokens": 100, "tools": [tool], "stream": stream}
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        answer = await client.post(world.url + "/messages", json=body)
    assert '"pause_turn"' in answer.text and len(world.beta.requests) == 1
