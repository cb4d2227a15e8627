"""The real openai SDK, unmodified, before a proxy whose primary fails in every way.

Each kind of request is made under each fault, by the synchronous and the asynchronous client, with the SDK's own
retries off and on. Whatever the primary does before the first content, the client sees a good answer from the second
provider, which speaks another dialect.
"""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from proxy.drill import script

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name", "age"],
            "additionalProperties": False,
        },
    },
}

BEFORE_COMMIT = {
    "healthy": (script.ok(), None),
    "refusing": (script.refuse(), "connect"),
    "429": (script.status(429, retry_after=30), "throttled"),
    "401": (script.status(401), "auth"),
    "out of quota": (script.status(429, "insufficient_quota"), "quota"),
    "503": (script.status(503), "server"),
    "529 in the stream": (script.overloaded_event(), "overloaded"),
    "silent": (script.silence(), "timeout"),
    "cut before headers": (script.cut_before_headers(), "protocol"),
    "cut before the commit": (script.cut_before_commit(), "protocol"),
    "html": (script.html(200), "protocol"),
    "half a json": (script.half_json(), "protocol"),
}
AFTER_COMMIT = {
    "cut": script.cut(after=2),
    "cut in an event": script.cut(after=2, in_event=True),
    "truncated cleanly": script.truncated(after=2),
    "stalled": script.stall(after=2),
}


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@dataclass(frozen=True)
class Kind:
    """One kind of request, and what a good answer to it looks like."""

    name: str
    body: dict[str, Any]

    def check(self, message: Any) -> None:
        match self.name:
            case "unary" | "stream":
                assert message.content.endswith("hello there")
            case "tools":
                (call,) = message.tool_calls
                assert (call.function.name, "city" in call.function.arguments) == ("get_weather", True)
            case "parallel":
                assert [call.function.name for call in message.tool_calls] == ["get_weather", "get_time"]
                assert len({call.id for call in message.tool_calls}) == 2
            case "results":
                assert "1 tool result" in message.content
            case "image":
                assert "1 image" in message.content
            case "schema":
                assert '"age"' in message.content


