"""Responses of a scripted provider are taken by the real openai SDK, whole and from their stream."""

from contextlib import asynccontextmanager

import openai
import orjson
import pytest

from proxy.drill import responses_voice
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import overloaded_event
from proxy.drill.speech import Question, Tool, speak
from translators.ir import Dialect

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
CLOCK = {"type": "function", "name": "clock", "parameters": {}, "strict": False}
FREE = {"type": "custom", "name": "free"}


@asynccontextmanager
async def sdk(script=None, dialect=Dialect.OPENAI_RESPONSES):
    async with (
        ScriptedProvider("epsilon", dialect, script) as provider,
        openai.AsyncOpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client,
    ):
        yield client


async def say(**more):
    async with sdk() as client:
        return await client.responses.create(model="m", **{"input": "how are you", **more})


async def told(**more):
    async with sdk() as client:
        stream = await client.responses.create(model="m", stream=True, **{"input": "how are you", **more})
        return [event async for event in stream]


ASKED = [
    {},
    {"input": "both in parallel", "tools": [WEATHER, CLOCK]},
    {"tools": [FREE]},
    {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    {"reasoning": {"effort": "low"}, "tools": [WEATHER]},
    {"input": "a very long story, as long as you can, please, and more", "max_output_tokens": 16},
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_a_stream_adds_up_to_the_unary_answer(asked):
    whole, events = await say(**asked), await told(**asked)
    last = events[-1].response
    unlike = {"id", "call_id"}
    assert [item.model_dump(exclude=unlike) for item in last.output] == [
        item.model_dump(exclude=unlike) for item in whole.output
    ]
    assert (last.status, last.usage) == (whole.status, whole.usage)
    assert [event.item for event in events if event.type == "response.output_item.done"] == last.output
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == last.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_every_item_is_told_from_its_beginning_to_its_end():
    names = [event.type.removeprefix("response.") for event in await told(**ASKED[3])]
    assert [one for one in dict.fromkeys(names) if "delta" not in one] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "content_part.added",
        "output_text.done",
        "content_part.done",
        "completed",
    ]


async def test_reasoning_is_sealed_by_its_maker_and_only_where_asked_for():
    assert (await say(**ASKED[3])).output[0].encrypted_content == "enc-epsilon"
    hidden = (await say(**ASKED[4])).output[0]
    assert (hidden.type, hidden.summary, hidden.encrypted_content) == ("reasoning", [], None)


async def test_arguments_come_in_pieces_that_add_up():
    events = await told(**ASKED[1])
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    done = [event.arguments for event in events if event.type == "response.function_call_arguments.done"]
    assert "".join(pieces) == "".join(done) == '{"city":"demo"}{}'


async def test_a_cut_answer_says_so():
    cut = await say(**ASKED[5])
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (cut.output[0].status, cut.usage.output_tokens) == ("incomplete", 16)


async def test_an_error_within_a_stream_is_flat_in_its_event():
    async with sdk(overloaded_event(after=1)) as client:
        told = [event async for event in await client.responses.create(model="m", input="x y", stream=True)]
    assert (told[-1].type, told[-1].code) == ("error", "server_is_overloaded")


async def test_a_chat_server_has_responses_too():
    async with sdk(dialect=Dialect.OPENAI_CHAT) as client:
        assert (await client.responses.create(model="m", input="x")).output_text.endswith("x")


def test_ids_begin_as_their_kind_demands():
    free = Question("k", "e", "m", stream=False, text="x", heard=1, tools=(Tool("f", {}, custom=True),))
    (item,) = orjson.loads(responses_voice.body(free, speak(free)))["output"]
    assert (item["type"], item["id"][:4], item["call_id"][:5]) == ("custom_tool_call", "ctc_", "call_")
