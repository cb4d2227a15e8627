"""What is kept of an answer's turn and put into the next request, for every way an answer can take."""

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from proxy.opaque import MemoryStore, Past
from translators.catalog import codec
from translators.codec import Context
from translators.ir import Dialect, Event
from translators.profile import Profile

CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
RESPONSES, GEMINI = Dialect.OPENAI_RESPONSES, Dialect.GEMINI
CONTEXT = Context(id="chatcmpl-1", created=7, model="large")
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "yes"}
USER = {"role": "user", "content": "?"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def target(name: str, dialect: Dialect = CHAT, **profile) -> Target:
    return Target(
        Provider(name, dialect, f"https://{name}.test"),
        "large",
        Profile(provider=name, model="large", **profile),
        BreakerSettings(),
        RetrySettings(),
        TimeoutSettings(),
    )


DEEP = target("deep", reasoning_replay=True)
CLAUDE = target("claude", MESSAGES)
SONNET = target("sonnet", MESSAGES)
OPEN = target("open", RESPONSES)
LYRA = target("lyra", GEMINI)
VEGA = target("vega", GEMINI)
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
USE = {"type": "tool_use", "id": "c1", "name": "f", "input": {}}


@pytest.fixture
def store():
    return MemoryStore(lambda: 0.0, b"s" * 32)


@pytest.fixture
def job(store):
    """`job(client, **fields)`: the job of one client's request, what is kept being looked up."""

    async def make(client=CHAT, *, owner="ann", **fields):
        body = {"model": "m", "messages": [USER], "tools": [FUNCTION], **fields}
        stream = bool(fields.get("stream"))
        made = ChatJob(codec(client), body, stream=stream, usage=False, bound=None, past=Past(store, owner))
        await made.recall()
        return made

    return make


def chat_answer(**said):
    message = {"role": "assistant", "content": None, "tool_calls": [CALL], **said}
    return orjson.dumps({"id": "i", "model": "l", "choices": [{"message": message, "finish_reason": "tool_calls"}]})


def claude_answer(*blocks):
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "l", "stop_reason": "tool_use"}
    return orjson.dumps(head | {"content": [*blocks, USE], "usage": {"input_tokens": 1, "output_tokens": 1}})


def claude_events(*blocks):
    head = {"id": "m1", "type": "message", "role": "assistant", "model": "l", "usage": {"input_tokens": 1}}
    told = [{"type": "message_start", "message": head}]
    for index, block in enumerate([*blocks, USE]):
        told.append({"type": "content_block_start", "index": index, "content_block": block})
        told.append({"type": "content_block_stop", "index": index})
    told.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}})
    return [Event(orjson.dumps(one), one["type"]) for one in [*told, {"type": "message_stop"}]]


def flow(pipe, events):
    for event in events:
        pipe.feed(event)
    pipe.close()


ECHO = [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT]


def sent(prepared):
    return orjson.loads(prepared.body)["messages"]


async def test_reasoning_text_that_a_client_drops_goes_back_to_its_model(job):
    (await job()).answer(chat_answer(reasoning_content="Hm."), DEEP, CONTEXT)
    again = await job(messages=ECHO)
    assert sent(again.prepare(DEEP))[1]["reasoning_content"] == "Hm."
    other = target("shoal", reasoning_replay=True)
    assert sent(again.prepare(other))[1]["reasoning_content"] == ""
    assert "reasoning_content" not in sent(again.prepare(target("plain")))[1]


