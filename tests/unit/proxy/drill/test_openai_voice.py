"""The OpenAI dialect of a scripted provider is taken by the real openai SDK, and refuses what a server would."""

import json
from contextlib import asynccontextmanager

import openai
import pytest

from proxy.drill import openai_voice
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import cut, ok, overloaded_event, status
from translators.ir import Dialect

USER = {"role": "user", "content": "how are you"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}


@asynccontextmanager
async def sdk(script=None):
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, script) as provider,
        openai.AsyncOpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client,
    ):
        yield client


async def say(script=None, *, messages=(USER,), **more):
    async with sdk(script) as client:
        return await client.chat.completions.create(model="m", messages=list(messages), **more)


async def test_a_unary_answer_is_a_chat_completion():
    answer = await say()
    assert answer.choices[0].message.content == "demo answer from alpha: how are you"
    assert (answer.model, answer.choices[0].finish_reason) == ("m", "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 3 + 9


async def test_a_stream_adds_up_to_the_unary_answer():
    whole = await say()
    async with (
        sdk() as client,
        client.chat.completions.stream(model="m", messages=[USER], stream_options={"include_usage": True}) as stream,
    ):
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.usage == whole.usage


async def test_streamed_tool_calls_add_up_to_the_unary_ones():
    asked = {"messages": [{"role": "user", "content": "both in parallel"}], "tools": [WEATHER, CLOCK]}
    whole = await say(**asked)
    assert whole.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in whole.choices[0].message.tool_calls] == ["weather", "clock"]
    async with sdk() as client, client.chat.completions.stream(model="m", **asked) as stream:
        final = await stream.get_final_completion()
    told = [[(c.function.name, c.function.arguments) for c in a.choices[0].message.tool_calls] for a in (whole, final)]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ("required", "weather"),
        ({"type": "function", "function": {"name": "clock"}}, "clock"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [CLOCK]}}, "clock"),
    ],
    ids=str,
)
async def test_the_tool_choice_is_obeyed(choice, called):
    calls = (await say(tools=[WEATHER, CLOCK], tool_choice=choice)).choices[0].message.tool_calls
    assert (calls[0].function.name if calls else None) == called


@pytest.mark.parametrize("stream", [False, True])
async def test_a_custom_tool_is_called_with_text(stream):
    answer = await say(tools=[{"type": "custom", "custom": {"name": "shell"}}], stream=stream)
    if not stream:
        assert answer.choices[0].message.tool_calls[0].custom.input == "demo input"


async def test_a_whole_tool_turn_ends_in_text():
    first = await say(tools=[WEATHER])
    call = first.choices[0].message.tool_calls[0]
    turn = [USER, first.choices[0].message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = await say(messages=turn, tools=[WEATHER])
    assert answer.choices[0].message.content.endswith("I have 1 tool result.")


async def test_a_json_schema_is_answered_by_an_instance():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 4}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads((await say(response_format=form)).choices[0].message.content) == {"n": 4}
    assert json.loads((await say(response_format={"type": "json_object"})).choices[0].message.content) == {}


async def test_images_are_counted_by_kind():
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}},
    ]
    answer = await say(messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content.endswith("I see 2 images (image/png, url).")


async def test_reasoning_is_counted_and_shown_only_by_script():
    hidden = await say(reasoning_effort="low")
    assert hidden.usage.completion_tokens_details.reasoning_tokens > 0
    assert not hasattr(hidden.choices[0].message, "reasoning_content")
    shown = await say(ok(reasoning=True))
    assert shown.choices[0].message.reasoning_content


async def test_several_choices_come_when_asked_for():
    assert [choice.index for choice in (await say(n=3)).choices] == [0, 1, 2]
    async with sdk() as client, client.chat.completions.stream(model="m", messages=[USER], n=2) as stream:
        assert len((await stream.get_final_completion()).choices) == 2


async def test_the_output_bound_ends_an_answer_with_length():
    answer = await say(max_completion_tokens=2)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("demo ans", "length")
    assert answer.usage.completion_tokens == 2


async def test_embeddings_and_models_are_taken():
    async with sdk() as client:
        embedded = await client.embeddings.create(model="e", input=["a", "b"], dimensions=4)
        assert [len(one.embedding) for one in embedded.data] == [4, 4]
        assert [model.id async for model in client.models.list()] == ["demo-large", "demo-embed"]
        assert (await client.models.retrieve("demo-large")).owned_by == "demo"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (status(429), openai.RateLimitError),
        (status(401), openai.AuthenticationError),
        (status(403), openai.PermissionDeniedError),
        (status(404), openai.NotFoundError),
        (status(503), openai.InternalServerError),
    ],
    ids=str,
)
async def test_errors_are_the_sdks_own(script, error):
    with pytest.raises(error) as raised:
        await say(script)
    assert raised.value.type


@pytest.mark.parametrize(
    ("script", "error"), [(overloaded_event(1), openai.APIError), (cut(1), openai.APIConnectionError)], ids=str
)
async def test_a_broken_stream_raises(script, error):
    async with sdk(script) as client:
        stream = await client.chat.completions.create(model="m", messages=[USER], stream=True)
        with pytest.raises(error):
            [chunk async for chunk in stream]


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "tool", "tool_call_id": "x", "content": "y"}], "must be a response to a preceding message"),
        ([{"role": "assistant", "tool_calls": [{"id": "x"}]}, USER], "must be followed by tool messages"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "x"}]}], "must be followed by tool messages"),
        ([], "empty array"),
    ],
)
def test_tool_messages_without_their_partner_are_refused(messages, said):
    assert said in str(openai_voice.hear({"model": "m", "messages": messages}, "", "alpha", "k"))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"thinking_blocks": [{"signature": "sig-beta"}]}, "messages[1].thinking_blocks"),
        (
            {"tool_calls": [{"id": "a", "type": "function", "function": {}, "extra_content": {}}]},
            "messages[1].tool_calls.extra_content",
        ),
    ],
    ids=["message", "call"],
)
async def test_what_others_bind_to_an_assistants_message_is_refused_by_name(said, named):
    kept = {"role": "assistant", "content": "so", **said}
    with pytest.raises(openai.BadRequestError) as caught:
        await say(messages=[USER, kept, USER])
    assert f"Unknown parameter: '{named}'" in str(caught.value)
    answer = await say(messages=[USER, {"role": "assistant", "content": "so", "reasoning_content": "hm"}, USER])
    assert answer.choices


@pytest.mark.parametrize("obfuscated", [True, False])
async def test_words_are_padded_where_the_script_says_so(obfuscated):
    stream = await say(ok(obfuscated=obfuscated), stream=True)
    padded = [getattr(chunk, "obfuscation", None) async for chunk in stream if chunk.choices[0].delta.content]

    assert len(set(padded)) == (len(padded) if obfuscated else 1)
    assert all(text.isalnum() if obfuscated else text is None for text in padded)
