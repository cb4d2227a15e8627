"""Deltas as chunks of a completion stream."""

import orjson

from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import Ended, Finish, ReasoningDelta, RefusalDelta, Started, TextDelta, ToolStart, Usage, Used
from translators.openai_completions import aside, writer
from translators.sse import EventSplitter

CONTEXT = Context(id="cmpl-1", created=5, model="m", include_usage=True)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def written(*deltas, **context):
    writing = writer(Context(id="cmpl-1", created=5, model="m", **context))
    out = b"".join(map(writing.feed, deltas)) + writing.close()
    return [event.data for event in EventSplitter().feed(out)]


def test_deltas_become_a_stream_with_usage_where_it_was_asked_for(chat_logprobs, legacy_logprobs):
    deltas = (Started("x", "y"), TextDelta("Hi", logprobs=chat_logprobs), Ended(Finish.STOP), Used(Usage(3, 2)))
    *chunks, end = written(*deltas, include_usage=True)
    first, last, usage = map(orjson.loads, chunks)
    assert first == {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "choices": [{"text": "Hi", "index": 0, "logprobs": legacy_logprobs, "finish_reason": None}],
        "usage": None,
    }
    assert last["choices"] == [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    assert (usage["choices"], usage["usage"], end) == ([], USAGE, b"[DONE]")
    assert all(b"usage" not in data for data in written(*deltas))


def test_offsets_go_on_through_a_stream(chat_logprobs):
    one, two, *_ = map(
        orjson.loads, written(TextDelta("Hé!", logprobs=chat_logprobs), TextDelta("Hé!", 0, chat_logprobs))[:2]
    )
    assert one["choices"][0]["logprobs"]["text_offset"] == [0, 2]
    assert two["choices"][0]["logprobs"]["text_offset"] == [3, 5]


def test_the_proxys_own_facts_are_a_chunk_without_choices():
    told = orjson.loads(aside({"provider": "p"}, CONTEXT)[6:])
    assert (told["choices"], told["sidestep"], told["object"]) == ([], {"provider": "p"}, "text_completion")


def test_only_text_and_its_end_are_shown():
    writing = writer(CONTEXT)
    assert writing.feed(ReasoningDelta("Hm.")) == writing.feed(ToolStart(0, "1", "f")) == b""
    assert not writing.shows(ReasoningDelta("Hm.")) and not writing.shows(ToolStart(0, "1", "f"))
    assert writing.shows(RefusalDelta("No.")) and writing.shows(TextDelta("a")) and writing.shows(Ended(Finish.STOP))


def test_a_broken_stream_ends_in_an_error_event():
    fault = Fault(kind=Kind.PROTOCOL, message="It broke.", code="stream_cut")
    assert orjson.loads(writer(CONTEXT).fault(fault)[6:])["error"]["code"] == "stream_cut"