async def test_a_relayed_stream_is_kept_as_well(job):
    deltas = [{"reasoning_content": "H"}, {"reasoning_content": "m."}, {"tool_calls": [{"index": 0, **CALL}]}]
    chunks = [{"id": "i", "model": "l", "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"id": "i", "model": "l", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    events = [*(Event(orjson.dumps(chunk)) for chunk in chunks), Event(b"[DONE]")]
    flow((await job(stream=True)).pipe(DEEP, CONTEXT), events)
    assert sent((await job(messages=ECHO)).prepare(DEEP))[1]["reasoning_content"] == "Hm."


@pytest.mark.parametrize("way", ["whole", "stream", "folded"])
async def test_signed_thinking_that_a_client_drops_goes_back_to_its_model(job, way):
    first = await job()
    if way == "whole":
        first.answer(claude_answer(THOUGHT), CLAUDE, CONTEXT)
    else:
        pipe = first.pipe(CLAUDE, CONTEXT) if way == "stream" else first.folding(CLAUDE, CONTEXT, 10_000)
        flow(pipe, claude_events(THOUGHT))
    again = await job(messages=ECHO)
    assert sent(again.prepare(CLAUDE))[1]["content"] == [THOUGHT, USE]
    assert sent(again.prepare(SONNET))[1]["content"] == [USE]


async def test_two_thinking_blocks_and_a_redacted_one_keep_their_order_around_the_text(job):
    blocks = [
        THOUGHT,
        {"type": "text", "text": "One. "},
        {"type": "thinking", "thinking": "", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Two."},
    ]
    (await job()).answer(claude_answer(*blocks), CLAUDE, CONTEXT)
    echo = [USER, {"role": "assistant", "content": "One. Two.", "tool_calls": [CALL]}, RESULT]
    assert sent((await job(messages=echo)).prepare(CLAUDE))[1]["content"] == [*blocks, USE]


async def test_an_anthropic_clients_thinking_stays_with_the_provider_that_signed_it(job):
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    history = [
        USER,
        {"role": "assistant", "content": [THOUGHT, USE]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "yes"}]},
    ]
    (await job(MESSAGES, tools=tools, max_tokens=9)).answer(claude_answer(THOUGHT), CLAUDE, CONTEXT)
    again = await job(MESSAGES, tools=tools, max_tokens=9, messages=history)
    kept, moved = again.prepare(CLAUDE), again.prepare(SONNET)
    assert (sent(kept)[1]["content"], kept.report.header()) == ([THOUGHT, USE], "")
    assert (sent(moved)[1]["content"], moved.report.header()) == ([USE], "dropped=messages.1.content.0")
    assert again.loop_origin() == CLAUDE.profile.origin(MESSAGES)


async def test_what_the_relay_tells_of_a_removal_is_not_told_twice(job):
    """The first signature is known to be another's by what was kept, the second by its mark."""
    call = {"functionCall": {"id": "abcd1234", "name": "f", "args": {}}, "thoughtSignature": "c2ln"}
    result = {"functionResponse": {"id": "abcd1234", "name": "f", "response": {}}}
    answered = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}], "responseId": "r1"}
    first = await job(GEMINI, contents=[{"role": "user", "parts": [{"text": "?"}]}], tools=[])
    told = orjson.loads(first.answer(orjson.dumps(answered), LYRA, CONTEXT).body)
    marked = told["candidates"][0]["content"]["parts"][0]
    history = [
        {"role": role, "parts": [part]}
        for role, part in [
            ("user", {"text": "?"}),
            ("model", call),
            ("user", result),
            ("model", marked),
            ("user", result),
        ]
    ]
    moved = (await job(GEMINI, contents=history, tools=[])).prepare(VEGA)
    assert "c2ln" not in moved.body.decode()
    assert [entry.field for entry in moved.report.entries] == ["contents.thoughtSignature"]


async def test_another_client_finds_nothing(job):
    (await job()).answer(chat_answer(reasoning_content="Hm."), DEEP, CONTEXT)
    again = await job(messages=ECHO, owner="bob")
    assert sent(again.prepare(DEEP))[1]["reasoning_content"] == ""


async def test_a_loop_is_bound_to_where_its_calls_came_from_until_it_ends(job):
    (await job()).answer(claude_answer(THOUGHT), CLAUDE, CONTEXT)
    assert (await job(messages=ECHO)).loop_origin() == CLAUDE.profile.origin(MESSAGES)
    assert (await job(messages=[*ECHO, USER])).loop_origin() == ""
    assert (await job()).loop_origin() == ""


async def test_a_body_that_cannot_be_read_is_bound_to_nothing_and_may_still_be_relayed(job):
    (await job()).answer(chat_answer(reasoning_content="Hm."), DEEP, CONTEXT)
    odd = [{"role": "assistant", "content": 7, "reasoning_details": []}, *ECHO[1:]]
    broken = await job(messages=odd)
    assert broken.loop_origin() == ""
    assert sent(broken.prepare(target("plain")))[0]["content"] == 7


