"""Deltas as the events of a stream, accepted by OpenAI's own SDK."""

import json
from importlib import import_module

import httpx2
import openai
import orjson
import pytest
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from translators import openai_responses
from translators.codec import Context
from translators.faults import Fault, Kind, ProtocolFault
from translators.ir import (
    Annotated,
    Ended,
    Finish,
    Foreign,
    Image,
    Kept,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.openai_responses.marks import Mark, unmarked

MODELS = TypeAdapter(ResponseStreamEvent)
BLOB = Opaque("signature", "sig", "anthropic-messages|q|n|")
EVERYTHING = [
    Started("x", "m"),
    ReasoningDelta("think"),
    ReasoningEnd(BLOB),
    TextDelta("Hel"),
    TextDelta("lo"),
    RefusalDelta("no"),
    ToolStart(0, "c1", "f"),
    ToolStart(1, "c2", "g", custom=True),
    ToolArguments(1, "free"),
    ToolArguments(0, '{"a":1}'),
    Used(Usage(5, 7, cached=1)),
    Ended(Finish.TOOL_CALLS),
]


def kinds(wires):
    return [wire["type"].removeprefix("response.") for wire in wires]


def items(wires):
    return wires[-1]["response"]["output"]


def test_the_whole_ladder_is_climbed_in_order(write):
    wires = write(*EVERYTHING)
    assert kinds(wires) == [
        *("created", "in_progress"),
        *("output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done"),
        *("content_part.done", "content_part.added", "refusal.delta", "refusal.done", "content_part.done"),
        *("output_item.done", "output_item.added", "output_item.added", "custom_tool_call_input.delta"),
        *("function_call_arguments.delta", "function_call_arguments.done", "output_item.done"),
        *("custom_tool_call_input.done", "output_item.done", "completed"),
    ]
    assert [wire["sequence_number"] for wire in wires] == list(range(len(wires)))
    added = [wire["output_index"] for wire in wires if wire["type"] == "response.output_item.added"]
    assert added == [0, 1, 2, 3]


def test_the_sdks_models_and_its_helper_take_every_event(write):
    state = ResponseStreamState(input_tools=openai.omit, text_format=openai.omit)
    for wire in write(*EVERYTHING):
        last = state.handle_event(MODELS.validate_python(wire))
    response = last[0].response
    assert response.output_text == "Hello"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call", "custom_tool_call"]
    assert (response.output[2].arguments, response.output[3].input) == ('{"a":1}', "free")
    assert (response.usage.total_tokens, response.usage.input_tokens_details.cached_tokens) == (12, 1)


def test_what_is_done_is_what_the_whole_answer_holds(write):
    wires = write(*EVERYTHING)
    assert [wire["item"] for wire in wires if wire["type"] == "response.output_item.done"] == items(wires)


def test_an_answer_that_says_nothing_is_an_empty_one(write):
    wires = write(Started("x", "m"), Ended(Finish.STOP))
    assert kinds(wires) == ["created", "in_progress", "completed"]
    assert items(wires) == []
    assert kinds(write()) == kinds(wires)


@pytest.mark.parametrize(
    ("finish", "reason"), [(Finish.LENGTH, "max_output_tokens"), (Finish.CONTENT_FILTER, "content_filter")]
)
def test_an_answer_that_was_cut_is_incomplete_and_so_is_its_last_item(write, finish, reason):
    wires = write(TextDelta("a"), Ended(finish))
    response = wires[-1]["response"]
    assert (kinds(wires)[-1], response["status"]) == ("incomplete", "incomplete")
    assert response["incomplete_details"] == {"reason": reason}
    assert response["output"][0]["status"] == "incomplete"


def test_a_call_without_arguments_gets_an_empty_object_unless_it_was_cut(write):
    assert items(write(ToolStart(0, "c", "f"), Ended(Finish.TOOL_CALLS)))[0]["arguments"] == "{}"
    assert items(write(ToolStart(0, "c", "f"), Ended(Finish.LENGTH)))[0]["arguments"] == ""
    assert items(write(ToolStart(0, "c", "f", custom=True), Ended(Finish.TOOL_CALLS)))[0]["input"] == ""


def test_text_after_a_call_is_a_message_of_its_own(write):
    wires = write(TextDelta("a"), ToolStart(0, "c", "f"), TextDelta("b"), Ended(Finish.TOOL_CALLS))
    assert [item["type"] for item in items(wires)] == ["message", "function_call", "message"]


def test_a_blob_bears_its_makers_mark(write):
    [thought] = items(write(ReasoningEnd(BLOB), Ended(Finish.STOP)))
    assert (thought["summary"], unmarked(thought["encrypted_content"])) == ([], Mark(BLOB))


def test_a_signature_is_an_item_before_its_call_or_behind_its_text(write):
    wires = write(TextDelta("a"), TextSigned(BLOB), ToolStart(0, "c", "f", opaque=BLOB), Ended(Finish.TOOL_CALLS))
    message, behind, before, call = items(wires)
    assert (message["type"], call["type"]) == ("message", "function_call")
    assert unmarked(behind["encrypted_content"]) == Mark(BLOB, "text")
    assert unmarked(before["encrypted_content"]) == Mark(BLOB, "call")


def test_a_citation_counts_from_its_own_part(write):
    note = {"type": "url_citation", "url_citation": {"start_index": 3, "end_index": 4, "title": "t", "url": "u"}}
    deltas = [TextDelta("ab"), ToolStart(0, "c", "f"), TextDelta("cd"), Annotated(note)]
    wires = write(*deltas, Ended(Finish.TOOL_CALLS))
    added = next(wire for wire in wires if wire["type"] == "response.output_text.annotation.added")
    own = {"type": "url_citation", "start_index": 1, "end_index": 2, "title": "t", "url": "u"}
    assert (added["annotation"], added["annotation_index"]) == (own, 0)
    assert items(wires)[2]["content"][0]["annotations"] == [own]


def test_a_citation_that_comes_late_shows_in_the_whole_answer(write):
    note = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}}
    wires = write(TextDelta("ab"), ToolStart(0, "c", "f"), Annotated(note), Ended(Finish.TOOL_CALLS))
    assert "output_text.annotation.added" not in kinds(wires)
    assert len(items(wires)[0]["content"][0]["annotations"]) == 1


