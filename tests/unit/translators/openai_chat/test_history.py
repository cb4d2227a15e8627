"""Chat messages as items."""

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
from translators.openai_chat import parse_request

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "ok"}


def items(*messages):
    return list(parse_request({"model": "m", "messages": list(messages)}).items)


def user(*parts):
    return items({"role": "user", "content": list(parts)})[0].parts


def test_plain_messages_keep_role_name_and_order():
    assert items(
        {"role": "developer", "content": "d"},
        {"role": "system", "content": "s", "name": "sys"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a"},
    ) == [
        Message("developer", (Text("d"),)),
        Message("system", (Text("s"),), "sys"),
        Message("user", (Text("u"),)),
        Message("assistant", (Text("a"),)),
    ]


def test_every_part_has_its_counterpart():
    assert user(
        {"type": "text", "text": "t"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "image_url", "image_url": "https://x.test/b.png"},
        {"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,QQ==", "filename": "a.txt"}},
        {"type": "file", "file": {"file_data": "QQ=="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "hologram", "hologram": {}},
    ) == (
        Text("t"),
        Image(data="AAAA", media_type="image/png", detail="low"),
        Image(url="https://x.test/a.png"),
        Image(url="https://x.test/b.png"),
        Audio("QQ==", "wav"),
        File(data="QQ==", media_type="text/plain", filename="a.txt"),
        File(data="QQ==", media_type="application/pdf"),
        File(file_id="file-1"),
        Foreign("openai-chat", "hologram", {"type": "hologram", "hologram": {}}),
    )


@pytest.mark.parametrize(
    ("marker", "cache"),
    [
        ({"cache_control": {"type": "ephemeral", "ttl": "5m"}}, {"type": "ephemeral", "ttl": "5m"}),
        ({"prompt_cache_breakpoint": {"mode": "explicit"}}, {"type": "ephemeral"}),
        ({"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}, {"type": "ephemeral", "ttl": "12h"}),
    ],
)
def test_cache_markers_of_both_kinds_are_kept(marker, cache):
    assert user({"type": "text", "text": "t"} | marker) == (Text("t", cache=cache),)


def test_a_marker_on_a_message_marks_its_text_or_result():
    marker = {"cache_control": {"type": "ephemeral"}}
    found = items(
        {"role": "user", "content": "u"} | marker,
        {"role": "assistant", "tool_calls": [CALL]},
        RESULT | marker,
    )
    assert found[0].parts[0].cache == found[2].cache == {"type": "ephemeral"}


def test_an_assistant_turn_becomes_reasoning_text_and_calls():
    custom = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "free text"}}
    found = items(
        {"role": "assistant", "content": "hm", "reasoning_content": "why", "tool_calls": [CALL, custom]},
        RESULT,
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "r"}]},
    )
    assert found == [
        Reasoning("why"),
        Message("assistant", (Text("hm"),)),
        ToolCall("c1", "f", '{"a": 1}'),
        ToolCall("c2", "g", "free text", custom=True),
        ToolResult("c1", (Text("ok"),)),
        ToolResult("c2", (Text("r"),)),
    ]


@pytest.mark.parametrize("content", ["", None])
def test_an_empty_text_beside_calls_is_no_message(content):
    assert items({"role": "assistant", "content": content, "tool_calls": [CALL]}) == [ToolCall("c1", "f", '{"a": 1}')]


def test_an_empty_turn_is_kept_as_one():
    assert items({"role": "assistant", "content": ""}) == [Message("assistant", (Text(""),))]
    assert items({"role": "assistant", "content": None}) == [Message("assistant", ())]


def test_a_refusal_is_a_part_wherever_it_stands():
    assert items({"role": "assistant", "content": None, "refusal": "no"}) == [Message("assistant", (Refusal("no"),))]
    part = {"type": "refusal", "refusal": "no"}
    assert items({"role": "assistant", "content": [part]}) == [Message("assistant", (Refusal("no"),))]


