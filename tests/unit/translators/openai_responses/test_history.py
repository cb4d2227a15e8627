"""Input items in the neutral form."""

import pytest

from translators.faults import Malformed
from translators.ir import (
    Audio,
    File,
    Foreign,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai_responses.marks import marked

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "42"}


def test_a_string_is_one_message_of_the_user(parse):
    assert parse("hello").items == (Message("user", (Text("hello"),)),)


def test_messages_may_leave_their_type_out(parse):
    easy, full = {"role": "user", "content": "a"}, {"type": "message", "role": "user", "content": "a"}
    assert parse([easy]).items == parse([full]).items == (Message("user", (Text("a"),)),)


def test_every_part_has_its_neutral_form(parse):
    content = [
        {"type": "input_text", "text": "t"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "high"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
        {"type": "input_file", "file_id": "file_1"},
        {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "input_image", "file_id": "file_2"},
    ]
    [message] = parse([{"role": "user", "content": content}]).items
    assert message.parts == (
        Text("t"),
        Image(url="https://x.test/a.png", detail="high"),
        Image(data="iVBO", media_type="image/png"),
        File(data="JVBE", media_type="application/pdf", filename="a.pdf"),
        File(file_id="file_1"),
        File(url="https://x.test/a.pdf"),
        Audio("AAAA", "wav"),
        Foreign("openai-responses", "input_image", content[-1]),
    )


def test_an_assistants_message_keeps_its_phase_and_refusal(parse):
    parts = [{"type": "output_text", "text": "t", "annotations": []}, {"type": "refusal", "refusal": "no"}]
    said = {"type": "message", "id": "msg_1", "role": "assistant", "phase": "commentary", "content": parts}
    assert parse([said]).items == (Message("assistant", (Text("t"), Refusal("no")), phase="commentary"),)


def test_a_cache_breakpoint_is_a_marker(parse):
    part = {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    [message] = parse([{"role": "user", "content": [part]}]).items
    assert message.parts[0].cache == {"type": "ephemeral", "ttl": "30m"}


def test_calls_and_results_are_paired(parse):
    custom = {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free text"}
    output = {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "ok"}]}
    assert parse([CALL, custom, RESULT, output]).items == (
        ToolCall("c1", "f", '{"a":1}'),
        ToolCall("c2", "g", "free text", custom=True),
        ToolResult("c1", (Text("42"),)),
        ToolResult("c2", (Text("ok"),)),
    )


def test_ids_that_come_again_are_made_unique(parse):
    items = parse([CALL, RESULT, CALL, RESULT]).items
    assert [item.id for item in items if isinstance(item, ToolCall)] == ["c1", "c1_2"]
    assert [item.call_id for item in items if isinstance(item, ToolResult)] == ["c1", "c1_2"]


def test_no_arguments_are_an_empty_object(parse):
    assert parse([{**CALL, "arguments": ""}, RESULT]).items[0].arguments == "{}"


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (RESULT, "input[0].call_id"),
        ({**CALL, "arguments": "{"}, "input[0].arguments"),
        ({**CALL, "name": ""}, "input[0].name"),
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"role": "user", "content": None}, "input[0].content"),
        ({"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}, "input[0].content[0].image_url"),
        ({"type": 3}, "input[0].type"),
    ],
)
def test_what_is_wrong_is_named(parse, item, param):
    with pytest.raises(Malformed) as caught:
        parse([item])
    assert caught.value.param == param


# -- reasoning ---------------------------------------------------------------------------------------------------


def reasoning(blob=None, **fields):
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob, **fields}


def test_reasoning_says_its_content_and_its_summary(parse):
    said = {
        "content": [{"type": "reasoning_text", "text": "a"}],
        "summary": [{"type": "summary_text", "text": "b"}, {"type": "summary_text", "text": "c"}],
    }
    assert parse([reasoning(**said)]).items == (Reasoning("a\n\nb\n\nc"),)


def test_a_marked_blob_has_its_maker_and_another_has_none(parse):
    ours = Opaque("encrypted", "gAAA.x", "openai-responses|p|m|a")
    assert parse([reasoning(marked(ours)), reasoning("gBBB")]).items == (
        Reasoning("", ours),
        Reasoning("", Opaque("encrypted", "gBBB", "")),
    )


def test_a_signature_goes_back_to_the_call_or_the_text_it_rode_on(parse):
    blob = Opaque("signature", "s", "gemini|p|m|")
    said = {"role": "assistant", "content": "t"}
    items = parse([said, reasoning(marked(blob, "text")), reasoning(marked(blob, "call")), CALL, RESULT]).items
    assert items[:2] == (Message("assistant", (Text("t", opaque=blob),)), ToolCall("c1", "f", '{"a":1}', opaque=blob))


def test_a_signature_without_its_text_stands_on_an_empty_one(parse):
    blob = Opaque("signature", "s", "gemini|p|m|")
    assert parse([reasoning(marked(blob, "text"))]).items == (Message("assistant", (Text("", opaque=blob),)),)


# -- what has no neutral form ------------------------------------------------------------------------------------


def test_an_item_of_a_hosted_tool_stays_whole_in_the_message_that_follows(parse):
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    [message] = parse([search, {"role": "assistant", "content": "t"}]).items
    assert message == Message("assistant", (Foreign("openai-responses", "web_search_call", search), Text("t")))


def test_hosted_items_without_a_message_after_them_are_kept_in_place(parse):
    search = {"type": "web_search_call", "id": "ws_1"}
    approval = {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True}
    first, second, third = parse([search, {"role": "user", "content": "t"}, approval]).items
    assert (first.role, first.parts[0].value) == ("assistant", search)
    assert (second.role, third.role, third.parts[0].value) == ("user", "user", approval)


def test_the_result_of_a_call_that_is_kept_whole_is_kept_too(parse):
    call = {"type": "tool_search_call", "call_id": "s1", "arguments": {}}
    kept = parse([call, {**RESULT, "call_id": "s1"}]).items
    assert [item.parts[0].kind for item in kept] == ["tool_search_call", "function_call_output"]


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "rs_1"}, {"id": "rs_1"}])
def test_a_reference_cannot_be_translated(parse, item):
    with pytest.raises(Malformed, match="only known to the provider") as caught:
        parse([item])
    assert caught.value.param == "input[0].id"
