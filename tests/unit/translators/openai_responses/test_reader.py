"""Events of a stream as deltas."""

import pytest

from translators import openai_responses
from translators.faults import Kind, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import (
    Annotated,
    Ended,
    Event,
    Failed,
    Finish,
    Message,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)


def item(kind, index=0, done=False, **fields):
    name = "done" if done else "added"
    return f"response.output_item.{name}", {"output_index": index, "item": {"type": kind, "id": "x_1", **fields}}


def test_an_answers_life_is_told_once(read, event, ending):
    life = {"id": "resp_1", "model": "m-1", "status": "in_progress", "service_tier": "default"}
    usage = {"input_tokens": 3, "output_tokens": 2}
    deltas = read(
        event("response.created", response=life), event("response.in_progress", response=life), ending(usage=usage)
    )
    assert deltas == [Started("resp_1", "m-1", "default"), Used(Usage(3, 2)), Ended(Finish.STOP)]


def test_text_comes_as_it_is_said_and_empty_deltas_say_nothing(read, event):
    name, fields = item("message")
    deltas = read(
        event(name, **fields),
        event("response.content_part.added", output_index=0, content_index=0, part={"type": "output_text"}),
        event("response.output_text.delta", output_index=0, content_index=0, delta="a", logprobs=[]),
        event("response.output_text.delta", output_index=0, content_index=0, delta=""),
        event("response.output_text.done", output_index=0, content_index=0, text="ab"),
    )
    assert deltas == [TextDelta("a"), TextDelta("b")]


def test_probabilities_come_with_their_text(read, event):
    entries = [{"token": "a", "logprob": -0.5}]
    [delta] = read(event("response.output_text.delta", output_index=0, content_index=0, delta="a", logprobs=entries))
    assert delta.logprobs == {"content": entries, "refusal": None}


def test_preamble_and_answer_are_one_choice_with_the_preamble_as_reasoning(read, event, ending):
    """What is said on the way to a call is not the answer."""
    events = []
    for index, phase in enumerate(["commentary", "final_answer"]):
        name, fields = item("message", index, phase=phase)
        events.append(event(name, **fields))
        events.append(event("response.output_text.delta", output_index=index, content_index=0, delta=phase))
        name, fields = item("message", index, done=True, phase=phase, content=[{"type": "output_text", "text": phase}])
        events.append(event(name, **fields))
    deltas = read(*events, ending())
    assert deltas[:3] == [ReasoningDelta("commentary"), ReasoningEnd(), TextDelta("final_answer")]
    assert fold(deltas).choices[0].items[1:] == (Message("assistant", (Text("final_answer"),)),)


def test_a_refusal_is_told_as_one(read, event):
    where = {"output_index": 0, "content_index": 0}
    deltas = read(
        event("response.refusal.delta", delta="I ", **where), event("response.refusal.done", refusal="I won't", **where)
    )
    assert deltas == [RefusalDelta("I "), RefusalDelta("won't")]


def test_a_citation_is_told_in_the_neutral_form(read, event):
    note = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "t", "url": "https://x.test"}
    deltas = read(
        event("response.output_text.delta", output_index=0, content_index=0, delta="abc"),
        event("response.output_text.annotation.added", output_index=0, content_index=0, annotation=note),
    )
    cited = {"start_index": 0, "end_index": 1, "title": "t", "url": "https://x.test"}
    assert deltas[1] == Annotated({"type": "url_citation", "url_citation": cited})


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call"])
def test_arguments_in_deltas_and_arguments_only_when_done_come_to_the_same(read, event, ending, kind):
    field, stream = {
        "function_call": ("arguments", "response.function_call_arguments"),
        "custom_tool_call": ("input", "response.custom_tool_call_input"),
    }[kind]
    name, fields = item(kind, call_id="c1", name="f", **{field: ""})
    added = event(name, **fields)
    name, fields = item(kind, done=True, call_id="c1", name="f", **{field: '{"a":1}'})
    done = event(name, **fields)
    delta = event(f"{stream}.delta", output_index=0, delta='{"a"')
    told = event(f"{stream}.done", output_index=0, **{field: '{"a":1}'})
    streams = [(added, delta, told, done), (added, told, done), (added, done), (done,), (added, delta, done)]
    for events in streams:
        reply = fold(read(*events, ending()))
        assert reply.choices[0].items == (ToolCall("c1", "f", '{"a":1}', custom=kind == "custom_tool_call"),)
        assert reply.choices[0].finish is Finish.TOOL_CALLS


def test_parallel_calls_have_dense_indexes_and_may_take_turns(read, event):
    events = []
    for index, call_id in ((1, "a"), (3, "b")):
        name, fields = item("function_call", index, call_id=call_id, name="f")
        events.append(event(name, **fields))
    for index in (3, 1):
        events.append(event("response.function_call_arguments.delta", output_index=index, delta="{}"))
    assert read(*events) == [
        ToolStart(0, "a", "f"),
        ToolStart(1, "b", "f"),
        ToolArguments(1, "{}"),
        ToolArguments(0, "{}"),
    ]