HISTORY = [
    *said("what is the weather?"),
    {
        "role": "assistant",
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
]
IMAGE = [
    {"type": "text", "text": "what is this?"},
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
]
KINDS = [
    Kind("unary", {"messages": said("hello there")}),
    Kind("stream", {"messages": said("hello there"), "stream": True}),
    Kind("tools", {"messages": said("weather?"), "tools": [WEATHER]}),
    Kind("parallel", {"messages": said("do it in parallel"), "tools": [WEATHER, CLOCK], "stream": True}),
    Kind("results", {"messages": HISTORY, "tools": [WEATHER]}),
    Kind("image", {"messages": [{"role": "user", "content": IMAGE}]}),
    Kind("schema", {"messages": said("a person"), "response_format": SCHEMA}),
]


@pytest.fixture(params=["sync", "async"])
def ask(request, world):
    """`await ask(body, max_retries)`: the answer's message and the headers that came with it."""

    def asked_sync(body, max_retries):
        with openai.OpenAI(base_url=world.url, api_key="unused", max_retries=max_retries, timeout=15) as client:
            raw = client.chat.completions.with_raw_response.create(model="duo", **body)
            if not body.get("stream"):
                return raw.parse().choices[0].message, raw.headers
            return folded(list(raw.parse())), raw.headers

    async def asked_async(body, max_retries):
        async with openai.AsyncOpenAI(
            base_url=world.url, api_key="unused", max_retries=max_retries, timeout=15
        ) as client:
            raw = await client.chat.completions.with_raw_response.create(model="duo", **body)
            if not body.get("stream"):
                return raw.parse().choices[0].message, raw.headers
            return folded([chunk async for chunk in raw.parse()]), raw.headers

    async def asked(body, max_retries):
        if request.param == "async":
            return await asked_async(body, max_retries)
        return await asyncio.to_thread(asked_sync, body, max_retries)

    return asked


def folded(chunks) -> Any:
    """The message of a streamed answer, put together by the SDK's own accumulator."""
    from openai.lib.streaming.chat import ChatCompletionStreamState

    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    return state.get_final_completion().choices[0].message


@pytest.mark.parametrize("max_retries", [0, 2])
@pytest.mark.parametrize("fault", BEFORE_COMMIT)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_fault_before_the_first_content_costs_the_client_nothing(world, ask, kind, fault, max_retries):
    """Served by the second provider in the client's own dialect, and the answer says why."""
    world.alpha.script, expected = BEFORE_COMMIT[fault]
    message, headers = await ask(kind.body, max_retries)
    kind.check(message)
    served = "alpha" if expected is None else "beta"
    assert headers["x-sidestep-provider"] == served
    told = [one.split(";")[:2] for one in headers["x-sidestep-attempts"].split(", ")]
    assert told[-1][1] == "ok"
    if expected is not None:
        assert {one[1] for one in told[:-1]} <= {expected} and len(told) > 1
    assert sum(world.calls().values()) <= 6


@pytest.mark.parametrize("max_retries", [0, 2])
@pytest.mark.parametrize("fault", AFTER_COMMIT)
async def test_an_answer_broken_after_its_first_content_is_an_error_never_a_short_answer(
    world, ask, fault, max_retries
):
    world.alpha.script = AFTER_COMMIT[fault]
    with pytest.raises(openai.APIError):
        await ask({"messages": said("a long story please, if you can"), "stream": True}, max_retries)
    assert world.calls()["beta"] == 0, "after the commit nothing is retried behind the client's back"


async def test_an_error_event_right_behind_the_content_fails_over_while_nothing_was_sent(world, ask):
    """Content and error in one read: the client has seen nothing of it, and gets the whole answer from elsewhere."""
    world.alpha.script = script.overloaded_event(after=2)
    message, headers = await ask({"messages": said("hello there"), "stream": True}, 0)
    assert message.content == "demo answer from beta: hello there"
    assert headers["x-sidestep-attempts"].startswith("alpha/demo-large;overloaded;200")


@pytest.mark.parametrize("max_retries", [0, 2])
@pytest.mark.parametrize(("status", "code"), [(503, "all_targets_failed"), (429, "rate_limit_exceeded")])
async def test_when_all_fail_the_sdk_causes_at_most_six_upstream_calls(world, ask, status, code, max_retries):
    world.alpha.script = world.beta.script = script.status(status)
    with pytest.raises(openai.APIStatusError) as raised:
        await ask({"messages": said("hello")}, max_retries)
    assert sum(world.calls().values()) <= 6
    error = raised.value.body
    assert error["code"] == code
    assert "alpha/demo-large" in error["message"] and "beta/demo-claude" in error["message"]
    assert {one["target"] for one in error["sidestep"]["attempts"]} == {"alpha/demo-large", "beta/demo-claude"}
    assert raised.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("fault", ["healthy", "refusing", "429", "401", "out of quota", "503", "silent", "half a json"])
@pytest.mark.parametrize("encoding", [None, "float", "base64"])
async def test_embeddings_fail_over_inside_one_vector_space(world, fault, encoding):
    world.alpha.script, expected = BEFORE_COMMIT[fault]
    async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0) as client:
        more = {} if encoding is None else {"encoding_format": encoding}
        raw = await client.embeddings.with_raw_response.create(model="vectors", input=["one", "two"], **more)
    vectors = [item.embedding for item in raw.parse().data]
    if encoding == "base64":
        import base64

        vectors = [list(struct.unpack(f"<{len(b) // 4}f", b)) for b in map(base64.b64decode, vectors)]
    assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1]) > 1
    assert raw.headers["x-sidestep-provider"] == ("alpha" if expected is None else "gamma")
    assert world.calls()["beta"] == 0


async def test_a_models_entry_never_serves_embeddings_from_another_model(world):
    world.alpha.script = script.status(503)
    async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0) as client:
        with pytest.raises(openai.APIStatusError):
            await client.embeddings.create(model="duo", input="one")
    assert world.calls()["beta"] == world.calls()["gamma"] == 0


async def test_usage_of_a_stream_comes_when_asked_for_and_only_then(world, ask):
    for served in ("alpha", "beta"):
        if served == "beta":
            world.alpha.script = script.status(503)
        async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0) as client:
            for options in ({}, {"stream_options": {"include_usage": True}}):
                stream = await client.chat.completions.create(
                    model="duo", messages=said("hello"), stream=True, **options
                )
                chunks = [chunk async for chunk in stream]
                usages = [chunk.usage for chunk in chunks if chunk.usage]
                assert bool(usages) == bool(options), served
                if usages:
                    assert usages[-1].total_tokens == usages[-1].prompt_tokens + usages[-1].completion_tokens > 0


async def test_models_are_listed_and_found(world):
    async with openai.AsyncOpenAI(base_url=world.url, api_key="unused", max_retries=0) as client:
        listed = [model.id async for model in client.models.list()]
        assert {"duo", "vectors"} <= set(listed)
        assert (await client.models.retrieve("duo")).id == "duo"
        with pytest.raises(openai.NotFoundError) as raised:
            await client.models.retrieve("nobody")
    assert raised.value.code == "model_not_found"
