"""Chunks as deltas, whatever the vendor."""

import orjson
import pytest

from translators.faults import Kind, ProtocolFault, Truncated
from translators.ir import (
    Annotated,
    Ended,
    Event,
    Failed,
    Finish,
    Foreign,
    Image,
    Kept,
    Lost,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)
from translators.openai_chat.reader import ChatReader
from translators.profile import Profile

PROFILE = Profile(provider="p", model="m")
ORIGIN = PROFILE.origin("openai-chat")
DONE = Event(b"[DONE]")


def read(*events, close=True):
    """The deltas after Started."""
    reader = ChatReader(PROFILE)
    deltas = [delta for event in events for delta in reader.feed(event)]
    if close:
        deltas += reader.close()
    assert isinstance(deltas[0], Started)
    return deltas[1:]


def failed(*events):
    [delta] = [one for one in read(*events, close=False) if isinstance(one, Failed)]
    return delta.fault


def test_a_plain_stream(chunk):
    events = [
        chunk({"role": "assistant", "content": "", "refusal": None}, usage=None),
        chunk({"content": "a"}),
        chunk({"content": "b", "refusal": None}),
        chunk({}, "stop"),
        Event(b'{"id":"a1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'),
        DONE,
    ]
    assert read(*events) == [TextDelta("a"), TextDelta("b"), Ended(Finish.STOP), Used(Usage(3, 2))]


def test_the_start_tells_id_model_and_tier_once(chunk):
    reader = ChatReader(PROFILE)
    azure = Event(b'{"id":"","model":"","object":"","created":0,"choices":[],"prompt_filter_results":[{}]}')
    assert reader.feed(azure) == []
    assert reader.feed(chunk({"content": "a"}, service_tier="flex"))[0] == Started("a1", "m-1", "flex")
    assert reader.feed(chunk({"content": "b"})) == [TextDelta("b")]


def test_refusals_annotations_and_probabilities(chunk):
    note = {"type": "url_citation", "url_citation": {}}
    likely = {"content": [{"token": "a"}], "refusal": None}
    first = orjson.loads(chunk({"role": "assistant", "content": ""}).data)
    first["choices"][0]["logprobs"] = {"content": [], "refusal": None}
    second = orjson.loads(chunk({"content": "a"}).data)
    second["choices"][0]["logprobs"] = likely
    events = [Event(orjson.dumps(first)), Event(orjson.dumps(second))]
    events += [
        chunk({"refusal": "no"}),
        chunk({"annotations": [note, {"type": "file"}, "odd"]}),
        chunk({}, "content_filter"),
    ]
    assert read(*events) == [
        TextDelta("a", logprobs=likely),
        RefusalDelta("no"),
        Lost("answer.annotations", "only citations of pages have a form elsewhere"),
        Annotated(note),
        Ended(Finish.CONTENT_FILTER),
    ]


def test_choices_are_kept_apart(chunk):
    events = [chunk({"content": "b"}, index=1), chunk({"content": "a"}), chunk({}, "stop"), chunk({}, "length", 1)]
    expected = [TextDelta("b", 1), TextDelta("a"), Ended(Finish.STOP), Ended(Finish.LENGTH, 1)]
    assert read(*events) == expected


# -- tool calls --------------------------------------------------------------------------------------------------


def call(index=None, own=None, name=None, arguments=None, **more):
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    made = {"function": function} | ({} if index is None else {"index": index}) | ({} if own is None else {"id": own})
    return {"tool_calls": [made | more]}


def both(*calls):
    return {"tool_calls": [one["tool_calls"][0] for one in calls]}