def test_blobs_come_back_with_the_origin_they_were_marked_with():
    details = [
        {"type": "reasoning.text", "text": "a", "index": 0},
        {"type": "reasoning.text", "text": "b", "signature": "S", "index": 0, "origin": "o1"},
        {"type": "reasoning.encrypted", "data": "D", "index": 1},
    ]
    found = items({"role": "assistant", "content": "t", "reasoning_content": "ab", "reasoning_details": details})
    assert found[:2] == [Reasoning("ab", Opaque("signature", "S", "o1")), Reasoning("", Opaque("encrypted", "D", ""))]


def test_thinking_blocks_and_thinking_parts_are_reasoning_too():
    blocks = [{"type": "thinking", "thinking": "t", "signature": "S"}, {"type": "redacted_thinking", "data": "R"}]
    assert items({"role": "assistant", "content": "x", "thinking_blocks": blocks})[:2] == [
        Reasoning("t", Opaque("signature", "S", "")),
        Reasoning("", Opaque("redacted", "R", "")),
    ]
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}, {"type": "text", "text": "x"}]
    assert items({"role": "assistant", "content": parts}) == [Reasoning("t"), Message("assistant", (Text("x"),))]


def test_empty_arguments_count_as_an_empty_object():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert items({"role": "assistant", "tool_calls": [call]}) == [ToolCall("c", "f", "{}")]


def test_ids_that_come_again_in_a_later_turn_are_made_unique():
    """Some local servers count from call_0 in every turn; other dialects refuse an id that is there twice."""
    turn = [{"role": "assistant", "tool_calls": [CALL]}, RESULT]
    found = items(*turn, *turn, *turn)
    assert [item.id for item in found if isinstance(item, ToolCall)] == ["c1", "c1_2", "c1_3"]
    assert [item.call_id for item in found if isinstance(item, ToolResult)] == ["c1", "c1_2", "c1_3"]


def test_retired_function_messages_become_calls_and_results():
    found = items(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "r"},
    )
    assert found == [ToolCall("call_f", "f", "{}"), ToolResult("call_f", (Text("r"),))]


@pytest.mark.parametrize(("arguments", "problem"), [("{", "valid JSON"), ({"a": 1}, "string"), (None, "string")])
def test_bad_arguments_in_the_history_are_named(arguments, problem):
    call = {"id": "c2", "type": "function", "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(Malformed, match=problem) as caught:
        items({"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [CALL, call]})
    assert caught.value.param == "messages[1].tool_calls[1].function.arguments"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([RESULT], "messages[0].tool_call_id"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "function", "name": "f", "content": "x"}], "messages[0].name"),
        ([{"role": "user", "content": 3}], "messages[0].content"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"text": "x"}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content[0].image_url"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "cat.png"}}]}],
            "messages[0].content[0].image_url.url",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,raw"}}]}],
            "messages[0].content[0].image_url.url",
        ),
        ([{"role": "user", "content": [{"type": "file", "file": {}}]}], "messages[0].content[0].file.file_data"),
        ([{"role": "user", "content": "x", "name": 1}], "messages[0].name"),
        ([{"role": "assistant", "tool_calls": {}}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [1]}], "messages[0].tool_calls[0]"),
        ([{"role": "assistant", "tool_calls": [CALL | {"id": ""}]}], "messages[0].tool_calls[0].id"),
        ([{"role": "assistant", "tool_calls": [{"id": "a"}]}], "messages[0].tool_calls[0].function"),
        ([{"role": "assistant", "function_call": {"arguments": "{}"}}], "messages[0].function_call.name"),
    ],
)
def test_a_bad_message_names_its_field(messages, param):
    with pytest.raises(Malformed) as caught:
        items(*messages)
    assert caught.value.param == param


def test_a_messages_marker_goes_to_its_last_part_be_it_a_picture():
    picture = {"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}
    content = [{"type": "text", "text": "look"}, picture]
    (message,) = items({"role": "user", "content": content, "cache_control": {"type": "ephemeral"}})
    assert [part.cache for part in message.parts] == [None, {"type": "ephemeral"}]
