"""The Anthropic dialect of a scripted provider is taken by the real anthropic SDK, and refuses what a server would."""

import json
from contextlib import asynccontextmanager

import anthropic
import httpx2
import pytest

from proxy.drill import anthropic_voice
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import cut, overloaded_event, status
from translators.ir import Dialect

USER = {"role": "user", "content": "how are you"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "input_schema": SCHEMA}
CLOCK = {"name": "clock", "input_schema": {"type": "object"}}


@asynccontextmanager
async def sdk(script=None):
    async with (
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, script) as provider,
        anthropic.AsyncAnthropic(base_url=provider.url, api_key="k", max_retries=0) as client,
    ):
        yield client


async def say(script=None, *, messages=(USER,), max_tokens=500, **more):
    async with sdk(script) as client:
        return await client.messages.create(model="m", messages=list(messages), max_tokens=max_tokens, **more)


async def fold(*, messages=(USER,), max_tokens=500, **more):
    """The SDK's own sum of the streamed answer."""
    async with (
        sdk() as client,
        client.messages.stream(model="m", messages=list(messages), max_tokens=max_tokens, **more) as stream,
    ):
        return await stream.get_final_message()


ASKED = [
    {},
    {"messages": ({"role": "user", "content": "both in parallel"},), "tools": [WEATHER, CLOCK]},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"thinking": {"type": "adaptive"}},
    {"thinking": {"type": "adaptive", "display": "summarized"}, "tools": [WEATHER]},
    {"max_tokens": 2},
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_a_stream_adds_up_to_the_unary_answer(asked):
    whole, folded = await say(**asked), await fold(**asked)
    unlike = {"id", "parsed_output"}
    assert [block.model_dump(exclude=unlike) for block in folded.content] == [
        block.model_dump(exclude=unlike) for block in whole.content
    ]
    assert folded.stop_reason == whole.stop_reason
    assert (folded.usage.input_tokens, folded.usage.output_tokens) == (
        whole.usage.input_tokens,
        whole.usage.output_tokens,
    )


async def test_a_unary_answer_is_a_message():
    answer = await say(system=[{"type": "text", "text": "be good"}])
    assert (answer.content[0].text, answer.stop_reason) == ("demo answer from beta: how are you", "end_turn")
    assert answer.usage.input_tokens == 5, "18 bytes of text by 4"


async def test_thinking_is_signed_by_its_maker():
    block = (await say(thinking={"type": "adaptive"})).content[0]
    assert (block.type, block.thinking, block.signature) == ("thinking", "", "sig-beta")


@pytest.mark.parametrize(
    ("choice", "called"),
    [({"type": "none"}, None), ({"type": "any"}, "weather"), ({"type": "tool", "name": "clock"}, "clock")],
    ids=str,
)
async def test_the_tool_choice_is_obeyed(choice, called):
    last = (await say(tools=[WEATHER, CLOCK], tool_choice=choice)).content[-1]
    assert (last.name if last.type == "tool_use" else None) == called


async def test_parallel_calls_can_be_disabled():
    asked = {"messages": [{"role": "user", "content": "parallel"}], "tools": [WEATHER, CLOCK]}
    answer = await say(**asked, tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert [block.type for block in answer.content] == ["tool_use"]


async def test_a_whole_tool_turn_with_thinking_ends_in_text():
    first = await say(tools=[WEATHER], thinking={"type": "adaptive"})
    call = first.content[-1]
    turn = [
        USER,
        {"role": "assistant", "content": [block.model_dump() for block in first.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
    ]
    answer = await say(messages=turn, tools=[WEATHER])
    assert (call.input, first.stop_reason) == ({"city": "demo"}, "tool_use")
    assert answer.content[0].text.endswith("I have 1 tool result.")


async def test_a_json_schema_is_answered_by_an_instance():
    form = {"format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}}
    assert json.loads((await say(output_config=form)).content[0].text) == {"city": "demo"}


async def test_images_are_counted_by_kind():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": "AAAA"}}
    answer = await say(messages=[{"role": "user", "content": [image, {"type": "text", "text": "look"}]}])
    assert answer.content[0].text.endswith("I see 1 image (image/webp).")


async def test_models_are_listed():
    async with sdk() as client:
        assert [model.id async for model in client.models.list()] == ["demo-large"]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (status(429), anthropic.RateLimitError),
        (status(401), anthropic.AuthenticationError),
        (status(529), anthropic.InternalServerError),
        (overloaded_event(), anthropic.APIStatusError),
    ],
    ids=str,
)
async def test_errors_are_the_sdks_own(script, error):
    with pytest.raises(error):
        await say(script)


@pytest.mark.parametrize(
    ("script", "error"),
    [(overloaded_event(1), anthropic.APIStatusError), (cut(1), httpx2.RemoteProtocolError)],
    ids=str,
)
async def test_a_broken_stream_raises(script, error):
    async with sdk(script) as client:
        with pytest.raises(error):
            async with client.messages.stream(model="m", messages=[USER], max_tokens=9) as stream:
                await stream.get_final_message()


def refusal(*, version="2023-06-01", **more):
    body = {"model": "m", "max_tokens": 9, "messages": [USER], **more}
    return str(anthropic_voice.hear(body, version, "beta", "k"))


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "y"}]}
FOREIGN = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "sig-alpha"}]}
REDACTED = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "sig-alpha"}]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"version": ""}, "anthropic-version"),
        ({"model": None}, "model: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"messages": []}, "at least one message"),
        ({"version": "2026-10-21", "temperature": 1}, "temperature: Extra inputs are not permitted"),
        ({"messages": [USER, CALL]}, "without `tool_result`"),
        ({"messages": [USER, CALL, USER, RESULT]}, "without `tool_result`"),
        ({"messages": [RESULT]}, "unexpected `tool_use_id`"),
        ({"messages": [{"role": "user", "content": " "}]}, "non-empty content"),
        ({"messages": [USER, FOREIGN, USER]}, "Invalid `signature`"),
        ({"messages": [USER, REDACTED, USER]}, "Invalid `data`"),
    ],
    ids=str,
)
def test_what_a_server_would_refuse_is_refused(more, said):
    assert said in refusal(**more)


def test_sampling_is_taken_under_the_older_version():
    assert not isinstance(
        anthropic_voice.hear(
            {"model": "m", "max_tokens": 9, "messages": [USER], "temperature": 0.5}, "2023-06-01", "b", "k"
        ),
        str,
    )
