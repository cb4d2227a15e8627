"""Whole answers."""

import orjson
import pytest

from translators import gemini
from translators.codec import Context
from translators.faults import Failure, Kind, ProtocolFault, Truncated
from translators.gemini.wire import ORIGIN
from translators.ir import Choice, Finish, Foreign, Message, Reasoning, Refusal, Reply, Text, ToolCall

CONTEXT = Context(id="id-1", created=5, model="m")


def test_a_whole_answer_says_what_its_stream_says(answer, target, own):
    body = answer({"text": "Hi"}, {"functionCall": {"name": "f"}, "thoughtSignature": own.data})
    reply = gemini.parse_reply(body, target())
    assert (reply.id, reply.model) == ("Ab-1", "gemini-test")
    [choice] = reply.choices
    assert choice.items == (
        Message("assistant", (Text("Hi"),)),
        ToolCall("gcall_Ab1_0_0", "f", "{}", opaque=own),
    )
    assert choice.finish is Finish.TOOL_CALLS


def test_an_answer_to_be_continued_counts_as_cut(answer, target):
    body = answer({"text": "a"}, reason="CONTINUATION", continuationToken="t")
    assert gemini.parse_reply(body, target()).choices[0].finish is Finish.LENGTH


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"promptFeedback":{"blockReason":"SAFETY"}}', Failure),
        (b'{"error":{"code":500,"status":"INTERNAL"}}', Failure),
        (b'{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}', Truncated),
        (b'{"candidates":[{},{"index":1,"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}', Truncated),
        (b'{"candidates":[{"index":1,"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}', ProtocolFault),
        (b'{"usageMetadata":{}}', ProtocolFault),
        (b"nonsense", ProtocolFault),
    ],
)
def test_what_is_no_whole_answer_is_none(target, body, error):
    for read in (gemini.parse_reply, gemini.inspect_reply):
        with pytest.raises(error):
            read(body, target())


def test_a_blocked_prompt_may_go_to_another_vendor(target):
    with pytest.raises(Failure) as raised:
        gemini.parse_reply(b'{"promptFeedback":{"blockReason":"JAILBREAK"}}', target())
    assert raised.value.fault.kind is Kind.CONTENT


def test_a_relayed_answers_signatures_get_the_mark_of_their_maker(answer, target, own):
    seen = gemini.inspect_reply(answer({"text": "a"}, {"text": "", "thoughtSignature": "s"}), target())
    parts = orjson.loads(seen.body)["candidates"][0]["content"]["parts"]
    assert parts == [{"text": "a"}, {"text": "", "thoughtSignature": "s", "partMetadata": {ORIGIN: own.origin}}]
    assert (seen.id, seen.finish) == ("Ab-1", Finish.STOP)
    assert gemini.inspect_reply(answer({"text": "a"}), target()).body is None


def test_every_kind_of_item_has_its_part(own, foreign):
    code = {"executableCode": {"code": "1"}}
    items = (
        Reasoning("Hm.", foreign),
        Message("assistant", (Text("a", opaque=own), Foreign("gemini", "executableCode", code), Foreign("x", "y", {}))),
        ToolCall("c1", "f", '{"a":1}', opaque=own),
        ToolCall("c2", "write", "x", custom=True),
        Message("assistant", (Refusal("No."),)),
    )
    reply = Reply(id="r", model="m", choices=(Choice(items, Finish.STOP),))
    said = orjson.loads(gemini.render_reply(reply, CONTEXT))
    mark = {"thoughtSignature": own.data, "partMetadata": {ORIGIN: own.origin}}
    assert said["candidates"][0]["content"]["parts"] == [
        {"text": "Hm.", "thought": True},
        {"text": "a", **mark},
        code,
        {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, **mark},
        {"functionCall": {"id": "c2", "name": "write", "args": {"input": "x"}}},
        {"text": "No."},
    ]
    assert (said["responseId"], said["modelVersion"]) == ("id-1", "m")
    assert "usageMetadata" not in said


def test_a_refusal_is_the_reason_of_a_filtered_answer():
    choice = Choice((Message("assistant", (Text("a"), Refusal("No."))),), Finish.CONTENT_FILTER)
    [said] = orjson.loads(gemini.render_reply(Reply(id="r", model="m", choices=(choice,)), CONTEXT))["candidates"]
    assert (said["finishReason"], said["finishMessage"]) == ("SAFETY", "No.")
    assert said["content"]["parts"] == [{"text": "a"}]