def test_a_thoughts_blob_is_the_one_of_its_end(read, event, origin):
    """The one that comes with its beginning may be incomplete."""
    name, fields = item("reasoning", encrypted_content="early")
    first = event(name, **fields)
    summary = {"output_index": 0, "summary_index": 0}
    name, fields = item(
        "reasoning", done=True, summary=[{"type": "summary_text", "text": "t"}], encrypted_content="late"
    )
    deltas = read(
        first,
        event("response.reasoning_summary_part.added", **summary),
        event("response.reasoning_summary_text.delta", delta="t", **summary),
        event("response.reasoning_summary_text.done", text="t", **summary),
        event(name, **fields),
    )
    assert deltas == [ReasoningDelta("t"), ReasoningEnd(Opaque("encrypted", "late", origin))]


def test_parts_of_a_summary_are_paragraphs_and_raw_reasoning_is_reasoning(read, event):
    deltas = read(
        event("response.reasoning_text.delta", output_index=0, content_index=0, delta="a"),
        event("response.reasoning_summary_text.delta", output_index=0, summary_index=0, delta="b"),
        event("response.reasoning_summary_text.delta", output_index=0, summary_index=1, delta="c"),
    )
    assert "".join(delta.text for delta in deltas) == "a\n\nb\n\nc"


def test_a_thought_of_nothing_says_nothing(read, event):
    name, fields = item("reasoning", done=True, summary=[])
    assert read(event(name, **fields)) == []


def test_a_blob_without_words_survives(read, event, origin):
    name, fields = item("reasoning", done=True, summary=[], encrypted_content="gAAA")
    assert read(event(name, **fields)) == [ReasoningEnd(Opaque("encrypted", "gAAA", origin))]


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", Finish.LENGTH), ("content_filter", Finish.CONTENT_FILTER)]
)
def test_an_incomplete_answer_says_why(read, ending, reason, finish):
    assert read(ending("incomplete", incomplete_details={"reason": reason}))[-1] == Ended(finish)


def test_an_answer_told_only_at_the_end_is_told_then(read, ending):
    output = [{"type": "message", "content": [{"type": "output_text", "text": "late"}]}]
    assert TextDelta("late") in read(ending(output=output))


# -- failures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "rate_limit_exceeded", "message": "slow", "param": None},
        {"error": {"code": "rate_limit_exceeded", "message": "slow"}},
    ],
)
def test_an_error_event_fails_the_answer_flat_or_nested(read, event, fields):
    [failed] = read(event("error", **fields))
    assert (type(failed), failed.fault.kind) == (Failed, Kind.THROTTLED)


def test_a_failed_answer_fails_once(read, event, ending):
    error = {"code": "server_error", "message": "it broke"}
    deltas = read(event("error", error=error), ending("failed", error=error))
    assert [type(delta) for delta in deltas] == [Failed]
    [started, failed] = read(ending("failed", error=error))
    assert (started, failed.fault.kind) == (Started("resp_1", "m-1"), Kind.SERVER)


def test_what_a_failed_answer_says_of_its_counts_comes_before_its_failure(read, ending):
    deltas = read(ending("failed", usage={"input_tokens": 7, "output_tokens": 8}))
    assert [type(delta) for delta in deltas] == [Started, Used, Failed]


def test_a_cancelled_answer_is_no_answer(read, ending):
    assert isinstance(read(ending("cancelled"))[-1], Failed)


def test_what_comes_after_the_end_is_ignored(profile, event, ending):
    reader = openai_responses.reader(profile)
    reader.feed(ending())
    assert reader.done
    assert reader.feed(event("response.output_text.delta", output_index=0, content_index=0, delta="x")) == ()
    assert reader.feed(Event(b"[DONE]")) == ()
    assert reader.quiet
    assert reader.close() == ()


def test_a_stream_without_its_last_event_is_truncated(profile, event):
    reader = openai_responses.reader(profile)
    reader.feed(event("response.output_text.delta", output_index=0, content_index=0, delta="x"))
    with pytest.raises(Truncated):
        reader.close()


def test_events_of_tomorrow_are_passed_over_and_told_by_their_name(profile, event):
    reader = openai_responses.reader(profile)
    [novel] = reader.feed(event("response.novel.delta", delta={"x": 1}, item=[1], output_index="a"))
    [empty] = reader.feed(event("response.output_item.added", item=None, output_index=0))
    assert (novel.field, empty.field) == ("answer.response.novel.delta", "answer.item")


@pytest.mark.parametrize("kind", ["response.content_part.added", "response.web_search_call.searching", "keepalive"])
def test_events_that_say_nothing_of_their_own_are_no_loss(read, event, kind):
    assert read(event(kind, output_index=0)) == []


@pytest.mark.parametrize("details", [None, {}, {"reason": "zzz"}, {"reason": 3}])
def test_an_incomplete_answer_without_a_known_reason_is_told(read, ending, details):
    *_, lost, end = read(ending("incomplete", incomplete_details=details))
    assert (lost.field, lost.guessed, end) == ("answer.finish_reason", True, Ended(Finish.LENGTH))


def test_an_event_is_known_by_its_name_where_it_says_no_type(read):
    data = b'{"output_index":0,"content_index":0,"delta":"x"}'
    assert read(Event(data, "response.output_text.delta")) == [TextDelta("x")]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b'{"type":3}',
        b'{"type":"response.completed"}',
        b'{"type":"response.output_text.delta","output_index":0,"delta":3}',
        b'{"type":"response.output_text.delta","output_index":-1,"delta":"x"}',
    ],
)
def test_what_is_no_event_is_a_fault(read, data):
    with pytest.raises(ProtocolFault):
        read(Event(data))
