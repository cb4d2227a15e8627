"""What an answer says beside its content, and what of that no other dialect can say."""

import orjson
import pytest

from translators.anthropic_messages import parse_reply, reader
from translators.fold import fold
from translators.ir import Dialect, Event, Finish, Lost, Message, Refusal, Text, ToolCall
from translators.pipe import unsaid_of
from translators.report import Report

PAGE = {"type": "page_location", "cited_text": "t", "document_index": 0, "start_page_number": 1, "end_page_number": 2}
WEB = {"type": "web_search_result_location", "url": "https://x.test", "title": "X", "cited_text": "t"}


def whole(target, *content, **end):
    body = {"id": "m", "type": "message", "role": "assistant", "model": "l", "content": list(content), **end}
    return parse_reply(orjson.dumps(body), target())


def streamed(target, *content, **end):
    events = [{"type": "message_start", "message": {"id": "m", "model": "l"}}]
    for index, block in enumerate(content):
        cited = block.pop("citations", ()) if block["type"] == "text" else ()
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": "citations_delta", "citation": one}}
            for one in cited
        ]
        events.append({"type": "content_block_stop", "index": index})
    events += [{"type": "message_delta", "delta": end}, {"type": "message_stop"}]
    one = reader(target())
    return fold(delta for event in events for delta in one.feed(Event(orjson.dumps(event))))


def told(reply, dialect=Dialect.OPENAI_CHAT):
    report = Report()
    unsaid_of(reply, dialect, report)
    return report.header()


@pytest.mark.parametrize("read", [whole, streamed])
def test_a_stop_reason_of_tomorrow_is_a_plain_end_and_is_told(target, read):
    reply = read(target, {"type": "text", "text": "a"}, stop_reason="zzz_new")
    assert reply.choices[0].finish is Finish.STOP
    assert told(reply) == "approximated=answer.finish_reason"
    assert "zzz_new" in reply.lost[0].why


@pytest.mark.parametrize("read", [whole, streamed])
@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "max_tokens", "stop_sequence", "pause_turn", "refusal"])
def test_a_known_stop_reason_loses_nothing(target, read, reason):
    assert read(target, {"type": "text", "text": "a"}, stop_reason=reason).lost == ()


@pytest.mark.parametrize("read", [whole, streamed])
def test_a_citation_of_a_document_is_told_once_as_lost_and_one_of_the_web_is_kept(target, read):
    blocks = [{"type": "text", "text": one, "citations": [PAGE, WEB, PAGE]} for one in "ab"]
    reply = read(target, *blocks, stop_reason="end_turn")
    assert len(reply.choices[0].annotations) == 2
    assert told(reply) == "dropped=answer.citations"


@pytest.mark.parametrize("read", [whole, streamed])
def test_the_category_of_a_refusal_is_told_as_lost(target, read):
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    reply = read(target, {"type": "text", "text": "a"}, stop_reason="refusal", stop_details=details)
    assert reply.lost == (Lost("answer.stop_details.category", "the refusal's category was cyber"),)


@pytest.mark.parametrize("read", [whole, streamed])
def test_a_call_that_a_refusal_takes_back_is_told_as_lost(target, read):
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    reply = read(target, call, call, stop_reason="refusal")
    assert not any(isinstance(item, ToolCall) for item in reply.choices[0].items)
    assert told(reply) == "dropped=answer.tool_calls"


def test_a_refusal_behind_calls_is_the_same_streamed_and_whole(target):
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    blocks = [{"type": "text", "text": "I "}, call, {"type": "text", "text": "will."}]
    end = {"stop_reason": "refusal", "stop_details": details}
    reply = whole(target, *blocks, **end)
    assert streamed(target, *blocks, **end) == reply
    assert reply.choices[0].items == (Message("assistant", (Text("I will."), Refusal("Not this."))),)
    assert [lost.field for lost in reply.lost] == ["answer.tool_calls", "answer.stop_details.category"]