@pytest.mark.parametrize(
    "deltas",
    [
        [call(0, "i", "f", ""), call(0, arguments='{"a"'), call(0, arguments=":1}")],
        [call(0, "i", "f", '{"a":1}')],
        [call(None, "i", "f", '{"a":1}')],
        [call(0, "i", "f"), call(0, "", "", '{"a":1}')],
        [call(0, "i", "f", '{"a"'), call(0, "i", "f", ":1}")],
        [call(0, "i"), call(0, None, "f"), call(0, arguments='{"a":1}')],
        [call(None, "i", "f", ""), call(None, None, "", '{"a":1}')],
        [call(3, "i", "f", '{"a":1}')],
        [both(call(0, "i", "f", '{"a"'), call(0, arguments=":1}"))],
        [call(None, "i", "f", {"a": 1})],
    ],
)
def test_one_call_in_every_form_it_is_sent(chunk, deltas):
    found = read(*map(chunk, deltas), chunk({}, "tool_calls"))
    assert found[0] == ToolStart(0, "i", "f")
    assert "".join(one.text for one in found[1:-1]) == '{"a":1}'
    assert found[-1] == Ended(Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    "deltas",
    [
        [call(0, "i", "f", "{}"), call(1, "j", "g", "[]")],
        [both(call(None, "i", "f", "{}"), call(None, "j", "g", "[]"))],
        [call(0, "i", "f", "{}"), call(0, "j", "g", "[]")],
        [both(call(1, "i", "f"), call(2, "j", "g")), call(1, arguments="{}"), call(2, arguments="[]")],
    ],
)
def test_two_calls_get_dense_indexes(chunk, deltas):
    found = read(*map(chunk, deltas), chunk({}, "tool_calls"))
    assert [one for one in found if isinstance(one, ToolStart)] == [ToolStart(0, "i", "f"), ToolStart(1, "j", "g")]
    assert {one.index: one.text for one in found if isinstance(one, ToolArguments)} == {0: "{}", 1: "[]"}


def test_two_calls_of_one_id_are_told_with_an_id_each(chunk):
    events = [call(0, "i", "f", "{"), call(1, "i", "g", "["), call(0, "i", "f", "}"), call(1, "i", "g", "]")]
    found = read(*map(chunk, events), chunk({}, "tool_calls"))
    assert [one for one in found if isinstance(one, ToolStart)] == [ToolStart(0, "i", "f"), ToolStart(1, "i_2", "g")]
    assert [one.index for one in found if isinstance(one, ToolArguments)] == [0, 1, 0, 1]


def test_a_call_without_an_id_gets_one_that_no_other_answer_has(chunk):
    [first, second] = read(chunk(both(call(0, "", "f"), call(1, None, "f"))), close=False)
    assert (first.id, second.id) == ("call_a1_0_0", "call_a1_0_1")


def test_custom_calls_and_the_retired_function_call(chunk):
    custom = {"tool_calls": [{"index": 0, "id": "i", "type": "custom", "custom": {"name": "c", "input": ""}}]}
    more = {"tool_calls": [{"index": 0, "custom": {"input": "x"}}]}
    expected = [ToolStart(0, "i", "c", custom=True), ToolArguments(0, "x"), Ended(Finish.TOOL_CALLS)]
    assert read(chunk(custom), chunk(more), chunk({}, "stop")) == expected
    legacy = [chunk({"function_call": {"name": "f", "arguments": ""}}), chunk({"function_call": {"arguments": "{}"}})]
    found = read(*legacy, chunk({}, "function_call"))
    assert [type(one) for one in found] == [ToolStart, ToolArguments, Ended]
    assert found[-1] == Ended(Finish.TOOL_CALLS)


def test_arguments_before_a_name_are_a_fault(chunk):
    with pytest.raises(ProtocolFault, match="without a name"):
        read(chunk(call(0, "i", arguments="{}")))


# -- reasoning ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_text_ends_where_something_else_begins(chunk, field):
    found = read(chunk({field: "r"}), chunk({field: None, "content": "a"}), chunk({}, "stop"))
    assert found == [ReasoningDelta("r"), ReasoningEnd(), TextDelta("a"), Ended(Finish.STOP)]


def test_both_fields_at_once_are_one_text(chunk):
    assert read(chunk({"reasoning": "r", "reasoning_content": "r"}), close=False) == [ReasoningDelta("r")]


