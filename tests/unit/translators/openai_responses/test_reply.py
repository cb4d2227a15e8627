"""Whole answers, read and written."""

import orjson
import pytest
from openai.types.responses import Response

from translators.codec import Context
from translators.faults import Failure, Kind, ProtocolFault, Truncated
from translators.ir import Choice, Finish, Foreign, Message, Opaque, Reasoning, Refusal, Reply, Text, ToolCall, Usage
from translators.openai_responses import inspect_reply, parse_reply, render_reply
from translators.openai_responses.marks import Mark, unmarked

MESSAGE = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": "hi", "annotations": []}]}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}


def body(*output, **fields):
    answer = {"id": "resp_1", "model": "m-1", "status": "completed", "output": list(output), **fields}
    return orjson.dumps(answer)


def written(*items, context=None, **fields):
    choice = Choice(items, fields.pop("finish", Finish.STOP), **fields)
    reply = Reply(id="x", model="m", choices=(choice,), usage=Usage(1, 2))
    told = orjson.loads(render_reply(reply, context or Context(id="resp_2", created=5, model="m-1")))
    Response.model_validate(told)
    return told


def test_an_answer_is_read_as_one_choice(profile, origin):
    usage = {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}}
    reply = parse_reply(body(THOUGHT, MESSAGE, CALL, usage=usage, service_tier="flex"), profile)
    items = (
        Reasoning("", Opaque("encrypted", "gAAA", origin)),
        Message("assistant", (Text("hi"),)),
        ToolCall("c1", "f", "{}"),
    )
    assert reply.choices == (Choice(items, Finish.TOOL_CALLS),)
    assert (reply.id, reply.model, reply.service_tier) == ("resp_1", "m-1", "flex")
    assert reply.usage == Usage(3, 4, reasoning=2, tier="flex")


def test_a_glance_tells_the_same_and_marks_the_blobs(profile, origin):
    seen = inspect_reply(body(THOUGHT, CALL, usage={"input_tokens": 1, "output_tokens": 2}), profile)
    assert (seen.id, seen.model, seen.finish, seen.usage) == ("resp_1", "m-1", Finish.TOOL_CALLS, Usage(1, 2))
    thought, call = orjson.loads(seen.body)["output"]
    assert unmarked(thought["encrypted_content"]) == Mark(Opaque("encrypted", "gAAA", origin))
    assert call == CALL


def test_an_answer_without_blobs_passes_as_it_came(profile):
    assert inspect_reply(body(MESSAGE), profile).body is None


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed", "error": {"code": "server_error", "message": "it broke"}},
        {"status": "cancelled"},
        {"error": {"code": "server_error", "message": "it broke"}},
    ],
)
def test_an_answer_that_failed_is_a_failure(profile, read, fields):
    with pytest.raises(Failure) as caught:
        read(body(**fields), profile)
    assert caught.value.fault.kind is Kind.SERVER


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
def test_what_an_answer_that_failed_says_of_its_counts_is_not_lost(profile, read):
    found = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}}
    usage = {"input_tokens": 7, "output_tokens": 8}
    with pytest.raises(Failure) as caught:
        read(body(found, status="failed", usage=usage), profile)
    assert caught.value.usage == Usage(7, 8, searches=1)


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize("data", [b"", b"[]", b'{"id":3}', b'{"status":"completed"}', b'{"output":"x"}'])
def test_what_is_no_answer_is_a_fault(profile, read, data):
    with pytest.raises(ProtocolFault):
        read(data, profile)


def test_an_answer_made_in_the_background_passes_and_cannot_be_translated(profile):
    seen = inspect_reply(body(status="queued"), profile)
    assert (seen.finish, seen.body, seen.id) == (None, None, "resp_1")
    with pytest.raises(ProtocolFault, match="not finished"):
        parse_reply(body(status="queued"), profile)


# -- written -----------------------------------------------------------------------------------------------------


def test_an_answer_is_written_with_all_that_a_client_wants():
    told = written(
        Reasoning("think", Opaque("encrypted", "e", "o")),
        Message("assistant", (Text("a"), Refusal("b"))),
        ToolCall("c1", "f", ""),
        ToolCall("c2", "g", "free", custom=True),
        finish=Finish.TOOL_CALLS,
    )
    thought, message, call, custom = told["output"]
    assert (told["id"], told["created_at"], told["status"]) == ("resp_2", 5, "completed")
    assert thought["summary"] == [{"type": "summary_text", "text": "think"}]
    assert unmarked(thought["encrypted_content"]) == Mark(Opaque("encrypted", "e", "o"))
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert (call["call_id"], call["arguments"], custom["input"]) == ("c1", "{}", "free")
    assert len({item["id"] for item in told["output"]}) == 4


def test_an_answer_that_was_cut_says_why_and_keeps_what_it_has():
    told = written(Message("assistant", (Text("a"),)), ToolCall("c", "f", '{"a'), finish=Finish.LENGTH)
    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert (told["output"][1]["arguments"], told["output"][1]["status"]) == ('{"a', "incomplete")


def test_what_is_said_of_the_whole_answer_stands_at_its_last_text():
    note = {"type": "url_citation", "url_citation": {"start_index": 2, "end_index": 3, "title": "", "url": "u"}}
    entry = {"token": "a", "logprob": 0.0, "bytes": [97], "top_logprobs": []}
    first, last = Message("assistant", (Text("ab"),)), Message("assistant", (Text("cd"),))
    told = written(first, ToolCall("c", "f", "{}"), last, annotations=(note,), logprobs={"content": [entry]})
    [part] = told["output"][2]["content"]
    assert (part["annotations"][0]["start_index"], part["logprobs"]) == (0, [entry])
    assert told["output"][0]["content"][0]["annotations"] == []


def test_signatures_are_items_of_their_own():
    blob = Opaque("signature", "s", "gemini|p|m|")
    told = written(Message("assistant", (Text("a", opaque=blob),)), ToolCall("c", "f", "{}", opaque=blob))
    assert [unmarked(item.get("encrypted_content")) for item in told["output"]] == [
        None,
        Mark(blob, "text"),
        Mark(blob, "call"),
        None,
    ]


def test_parts_of_other_dialects_stay_out_and_own_items_pass():
    own = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}}
    parts = (Foreign("gemini", "novel", {}), Foreign("openai-responses", "web_search_call", own), Text("a"))
    told = written(Message("assistant", parts))
    assert (told["output"][0], len(told["output"])) == (own, 2)


def test_a_thought_of_nothing_is_not_told():
    assert written(Reasoning(""))["output"] == []


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
@pytest.mark.parametrize("status", [None, "zzz"])
def test_an_answer_that_nobody_says_is_finished_was_cut(read, status, profile):
    with pytest.raises(Truncated):
        read(body(MESSAGE, status=status), profile)
