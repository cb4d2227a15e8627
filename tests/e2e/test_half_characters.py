"""Half a surrogate pair, which is JSON to some and none to others: no client and no provider can break the proxy by it.

It comes as an escape (`\\ud83d`), in a client's body or in a provider's answer, in a text that the proxy reads or in a
field that it only passes, whole or streamed. Whatever the client's dialect, it is an error in that dialect's shape.
"""

import anthropic
import openai
import pytest

from tests.e2e.canned import DIALECTS, UNTIL_READ, canned, events_of

HALF = b"a\\ud83d"
SAID = {
    "chat": b'{"model":"%m","messages":[{"role":"user","content":"%h"}]}',
    "responses": b'{"model":"%m","input":"%h"}',
    "messages": b'{"model":"%m","max_tokens":9,"messages":[{"role":"user","content":"%h"}]}',
    "completions": b'{"model":"%m","prompt":"%h"}',
}
PASSED = {
    "chat": b'{"model":"%m","messages":[{"role":"user","content":"a"}],"novel":{"x":"%h"}}',
    "responses": b'{"model":"%m","input":"a","metadata":{"x":"%h"}}',
    "messages": b'{"model":"%m","max_tokens":9,"messages":[{"role":"user","content":"a"}],"metadata":{"user_id":"%h"}}',
    "completions": b'{"model":"%m","prompt":"a","novel":["%h"]}',
    "embeddings": b'{"model":"%m","input":["%h"]}',
    "messages/count_tokens": b'{"model":"%m","messages":[{"role":"user","content":"%h"}]}',
}
WHOLE = {
    "chat": b'{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"%h"},'
    b'"finish_reason":"stop"}]}',
    "responses": b'{"id":"r","object":"response","model":"m","status":"completed","output":[{"type":"message",'
    b'"id":"x","role":"assistant","content":[{"type":"output_text","text":"%h","annotations":[]}]}]}',
    "messages": b'{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"%h"}],'
    b'"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}',
    "gemini": b'{"candidates":[{"content":{"role":"model","parts":[{"text":"%h"}]},"finishReason":"STOP"}]}',
}
STREAMED = {
    "chat": [
        b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"ok"}}]}',
        UNTIL_READ,
        b'{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"%h"}}]}',
        b'{"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
        b"[DONE]",
    ],
    "messages": [
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "ok"}},
        UNTIL_READ,
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%h"}}',
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ],
    "gemini": [
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}}]},
        UNTIL_READ,
        b'{"candidates":[{"content":{"role":"model","parts":[{"text":"%h"}]},"finishReason":"STOP"}]}',
    ],
}
ASKED = {client: body.replace(b"%h", b"a") for client, body in SAID.items()}


def filled(body: bytes, model: str = "chat", half: bytes = HALF) -> bytes:
    return body.replace(b"%m", model.encode()).replace(b"%h", half)


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    async with canned(tmp_path_factory.mktemp("canned"), EMBEDS) as made:
        yield made


EMBEDS = '[embeddings.chat]\nchain = ["chat/e"]\n'


def error_of(client: str, told: dict) -> dict:
    """The error, in the shape of the client's dialect."""
    assert told.get("type") == ("error" if client.startswith("messages") else None)
    return told["error"]


@pytest.mark.parametrize("model", DIALECTS)
@pytest.mark.parametrize("client", SAID)
async def test_a_clients_half_character_is_a_400_in_its_own_shape(world, client, model):
    world.says({})
    answer = await world.ask(client, filled(SAID[client], model))
    assert answer.status_code == 400
    assert "surrogate" in error_of(client, answer.json())["message"] or "JSON" in answer.text
    assert world.heard == []


@pytest.mark.parametrize("client", PASSED)
async def test_so_is_one_in_a_field_that_would_only_pass(world, client):
    world.says({})
    answer = await world.ask(client, filled(PASSED[client], "messages" if "count" in client else "chat"))
    assert answer.status_code == 400
    assert error_of(client, answer.json())["message"]
    assert world.heard == []


@pytest.mark.parametrize("client", SAID)
async def test_a_whole_character_in_two_escapes_is_none(world, client):
    world.says(filled(WHOLE["chat"], half=b"\\ud83d\\ude00"))
    answer = await world.ask(client, filled(SAID[client], half=b"\\ud83d\\ude00"))
    assert answer.status_code == 200
    assert "\U0001f600" in str(world.heard[0])
    assert "\U0001f600" in str(answer.json())


@pytest.mark.parametrize("vendor", WHOLE)
@pytest.mark.parametrize("client", SAID)
async def test_a_providers_half_character_is_its_fault_and_never_passes(world, client, vendor):
    world.says(filled(WHOLE[vendor]))
    answer = await world.ask(client, filled(ASKED[client], vendor))
    assert answer.status_code == 502
    assert error_of(client, answer.json())["message"]


@pytest.mark.parametrize("vendor", STREAMED)
@pytest.mark.parametrize("client", SAID)
async def test_in_a_stream_it_ends_the_answer_with_an_error_and_no_finish(world, client, vendor):
    world.says([filled(one) if isinstance(one, bytes) else one for one in STREAMED[vendor]])
    asked = filled(ASKED[client], vendor).replace(b"{", b'{"stream":true,', 1)
    status, told, cut = await world.listen(client, asked)
    events = events_of(told)
    assert (status, cut) == (200, True)
    assert "error" in str(events[-1]) or "failed" in str(events[-1])
    assert "[DONE]" not in events


async def test_the_sdks_raise_what_they_raise_for_a_bad_request_and_a_bad_answer(world):
    world.says(filled(WHOLE["messages"]))
    async with (
        openai.AsyncOpenAI(base_url=f"{world.proxy}/v1", api_key="k", max_retries=0) as chat,
        anthropic.AsyncAnthropic(base_url=world.proxy, api_key="k", max_retries=0) as messages,
    ):
        asked = {"model": "messages", "messages": [{"role": "user", "content": "a"}]}
        with pytest.raises(openai.InternalServerError):
            await chat.chat.completions.create(**asked)
        with pytest.raises(anthropic.InternalServerError):
            await messages.messages.create(**asked, max_tokens=9)