def test_details_bring_blobs_and_blocks(chunk):
    def detail(**fields):
        return chunk({"content": "", "reasoning": fields.get("text"), "reasoning_details": [fields]})

    found = read(
        detail(type="reasoning.text", text="a", index=0),
        detail(type="reasoning.text", text="b", signature="", index=0),
        detail(type="reasoning.text", signature="S", index=0),
        detail(type="reasoning.text", text="c", index=1),
        detail(type="reasoning.text", text="d", index=2),
        detail(type="reasoning.encrypted", data="D", index=2),
        chunk({"content": "t"}, "stop"),
    )
    assert found == [
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        ReasoningEnd(Opaque("signature", "S", ORIGIN)),
        ReasoningDelta("c"),
        ReasoningEnd(),
        ReasoningDelta("d"),
        ReasoningEnd(Opaque("encrypted", "D", ORIGIN)),
        TextDelta("t"),
        Ended(Finish.STOP),
    ]


def test_content_arrays_hold_thinking_and_text(chunk):
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "r"}], "signature": "S"}
    found = read(
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "q"}]}]}),
        chunk({"content": [thinking, {"type": "text", "text": "t"}, {"type": "reference"}, 3]}),
        chunk({"content": ""}, "stop"),
    )
    assert found == [
        ReasoningDelta("q"),
        ReasoningDelta("r"),
        ReasoningEnd(Opaque("signature", "S", ORIGIN)),
        TextDelta("t"),
        Lost("answer.reference", "a part of a kind that is not known"),
        Lost("answer.content", "a part of a kind that is not known"),
        Ended(Finish.STOP),
    ]


# -- usage, sound and silence ------------------------------------------------------------------------------------


def test_usage_comes_in_many_places(chunk):
    beside = chunk({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 2})
    groq = chunk({}, "stop", x_groq={"usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    assert read(beside) == read(groq) == [Ended(Finish.STOP), Used(Usage(1, 2))]


def test_an_extension_without_usage_says_nothing(chunk):
    assert read(chunk({"content": "a"}, x_groq={"id": "x"}), close=False) == [TextDelta("a")]


def test_thinking_without_text_or_blob_says_nothing(chunk):
    assert read(chunk({"content": [{"type": "thinking", "thinking": []}]}), close=False) == []


def test_sound_counts_as_content(chunk):
    lost, begun = read(chunk({"audio": {"id": "x", "data": "QQ"}}), close=False)
    assert (lost.field, begun) == ("answer.audio", TextDelta(""))
    assert read(chunk({"audio": {"transcript": "hm"}}), close=False) == [TextDelta("hm")]


def test_what_means_nothing_is_passed_over_and_told_by_its_name():
    reader = ChatReader(PROFILE)
    for event in (Event(b"{}", "ping"), Event(b""), Event(b'{"moderation":{}}')):
        assert not reader.feed(event)
    [lost] = reader.feed(Event(b'{"moderation":{}}', "moderation"))
    assert lost == Lost("answer.moderation", "an event that is not known")


def test_an_answer_without_its_first_choice_is_no_answer(chunk):
    with pytest.raises(ProtocolFault, match="no first choice"):
        read(chunk({"content": "a"}, "stop", 1))


def test_pictures_are_kept_and_shown_where_their_data_is_there(chunk):
    here = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}
    there = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
    first, second = read(chunk({"images": [here, there]}), close=False)
    assert first == Kept(Foreign("openai-chat", "images", here, Image(data="QQ==", media_type="image/png")))
    assert second == Kept(Foreign("openai-chat", "images", there))


def test_a_finish_reason_that_is_not_known_is_a_plain_end_and_told(chunk):
    lost, end = read(chunk({}, "zzz"))
    assert (lost.field, lost.guessed, end) == ("answer.finish_reason", True, Ended(Finish.STOP))


# -- ends --------------------------------------------------------------------------------------------------------


def test_a_missing_end_mark_is_fine_after_a_finish(chunk):
    assert read(chunk({"content": "a"}, "stop")) == [TextDelta("a"), Ended(Finish.STOP)]


@pytest.mark.parametrize(
    "events",
    [[], [DONE], ["text"], ["text", DONE], ["text", "other", "finish", DONE]],
)
def test_a_stream_without_a_finish_for_every_choice_is_truncated(chunk, events):
    made = {"text": chunk({"content": "a"}), "other": chunk({"content": "b"}, index=1), "finish": chunk({}, "stop")}
    reader = ChatReader(PROFILE)
    for event in events:
        reader.feed(made.get(event, event) if isinstance(event, str) else event)
    with pytest.raises(Truncated):
        reader.close()


def test_the_same_finish_again_is_a_repetition(chunk):
    """OpenRouter says it once more with the usage."""
    again = chunk({"content": "", "role": "assistant"}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 1})
    found = read(chunk({"content": "a"}), chunk({"content": ""}, "stop"), again, chunk({"content": ""}), DONE)
    assert found == [TextDelta("a"), Ended(Finish.STOP), Used(Usage(1, 1))]