async def test_a_repair_is_another_body_or_none(job):
    (await job()).answer(claude_answer(THOUGHT), CLAUDE, CONTEXT)
    again = await job(messages=ECHO)
    prepared = again.prepare(CLAUDE)
    mended = again.repaired(CLAUDE, prepared, "reasoning")
    assert sent(mended)[1]["content"] == [USE]
    assert again.repaired(CLAUDE, mended, "reasoning") is None
    assert again.repaired(CLAUDE, prepared, "") is None


async def test_a_relayed_body_is_mended_as_well(job):
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    asked = await job(
        MESSAGES, tools=tools, max_tokens=9, messages=[USER, {"role": "assistant", "content": [THOUGHT, USE]}]
    )
    prepared = asked.prepare(CLAUDE)
    mended = asked.repaired(CLAUDE, prepared, "reasoning")
    assert sent(mended)[1]["content"] == [USE]
    assert [entry.field for entry in mended.report.entries] == ["reasoning"]
    assert asked.repaired(CLAUDE, mended, "reasoning") is None


async def test_a_summary_that_is_not_shown_is_not_asked_for_again(job):
    """Nor is anything else left out, and the client that asked for it in its own words reads of it in those."""
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    thinking = {"type": "adaptive", "display": "summarized"}
    asked = await job(MESSAGES, tools=tools, max_tokens=99, thinking=thinking, output_config={"effort": "low"})
    prepared = asked.prepare(OPEN)
    assert orjson.loads(prepared.body)["reasoning"] == {"effort": "low", "summary": "auto"}
    mended = asked.repaired(OPEN, prepared, "summary")
    assert orjson.loads(mended.body) == {**orjson.loads(prepared.body), "reasoning": {"effort": "low"}}
    assert mended.report.entries[-1].verdict == "dropped"
    assert asked.repaired(OPEN, mended, "summary") is None


async def test_who_asked_for_a_summary_itself_is_told_that_there_is_none(job):
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    asked = await job(RESPONSES, messages=None, input=[USER, thought], reasoning={"summary": "auto"})
    assert asked.repaired(OPEN, asked.prepare(OPEN), "summary") is None


async def test_an_answer_without_anything_bound_is_not_read_twice(job, monkeypatch):
    first = await job()
    monkeypatch.setattr("translators.openai_chat.parse_reply", None)
    first.answer(chat_answer(), DEEP, CONTEXT)


async def test_a_report_names_the_clients_own_messages_although_more_was_put_back(job):
    (await job()).answer(claude_answer(THOUGHT), CLAUDE, CONTEXT)
    picture = {"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA"}}
    again = await job(messages=[*ECHO, {"role": "user", "content": [picture]}])
    prepared = again.prepare(CLAUDE)
    assert sent(prepared)[1]["content"] == [THOUGHT, USE]
    refused = [entry.field for entry in prepared.report.entries if entry.verdict == "refused"]
    assert refused == ["messages[3].content[0]"]


async def test_what_is_noted_of_a_relayed_responses_body_has_the_place_that_its_client_gave_it(job):
    """Reasoning that is put back stands before the picture that this model cannot be shown."""
    eyeless = target("open", RESPONSES, images=False)
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    answered = {"id": "r", "model": "l", "status": "completed", "output": [thought, {**call, "id": "fc_1"}]}
    (await job(RESPONSES, tools=[], messages=None, input="?")).answer(orjson.dumps(answered), OPEN, CONTEXT)
    picture = {"type": "input_image", "image_url": "data:image/png;base64,iVBO"}
    result = {"type": "function_call_output", "call_id": "c1", "output": [picture]}
    prepared = (await job(RESPONSES, tools=[], messages=None, input=[USER, call, result])).prepare(eyeless)
    assert [item.get("type") for item in prepared.fields["input"]] == [
        None,
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    assert prepared.report.header() == "dropped=input[2].output[0].input_image"