def test_probabilities_come_with_the_delta_and_with_the_part(write):
    entry = {"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    wires = write(TextDelta("a", 0, {"content": [entry]}), TextDelta("b"), Ended(Finish.STOP))
    deltas = [wire["logprobs"] for wire in wires if wire["type"] == "response.output_text.delta"]
    assert deltas == [[entry], []]
    assert items(wires)[0]["content"][0]["logprobs"] == [entry]


def test_an_item_of_this_dialects_own_passes_whole(write):
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    ours, theirs = Foreign("openai-responses", "web_search_call", search), Foreign("gemini", "novel", {})
    wires = write(Kept(ours), Kept(theirs), Ended(Finish.STOP))
    assert items(wires) == [search]


def test_another_choice_is_not_said(write):
    assert items(write(TextDelta("a"), TextDelta("b", 1), Ended(Finish.STOP)))[0]["content"][0]["text"] == "a"


def test_what_the_client_asked_is_echoed(write, context):
    echo = {"instructions": "be brief", "temperature": 0.5, "tools": [{"type": "function", "name": "f"}]}
    asked = Context(id=context.id, created=5, model="m-1", echo=echo)
    for wire in (write(using=asked)[0], write(using=asked)[-1]):
        response = wire["response"]
        assert (response["instructions"], response["temperature"]) == ("be brief", 0.5)
        assert response["tools"] == [
            {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}
        ]


def test_what_counts_as_shown(context):
    shows = openai_responses.writer(context).shows
    assert shows(ReasoningDelta("a"))
    assert shows(TextDelta("a"))
    assert not shows(Kept(Foreign("gemini", "novel", {})))
    assert not shows(Used(Usage(1, 1)))


def test_half_a_surrogate_pair_is_escaped(context):
    data = openai_responses.writer(context).feed(TextDelta("\ud83d"))
    assert json.loads(data.strip().rsplit(b"data: ", 1)[1])["delta"] == "\ud83d"


def test_an_endless_answer_is_a_fault(context, monkeypatch):
    monkeypatch.setattr(import_module("translators.openai_responses.writer"), "HELD_CAP", 10)
    writer = openai_responses.writer(context)
    writer.feed(TextDelta("x" * 10))
    with pytest.raises(ProtocolFault, match="longer than 10"):
        writer.feed(TextDelta("x"))


def test_and_so_is_one_of_endless_pictures(context, monkeypatch):
    monkeypatch.setattr(import_module("translators.openai_responses.writer"), "HELD_CAP", 10)
    drawn = Kept(Foreign("gemini", "inlineData", {}, Image(data="x" * 6, media_type="image/png")))
    writer = openai_responses.writer(context)
    writer.feed(drawn)
    with pytest.raises(ProtocolFault, match="longer than 10"):
        writer.feed(drawn)


# -- failures ----------------------------------------------------------------------------------------------------


def streamed(data):
    """What OpenAI's SDK makes of these bytes."""
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)
    )
    client = openai.OpenAI(api_key="k", base_url="http://x.test", http_client=httpx2.Client(transport=transport))
    with client, client.responses.create(model="m", input="x", stream=True) as stream:
        yield from stream


def test_a_failure_raises_in_the_sdk_and_names_the_failed_response(context):
    writer = openai_responses.writer(context)
    data = writer.feed(TextDelta("a")) + writer.fault(Fault(kind=Kind.SERVER, message="it broke"))
    with pytest.raises(openai.APIError, match="it broke"):
        list(streamed(data))
    failed = orjson.loads(data.strip().rsplit(b"data: ", 1)[1])
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert failed["response"]["error"] == {"code": "server_error", "message": "it broke"}
    MODELS.validate_python(failed)


def test_a_failure_before_the_first_event_is_an_error_alone(context):
    data = openai_responses.writer(context).fault(Fault(kind=Kind.SERVER, message="it broke"))
    assert data.count(b"event: ") == 1


def test_an_event_beside_the_answer_disturbs_no_client(context):
    writer = openai_responses.writer(context)
    data = writer.feed(TextDelta("a")) + writer.feed(Ended(Finish.STOP))
    data += openai_responses.aside({"target": "x"}, context) + writer.close()
    assert [event.type for event in streamed(data)][-2:] == ["sidestep", "response.completed"]