@pytest.mark.parametrize("late", [({}, "length"), ({"content": "more"}, None), (call(0, "i", "f"), None)])
def test_another_finish_or_more_content_after_it_is_a_fault(chunk, late):
    with pytest.raises(ProtocolFault):
        read(chunk({"content": "a"}, "stop"), chunk(*late))


def test_a_trailing_choice_without_a_delta_is_fine(chunk):
    assert read(chunk({"content": "a"}, "stop"), chunk(), DONE) == [TextDelta("a"), Ended(Finish.STOP)]


def test_nothing_is_read_after_the_end_mark(chunk):
    assert read(chunk({"content": "a"}, "stop"), DONE, chunk({"content": "b"})) == [TextDelta("a"), Ended(Finish.STOP)]


# -- failures ----------------------------------------------------------------------------------------------------


def test_errors_are_found_wherever_they_are_put(chunk):
    error = {"message": "m", "code": "server_is_overloaded"}
    inside = Event(orjson.dumps({"id": "a1", "choices": [{"index": 0, "error": error, "delta": {}}]}))
    for event in (
        chunk({"content": ""}, error=error),
        Event(orjson.dumps({"error": error}), "error"),
        Event(orjson.dumps(error), "error"),
        chunk({}, x_groq={"error": error}),
        inside,
        chunk({}, "insufficient_system_resource"),
    ):
        assert failed(chunk({"content": "a"}), event).kind is Kind.OVERLOADED


@pytest.mark.parametrize("reason", ["error", "aborted"])
def test_a_finish_reason_can_be_a_failure(chunk, reason):
    assert failed(chunk({"content": "a"}), chunk({}, reason)).kind is Kind.SERVER


@pytest.mark.parametrize("data", [b"it broke", b"", b'"it broke"'])
def test_an_error_event_need_not_be_json(chunk, data):
    reader = ChatReader(PROFILE)
    deltas = reader.feed(Event(data, "error"))
    assert [delta.fault.kind for delta in deltas] == ([Kind.SERVER] if data else [])


def test_nothing_follows_a_failure_and_it_is_no_end(chunk):
    reader = ChatReader(PROFILE)
    reader.feed(chunk({"content": "a"}, "stop", error="broken"))
    assert reader.feed(chunk({"content": "b"}, "stop")) == ()
    with pytest.raises(Truncated):
        reader.close()


@pytest.mark.parametrize("index", [-1, 128, 10**6])
def test_an_impossible_choice_is_a_fault(chunk, index):
    with pytest.raises(ProtocolFault):
        read(chunk({"content": "a"}, index=index))


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b"<html>", b'{"choices":{}}', b'{"choices":[{"delta":[]}]}'])
def test_what_is_no_chunk_is_a_fault(data):
    with pytest.raises(ProtocolFault):
        ChatReader(PROFILE).feed(Event(data))
