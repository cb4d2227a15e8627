"""Whole answers, read and written."""

import orjson
import pytest

from translators.anthropic_messages import inspect_reply, parse_reply, render_reply
from translators.anthropic_messages.marks import PLAIN, marked
from translators.codec import Context
from translators.faults import Failure, Kind, ProtocolFault
from translators.ir import (
    Choice,
    Dialect,
    Finish,
    Foreign,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Reply,
    Text,
    ToolCall,
    Usage,
)

ORIGIN = "anthropic-messages|anthropic|claude-test|"
CONTEXT = Context(id="msg_ours", created=1, model="claude-test")


def message(*content, **fields):
    usage = {"input_tokens": 10, "output_tokens": 5, "service_tier": "standard"}
    return orjson.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-test",
            "content": list(content),
            "stop_reason": "end_turn",
            "usage": usage,
            **fields,
        }
    )


@pytest.fixture
def choice(target):
    return lambda *content, **fields: parse_reply(message(*content, **fields), target()).choices[0]


def text(said, **fields):
    return {"type": "text", "text": said, **fields}


def test_a_reply_has_its_id_model_usage_and_tier(target):
    reply = parse_reply(message(text("Hi")), target())
    assert (reply.id, reply.model, reply.usage, reply.service_tier) == ("msg_1", "claude-test", Usage(10, 5), "default")
    assert reply.choices == (Choice((Message("assistant", (Text("Hi"),)),), Finish.STOP),)


def test_text_blocks_in_a_row_are_one_text(choice):
    assert choice(text("a"), text(""), text("b")).items == (Message("assistant", (Text("ab"),)),)


def test_what_the_vendor_ran_is_kept_whole_in_its_place(choice):
    ran = {"type": "server_tool_use", "id": "s", "name": "x", "input": {"q": 1}}
    got = choice(text("a"), ran, text(""), text("b"))
    kept = Foreign(Dialect.ANTHROPIC_MESSAGES, "server_tool_use", ran)
    assert got.items == (Message("assistant", (Text("a"), kept, Text("b"))),)


def test_parallel_calls_keep_their_ids_and_the_text_of_their_arguments(choice):
    calls = [{"type": "tool_use", "id": f"t{i}", "name": "f", "input": {"i": i}} for i in range(2)]
    got = choice(text("a"), *calls, {"type": "tool_use", "id": "t2", "name": "g", "input": {}}, stop_reason="tool_use")
    assert got.items[1:] == (ToolCall("t0", "f", '{"i":0}'), ToolCall("t1", "f", '{"i":1}'), ToolCall("t2", "g", "{}"))
    assert got.finish is Finish.TOOL_CALLS


def test_a_free_text_tools_call_is_unwrapped(target):
    body = message({"type": "tool_use", "id": "t", "name": "run", "input": {"input": "x = 1"}}, stop_reason="tool_use")
    reply = parse_reply(body, target(custom_tools=frozenset({"run"})))
    assert reply.choices[0].items == (ToolCall("t", "run", "x = 1", custom=True),)


def test_thinking_keeps_order_text_and_signature_even_when_one_is_empty(choice):
    got = choice(
        {"type": "thinking", "thinking": "Hm.", "signature": "s1"},
        {"type": "thinking", "thinking": "", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
        text("a"),
    )
    assert got.items[:3] == (
        Reasoning("Hm.", Opaque("signature", "s1", ORIGIN)),
        Reasoning("", Opaque("signature", "s2", ORIGIN)),
        Reasoning("", Opaque("redacted", "d", ORIGIN)),
    )


def test_web_citations_are_annotations_with_offsets_in_characters(choice):
    found = {"type": "web_search_result_location", "url": "https://example.org", "title": "T", "cited_text": "c"}
    elsewhere = {"type": "char_location", "document_index": 0}
    got = choice(text("Größe: "), text("30 m", citations=[found, elsewhere]), text("."))
    assert got.annotations == (
        {
            "type": "url_citation",
            "url_citation": {"start_index": 7, "end_index": 11, "title": "T", "url": "https://example.org"},
        },
    )


def test_a_refusal_says_why_and_its_pending_calls_are_left_out(choice):
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    got = choice(text("I "), call, stop_reason="refusal", stop_details=details)
    assert got.items == (Message("assistant", (Text("I "), Refusal("Not this."))),)
    assert got.finish is Finish.CONTENT_FILTER


def test_an_empty_refusal_still_says_something(choice):
    got = choice(stop_reason="refusal", stop_details=None)
    assert isinstance(got.items[0].parts[0], Refusal)
    assert got.items[0].parts[0].text


def test_a_stop_sequence_is_told(choice):
    got = choice(text("a"), stop_reason="stop_sequence", stop_sequence="END")
    assert (got.finish, got.stop_sequence) == (Finish.STOP, "END")


def test_an_error_dressed_as_a_200_is_a_failure(target):
    body = orjson.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    for read in (parse_reply, inspect_reply):
        with pytest.raises(Failure) as caught:
            read(body, target())
        assert caught.value.fault.kind is Kind.OVERLOADED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"type":"message"',
        b"\xff\xfe",
        b"[" * 100_000,
        message(text("a"), stop_reason=None),
        message(text("a"), id=5),
        message(text("a"), type="completion"),
        message(text("a")).replace(b'"msg_1"', b'"msg_1","skipped":"\xff"'),
    ],
)
def test_anything_else_is_a_protocol_fault(target, body):
    for read in (parse_reply, inspect_reply):
        with pytest.raises(ProtocolFault):
            read(body, target())


