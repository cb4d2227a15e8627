"""Single rows of what dialects have and others have not, through the whole proxy, whole and streamed.

Whatever a request or an answer says beyond the common is either told to the other side or told as lost.
"""

import pytest

from tests.e2e.canned import UNTIL_READ, canned, events_of
from tests.e2e.test_half_characters import WHOLE, filled

VENDORS = """
[providers.openai]
vendor = "openai"
base_url = "{url}"
keys = ["env:CANNED_KEY"]
[providers.openrouter]
vendor = "openrouter"
base_url = "{url}"
keys = ["env:CANNED_KEY"]
[providers.google]
vendor = "gemini"
base_url = "{url}"
keys = ["env:CANNED_KEY"]
[models.switched]
chain = ["openai/gpt-6-sol"]
[models.routed]
chain = ["openrouter/some/model"]
[models.older]
chain = ["openai/gpt-4o"]
[models.signed]
chain = ["google/gemini-2.5-flash"]
"""
OK = {name: filled(body, half=b"ok") for name, body in WHOLE.items()}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
USER = {"role": "user", "content": "?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
DRAWN = {"type": "image_url", "index": 0, "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TEXT = {"type": "text", "text": "long", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    async with canned(tmp_path_factory.mktemp("rows"), VENDORS) as made:
        yield made


async def test_a_chat_clients_breakpoint_goes_with_its_tools_to_responses(world):
    world.says(OK["responses"])
    asked = {"model": "switched", "tools": [FUNCTION], "messages": [{"role": "user", "content": [TEXT]}]}
    answer = await world.ask("chat", {**asked, "prompt_cache_options": {"mode": "explicit"}})
    assert (answer.status_code, answer.headers.get("x-sidestep-translation")) == (200, None)
    [part] = world.heard[0]["input"][0]["content"]
    assert part == {**TEXT, "type": "input_text"}
    assert world.heard[0]["prompt_cache_options"] == {"mode": "explicit"}


@pytest.mark.parametrize(("model", "lost"), [("routed", None), ("older", "dropped=messages.0.content.0.cache_control")])
async def test_an_anthropic_clients_marker_goes_where_it_is_taken(world, model, lost):
    world.says(OK["chat"])
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    asked = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [marked]}]}
    answer = await world.ask("messages", asked)
    assert answer.headers.get("x-sidestep-translation") == lost
    assert ("prompt_cache_breakpoint" in str(world.heard[0])) == (lost is None)


async def test_pictures_of_an_answer_go_back_to_whoever_takes_them_and_to_nobody_else(world):
    history = [USER, {"role": "assistant", "content": "Here.", "images": [DRAWN]}, USER]
    for model, images, lost in (("routed", [DRAWN], None), ("older", None, "dropped=messages[1].images")):
        world.says(OK["chat"])
        answer = await world.ask("chat", {"model": model, "messages": history})
        assert answer.headers.get("x-sidestep-translation") == lost
        assert world.heard[0]["messages"][1].get("images") == images


async def test_pictures_that_a_responses_client_brings_back_are_images_again(world):
    world.says(OK["chat"])
    made = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="}
    answer = await world.ask("responses", {"model": "routed", "input": [USER, made, USER]})
    assert (answer.status_code, answer.headers.get("x-sidestep-translation")) == (200, None)
    assert world.heard[0]["messages"][1]["images"][0]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="


async def test_a_missing_signature_is_mended_in_strict_mode_too_where_the_client_loses_nothing(world):
    refused = {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "message": "Function call is missing a thought_signature in functionCall parts.",
        }
    }
    history = [
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    world.says(refused, OK["gemini"])
    world.answers[0] = (400, *world.answers[0][1:])
    answer = await world.ask(
        "chat", {"model": "signed", "tools": [FUNCTION], "messages": history}, x_sidestep_mode="strict"
    )
    assert (answer.status_code, len(world.heard)) == (200, 2)
    assert answer.headers["x-sidestep-translation"] == "approximated=reasoning.signature"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("vendor", "tier"), [("messages", "priority"), ("chat", "flex")])
async def test_the_tier_that_served_is_told_in_each_clients_words(world, vendor, tier, stream):
    said = {"id": "c", "model": "m", "service_tier": tier}
    usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": tier}
    start = {"type": "message", "id": "m", "model": "m", "role": "assistant", "content": [], "usage": usage}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    chunk = {"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}
    answers = {
        ("messages", False): {**start, "stop_reason": "end_turn"},
        ("messages", True): [{"type": "message_start", "message": start}, end, {"type": "message_stop"}],
        ("chat", False): {**said, "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]},
        ("chat", True): [{**said, "choices": [chunk]}, b"[DONE]"],
    }
    for client in ("chat", "messages"):
        world.says(answers[vendor, stream])
        _, told, _ = await world.listen(
            client, {"model": vendor, "max_tokens": 9, "messages": [USER], "stream": stream}
        )
        known = client == "chat" or tier == "priority"
        assert (f'"service_tier":"{tier}"' in told.replace(" ", "")) == known


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_before_a_refusal_are_reported_whole_and_streamed(world, stream):
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"type": "message", "id": "m", "model": "m", "role": "assistant", "content": [], "usage": usage}
    whole = {**head, "content": [call], "stop_reason": "refusal"}
    events = [
        {"type": "message_start", "message": head},
        {"type": "content_block_start", "index": 0, "content_block": call},
        UNTIL_READ,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    world.says(events if stream else whole)
    asked = {"model": "messages", "messages": [USER], "tools": [FUNCTION], "stream": stream}
    status, told, cut = await world.listen("chat", asked, x_sidestep_metadata="1")
    assert (status, cut, "content_filter" in told) == (200, False, True)
    assert "answer.tool_calls" in told
    assert ('"tool_calls"' in told) == stream


async def test_a_relayed_chat_client_reads_a_message_as_the_delta_that_it_is(world):
    message = {"role": "assistant", "content": "Hello there."}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    world.says(
        [
            {"id": "c", "model": "m", "choices": [], "prompt_filter_results": [{}]},
            {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hello"}}]},
            {"id": "c", "model": "m", "choices": [choice]},
            b"[DONE]",
        ]
    )
    _, told, _ = await world.listen("chat", {"model": "chat", "messages": [USER], "stream": True})
    *chunks, done = events_of(told)
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks] == ["Hello", " there."]
    assert chunks[0]["prompt_filter_results"] == [{}]
    assert done == "[DONE]"
