"""Whole chat answers."""

import orjson
import pytest

from translators.codec import Context
from translators.faults import Failure, Kind, ProtocolFault, Truncated
from translators.ir import Choice, Finish, Message, Opaque, Reasoning, Refusal, Reply, Text, ToolCall, Usage
from translators.openai_chat import inspect_reply, parse_reply, render_reply
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
ORIGIN = PROFILE.origin("openai-chat")
CONTEXT = Context(id="chatcmpl-1", created=5, model="m-1")
CALL = {"id": "i", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def answer(message, finish="stop", **more):
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return orjson.dumps({"id": "a1", "model": "m-1", "choices": [choice], **more})


def items(message, finish="stop"):
    return parse_reply(answer(message, finish), PROFILE).choices[0].items


def test_a_plain_answer():
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    reply = parse_reply(answer({"role": "assistant", "content": "a"}, usage=usage, service_tier="flex"), PROFILE)
    assert reply == Reply(
        id="a1",
        model="m-1",
        service_tier="flex",
        usage=Usage(3, 2, tier="flex"),
        choices=(Choice((Message("assistant", (Text("a"),)),), Finish.STOP),),
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"content": None, "refusal": "no"}, (Message("assistant", (Refusal("no"),)),)),
        ({"content": None, "tool_calls": [CALL]}, (ToolCall("i", "f", '{"a":1}'),)),
        ({"content": "", "function_call": {"name": "f", "arguments": "{}"}}, (ToolCall("call_a1_0_0", "f", "{}"),)),
        ({"content": "t", "reasoning": "r"}, (Reasoning("r"), Message("assistant", (Text("t"),)))),
        (
            {"content": [{"type": "thinking", "thinking": [{"text": "r"}]}, {"type": "text", "text": "t"}]},
            (Reasoning("r"), Message("assistant", (Text("t"),))),
        ),
        ({"content": None, "audio": {"transcript": "said"}}, (Message("assistant", (Text("said"),)),)),
        ({"content": None}, ()),
    ],
)
def test_every_kind_of_content(message, expected):
    assert items(message) == expected


def test_vendors_number_calls_carelessly():
    calls = [CALL | {"index": 0}, CALL | {"id": "j", "index": 0}, {"function": {"name": "g", "arguments": {"a": 1}}}]
    found = items({"content": None, "tool_calls": calls})
    assert [(call.id, call.name) for call in found] == [("i", "f"), ("j", "f"), ("call_a1_0_2", "g")]
    assert found[2].arguments == '{"a":1}'


def test_blobs_get_this_target_as_their_origin():
    details = [{"type": "reasoning.text", "text": "r", "signature": "S", "index": 0, "origin": "elsewhere"}]
    block = items({"content": "t", "reasoning": "r", "reasoning_details": details})[0]
    assert block == Reasoning("r", Opaque("signature", "S", ORIGIN))


def test_several_choices_with_or_without_numbers():
    choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in "ab"]
    reply = parse_reply(orjson.dumps({"choices": choices}), PROFILE)
    assert [(choice.index, choice.finish) for choice in reply.choices] == [(0, Finish.STOP), (1, Finish.STOP)]


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "m", "code": "insufficient_quota"}}, Kind.QUOTA),
        ({"error": "Insufficient balance"}, Kind.QUOTA),
        ({"error": {"message": "m", "code": 429}, "choices": []}, Kind.THROTTLED),
        ([{"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}], Kind.SERVER),
        ({"choices": [{"index": 0, "error": {"code": 502, "message": "m"}}]}, Kind.SERVER),
        ({"choices": [{"message": {}, "finish_reason": "error"}]}, Kind.SERVER),
        ({"choices": [{"message": {}, "finish_reason": "insufficient_system_resource"}]}, Kind.OVERLOADED),
    ],
)
def test_an_error_in_a_good_answer_is_a_failure(read, body, kind):
    with pytest.raises(Failure) as caught:
        read(orjson.dumps(body), PROFILE)
    assert caught.value.fault.kind is kind


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html></html>", b'{"choices":', b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"[]", b"null", b"[1]"],
)
def test_what_is_no_answer_is_a_protocol_fault(read, body):
    with pytest.raises(ProtocolFault):
        read(body, PROFILE)


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize("reason", [None, ""])
def test_an_answer_that_nobody_says_is_finished_was_cut(read, reason):
    with pytest.raises(Truncated):
        read(answer({"content": "a"}, reason), PROFILE)


def test_an_answer_without_its_first_choice_is_no_answer():
    choice = {"index": 1, "message": {"content": "a"}, "finish_reason": "stop"}
    with pytest.raises(ProtocolFault, match="no first choice"):
        parse_reply(orjson.dumps({"choices": [choice]}), PROFILE)