def test_content_must_be_blocks(target):
    for content in (None, "text", [3]):
        with pytest.raises(ProtocolFault):
            parse_reply(message(content=content), target())


def test_inspection_tells_the_same_without_reading_the_content(target):
    seen = inspect_reply(message(text("a"), stop_reason="max_tokens"), target())
    assert (seen.id, seen.model, seen.usage, seen.finish) == ("msg_1", "claude-test", Usage(10, 5), Finish.LENGTH)


# -- written -----------------------------------------------------------------------------------------------------


def test_a_reply_comes_back_from_its_own_rendering(target):
    items = (
        Reasoning("Hm.", Opaque("signature", "s", ORIGIN)),
        Reasoning("", Opaque("redacted", "d", ORIGIN)),
        Message("assistant", (Text("Let me see."),)),
        ToolCall("t", "f", '{"a":1}'),
    )
    usage = Usage(input=17, output=20, cached=4, cache_write=3, reasoning=5)
    reply = Reply(id="x", model="y", choices=(Choice(items, Finish.TOOL_CALLS),), usage=usage)
    back = parse_reply(render_reply(reply, CONTEXT), target())
    assert (back.id, back.model) == ("msg_ours", "claude-test")
    assert (back.choices, back.usage) == (reply.choices, usage)


def test_thinking_of_other_dialects_is_marked_and_other_choices_stay_out():
    foreign = Opaque("encrypted", "e", "openai-chat|o|m|")
    items = (Reasoning("Hm."), Reasoning(""), Reasoning("", foreign), Message("assistant", (Text("a"),)))
    other = Choice((Message("assistant", (Text("b"),)),), Finish.STOP, index=1)
    reply = Reply(id="x", model="y", choices=(Choice(items, Finish.STOP), other))
    said = orjson.loads(render_reply(reply, CONTEXT))
    assert said["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": PLAIN},
        {"type": "redacted_thinking", "data": marked(foreign)},
        {"type": "text", "text": "a"},
    ]
    assert (said["stop_reason"], said["usage"]) == ("end_turn", {"input_tokens": 0, "output_tokens": 0})


def test_refusals_and_foreign_blocks_are_written_as_this_dialect_says_them():
    own = Foreign("anthropic-messages", "server_tool_use", {"type": "server_tool_use"})
    parts = (own, Foreign("gemini", "x", {}), Text(""), Refusal("No."))
    reply = Reply(id="x", model="y", choices=(Choice((Message("assistant", parts),), Finish.CONTENT_FILTER),))
    said = orjson.loads(render_reply(reply, CONTEXT))
    assert said["content"] == [{"type": "server_tool_use"}, {"type": "text", "text": "No."}]
    assert said["stop_reason"] == "refusal"


def test_a_cut_calls_arguments_are_kept_and_not_repaired():
    reply = Reply(id="x", model="y", choices=(Choice((ToolCall("t", "f", '{"a": "b'),), Finish.LENGTH),))
    said = orjson.loads(render_reply(reply, CONTEXT))
    assert said["content"][0]["input"] == {"_raw": '{"a": "b'}
    assert said["stop_reason"] == "max_tokens"


def test_a_call_of_no_tool_is_a_protocol_fault(target):
    """Nobody could run it, and no other dialect has a place for it."""
    with pytest.raises(ProtocolFault, match="without a name"):
        parse_reply(message({"type": "tool_use", "id": "t", "input": {}}, stop_reason="tool_use"), target())
