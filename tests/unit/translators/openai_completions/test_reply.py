"""Whole completions, read and written."""

import orjson
import pytest

from translators.codec import Context
from translators.faults import Failure, Kind, ProtocolFault, Truncated
from translators.ir import Choice, Finish, Message, Reasoning, Refusal, Reply, Text, ToolCall, Usage
from translators.openai_completions import inspect_reply, parse_reply, render_reply
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
CONTEXT = Context(id="cmpl-1", created=5, model="m", include_usage=True)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def whole(logprobs=None, **changes) -> bytes:
    choice = {"text": "Hé!", "index": 0, "logprobs": logprobs, "finish_reason": "length"}
    body = {"id": "cmpl-9", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
    return orjson.dumps(body | {"usage": USAGE} | changes)


def test_a_whole_answer_is_read_and_written(chat_logprobs, legacy_logprobs):
    reply = parse_reply(whole(legacy_logprobs), PROFILE)
    message = Message("assistant", (Text("Hé!"),))
    assert reply == Reply(
        id="cmpl-9",
        model="m",
        choices=(Choice((message,), Finish.LENGTH, logprobs=chat_logprobs),),
        usage=Usage(3, 2),
    )
    written = orjson.loads(render_reply(reply, CONTEXT))
    assert written["choices"] == orjson.loads(whole(legacy_logprobs))["choices"]
    assert (written["id"], written["object"], written["created"], written["usage"]) == (
        "cmpl-1",
        "text_completion",
        5,
        USAGE,
    )


def test_a_glance_tells_what_a_relay_must_know():
    seen = inspect_reply(whole(), PROFILE)
    assert (seen.id, seen.model, seen.usage, seen.finish) == ("cmpl-9", "m", Usage(3, 2), Finish.LENGTH)


def test_thinking_and_calls_have_no_place_and_a_refusal_is_text():
    items = (Reasoning("Hm."), Message("assistant", (Text("No."), Refusal("Never."))), ToolCall("1", "f", "{}"))
    reply = Reply(id="x", model="m", choices=(Choice(items, Finish.TOOL_CALLS),))
    [choice] = orjson.loads(render_reply(reply, CONTEXT))["choices"]
    assert (choice["text"], choice["finish_reason"], choice["logprobs"]) == ("No.Never.", "stop", None)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"nonsense", whole(choices=[]), whole(choices=[{"index": 0}])])
def test_what_is_no_completion_is_a_protocol_fault(body):
    for read in (parse_reply, inspect_reply):
        with pytest.raises(ProtocolFault):
            read(body, PROFILE)


def test_an_error_dressed_as_an_answer_is_a_failure():
    body = orjson.dumps({"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}})
    for read in (parse_reply, inspect_reply):
        with pytest.raises(Failure) as failed:
            read(body, PROFILE)
        assert failed.value.fault.kind is Kind.THROTTLED


@pytest.mark.parametrize("read", [parse_reply, inspect_reply])
def test_an_answer_that_nobody_says_is_finished_was_cut(read):
    with pytest.raises(Truncated):
        read(whole(choices=[{"text": "a", "finish_reason": None}]), PROFILE)


def test_a_finish_reason_that_is_not_known_is_told():
    reply = parse_reply(whole(choices=[{"text": "a", "finish_reason": "zzz"}]), PROFILE)
    assert [(lost.field, lost.guessed) for lost in reply.lost] == [("answer.finish_reason", True)]