def test_a_call_of_a_kind_that_is_not_known_is_told_as_lost():
    """So is that the reason to finish is another then; beside a call that is known it stays."""
    odd = {"id": "x", "type": "holo", "holo": {}}
    reply = parse_reply(answer({"content": None, "tool_calls": [odd]}, "tool_calls"), PROFILE)
    assert [lost.field for lost in reply.lost] == ["answer.tool_calls.holo", "answer.finish_reason"]
    beside = parse_reply(answer({"content": None, "tool_calls": [CALL, odd]}, "tool_calls"), PROFILE)
    assert [lost.field for lost in beside.lost] == ["answer.tool_calls.holo"]
    assert beside.choices[0] == Choice((ToolCall("i", "f", '{"a":1}'),), Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    ("message", "finish"),
    [({"content": "a"}, "stop"), ({"tool_calls": [CALL]}, "stop"), ({"content": "a"}, "length"), ({}, "stop")],
)
def test_a_glance_tells_what_a_whole_reading_tells(message, finish):
    body = answer(message, finish, usage={"prompt_tokens": 3, "completion_tokens": 2})
    seen, reply = inspect_reply(body, PROFILE), parse_reply(body, PROFILE)
    assert (seen.id, seen.model, seen.usage) == (reply.id, reply.model, reply.usage)
    assert seen.finish is reply.choices[0].finish
    assert seen.body is None


def test_an_answer_with_blobs_is_sent_on_marked_and_otherwise_equal():
    details = [{"type": "reasoning.encrypted", "data": "D", "id": "rs"}, {"type": "reasoning.summary", "summary": "s"}]
    body = answer({"content": "t", "reasoning_details": details}, odd={"a": 1.5})
    expected = orjson.loads(body)
    expected["choices"][0]["message"]["reasoning_details"][0]["origin"] = ORIGIN
    assert orjson.loads(inspect_reply(body, PROFILE).body) == expected


def test_only_the_choices_with_blobs_are_marked():
    messages = [{"content": "a"}, {"content": "b", "reasoning_details": [{"data": "D"}]}]
    choices = [{"message": message, "finish_reason": "stop"} for message in messages]
    marked = orjson.loads(inspect_reply(orjson.dumps({"choices": choices}), PROFILE).body)
    assert marked["choices"][0] == choices[0]
    assert marked["choices"][1]["message"]["reasoning_details"] == [{"data": "D", "origin": ORIGIN}]


def test_without_usage_none_is_written():
    reply = Reply(id="i", model="m", choices=(Choice((), Finish.STOP),))
    assert "usage" not in orjson.loads(render_reply(reply, CONTEXT))


def rendered(*parts, finish=Finish.STOP, context=CONTEXT, **more):
    reply = Reply(id="up", model="up", choices=(Choice(parts, finish, **more),), usage=Usage(3, 2))
    return orjson.loads(render_reply(reply, context))


def test_a_rendered_answer_has_every_field_a_client_expects():
    assert rendered(Message("assistant", (Text("a"),))) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 5,
        "model": "m-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "a", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        ((), {"content": "", "refusal": None}),
        ((Message("assistant", (Refusal("no"),)),), {"content": None, "refusal": "no"}),
        ((Reasoning("r"),), {"content": "", "reasoning_content": "r"}),
        ((Message("assistant", (Text("a"),)), Message("assistant", (Text("b"),))), {"content": "ab"}),
        (
            (ToolCall("i", "f", ""), ToolCall("j", "c", "", custom=True)),
            {
                "content": None,
                "tool_calls": [
                    {"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": "j", "type": "custom", "custom": {"name": "c", "input": ""}},
                ],
            },
        ),
    ],
)
def test_every_kind_of_content_is_rendered(parts, fields):
    message = rendered(*parts)["choices"][0]["message"]
    assert {name: message[name] for name in fields} == fields


def test_a_call_that_was_cut_is_not_repaired():
    message = rendered(ToolCall("i", "f", ""), finish=Finish.LENGTH)["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == ""


def test_annotations_probabilities_and_a_forced_tool():
    context = Context(id="i", created=1, model="m", named_tool=True)
    note, likely = {"type": "url_citation"}, {"content": []}
    call = ToolCall("i", "f", "{}")
    body = rendered(call, finish=Finish.TOOL_CALLS, context=context, annotations=(note,), logprobs=likely)
    choice = body["choices"][0]
    assert choice["message"]["annotations"] == [note]
    assert (choice["logprobs"], choice["finish_reason"]) == (likely, "stop")


@pytest.mark.parametrize("index", [{}, {"index": 0}])
def test_calls_of_one_id_are_calls_of_their_own_with_an_id_each(index):
    calls = [{**CALL, **index, "function": {"name": "f", "arguments": text}} for text in ("{}", "[]")]
    first, second = items({"tool_calls": calls}, "tool_calls")
    assert [(one.id, one.arguments) for one in (first, second)] == [("i", "{}"), ("i_2", "[]")]
