"""Anthropic's event stream, read."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.anthropic_messages import parse_reply, reader
from translators.faults import Kind, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import (
    Annotated,
    Dialect,
    Ended,
    Event,
    Failed,
    Finish,
    Foreign,
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
from translators.profile import Profile

ORIGIN = "anthropic-messages|anthropic|claude-test|"
START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-test", "usage": {"input_tokens": 9}}}
STOP = {"type": "message_stop"}


def event(value):
    return Event(orjson.dumps(value), value.get("type", ""))


def opened(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def filled(index, kind, **delta):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def shut(index):
    return {"type": "content_block_stop", "index": index}


def ended(reason="end_turn", usage=None, **delta):
    return {"type": "message_delta", "delta": {"stop_reason": reason, **delta}, "usage": usage or {"output_tokens": 7}}


def said(index, text):
    return [opened(index, type="text", text=""), filled(index, "text_delta", text=text), shut(index)]


@pytest.fixture
def run(target):
    """Deltas of the events, without Started and Used."""

    def read(*events, close=True, **profile):
        one = reader(target(**profile))
        deltas = [delta for value in events for delta in one.feed(event(value))]
        if close:
            deltas += one.close()
        return [delta for delta in deltas if not isinstance(delta, Started | Used)]

    return read


def test_an_answer_starts_says_and_ends(target):
    one = reader(target())
    deltas = [delta for value in (START, *said(0, "Hi"), ended(), STOP) for delta in one.feed(event(value))]
    assert deltas == [
        Started("msg_1", "claude-test"),
        Used(Usage(9, 0)),
        TextDelta("Hi"),
        Used(Usage(9, 7)),
        Ended(Finish.STOP),
    ]
    assert one.close() == ()


def test_counts_are_cumulative_and_the_last_one_said_wins(target):
    one = reader(target())
    start = {"input_tokens": 9, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2, "output_tokens": 1}
    one.feed(event({"type": "message_start", "message": {"usage": start}}))
    last = {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 30, "output_tokens_details": None}
    used = one.feed(event(ended(usage=last)))[-1]
    assert used == Used(Usage(input=11, output=30, cached=0, cache_write=2))


def test_the_end_is_told_only_at_the_message_stop(run):
    assert run(START, *said(0, "a"), ended(), close=False) == [TextDelta("a")]


@pytest.mark.parametrize(
    "events",
    [
        [],
        [START],
        [START, *said(0, "a")],
        [START, *said(0, "a"), ended()],
        [START, *said(0, "a"), STOP],
        [START, *said(0, "a"), ended(None), STOP],
    ],
)
def test_an_answer_without_its_stop_reason_and_stop_is_truncated(run, events):
    with pytest.raises(Truncated):
        run(*events)


def test_parallel_calls_count_from_zero_whatever_their_block_index(run):
    assert run(
        START,
        *said(0, "a"),
        opened(1, type="tool_use", id="t1", name="f", input={}),
        filled(1, "input_json_delta", partial_json=""),
        filled(1, "input_json_delta", partial_json='{"a"'),
        filled(1, "input_json_delta", partial_json=":1}"),
        shut(1),
        opened(3, type="tool_use", id="t2", name="g", input={}),
        shut(3),
        ended("tool_use"),
        STOP,
    ) == [
        TextDelta("a"),
        ToolStart(0, "t1", "f"),
        ToolArguments(0, '{"a"'),
        ToolArguments(0, ":1}"),
        ToolStart(1, "t2", "g"),
        ToolArguments(1, "{}"),
        Ended(Finish.TOOL_CALLS),
    ]


def test_arguments_that_came_with_the_blocks_start_arrive(run):
    deltas = run(START, opened(0, type="tool_use", id="t", name="f", input={"a": 1}), shut(0), ended("tool_use"), STOP)
    assert deltas[1] == ToolArguments(0, '{"a":1}')


def test_cut_arguments_stay_cut_and_finish_with_length(run):
    cut = filled(0, "input_json_delta", partial_json='{"a": "b')
    deltas = run(START, opened(0, type="tool_use", id="t", name="f", input={}), cut, shut(0), ended("max_tokens"), STOP)
    assert deltas[1:] == [ToolArguments(0, '{"a": "b'), Ended(Finish.LENGTH)]


def test_a_free_text_call_is_held_until_it_can_be_unwrapped(run):
    deltas = run(
        START,
        opened(0, type="tool_use", id="t", name="run", input={}),
        filled(0, "input_json_delta", partial_json='{"inp'),
        filled(0, "input_json_delta", partial_json='ut":"x = 1"}'),
        shut(0),
        ended("tool_use"),
        STOP,
        custom_tools=frozenset({"run"}),
    )
    assert deltas[:2] == [ToolStart(0, "t", "run", custom=True), ToolArguments(0, "x = 1")]


def test_thinking_keeps_each_signature_with_its_own_block(run):
    assert run(
        START,
        opened(0, type="thinking", thinking="", signature=""),
        filled(0, "thinking_delta", thinking="Hm."),
        filled(0, "signature_delta", signature="s1"),
        shut(0),
        opened(1, type="thinking", thinking="", signature=""),
        filled(1, "signature_delta", signature="s2"),
        shut(1),
        opened(2, type="redacted_thinking", data="d"),
        shut(2),
        opened(3, type="thinking", thinking="No name."),
        shut(3),
        ended(),
        STOP,
    ) == [
        ReasoningDelta("Hm."),
        ReasoningEnd(Opaque("signature", "s1", ORIGIN)),
        ReasoningEnd(Opaque("signature", "s2", ORIGIN)),
        ReasoningEnd(Opaque("redacted", "d", ORIGIN)),
        ReasoningDelta("No name."),
        ReasoningEnd(),
        Ended(Finish.STOP),
    ]


def test_citations_are_told_at_their_blocks_end_with_character_offsets(run):
    found = {"type": "web_search_result_location", "url": "https://example.org", "title": None}
    deltas = run(
        START,
        *said(0, "Größe: "),
        opened(1, type="text", text="", citations=[]),
        filled(1, "citations_delta", citation=found),
        filled(1, "text_delta", text="30 m"),
        shut(1),
        ended(),
        STOP,
    )
    place = {"start_index": 7, "end_index": 11, "title": "", "url": "https://example.org"}
    assert deltas[2] == Annotated({"type": "url_citation", "url_citation": place})


def test_blocks_of_the_vendors_own_tools_are_no_tool_calls_and_are_kept_whole(target):
    one = reader(target())
    events = [
        START,
        opened(0, type="server_tool_use", id="s", name="web_search", input={}),
        filled(0, "input_json_delta", partial_json='{"q":1}'),
        shut(0),
        opened(1, type="web_search_tool_result", tool_use_id="s", content=[{"type": "web_search_result"}]),
        shut(1),
    ]
    deltas = [delta for value in events for delta in one.feed(event(value))]
    asked = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]}
    assert [type(delta) for delta in deltas[:2]] == [Started, Used]
    assert deltas[2:] == [Kept(Foreign(Dialect.ANTHROPIC_MESSAGES, block["type"], block)) for block in (asked, found)]


@pytest.mark.parametrize(
    "filling",
    [filled(0, "novel_delta", novel=1), filled(0, "input_json_delta", partial_json='{"half')],
)
def test_a_block_that_is_not_known_whole_is_told_as_lost_and_not_kept(target, filling):
    one = reader(target())
    deltas = [d for value in (START, opened(0, type="novel"), filling, shut(0)) for d in one.feed(event(value))]
    assert not any(isinstance(delta, Kept) for delta in deltas)
    assert len([delta for delta in deltas if isinstance(delta, Lost)]) == 1


def test_a_refusal_is_told_before_the_end(run):
    deltas = run(START, *said(0, "I"), ended("refusal", stop_details={"explanation": "Not this."}), STOP)
    assert deltas[1:] == [RefusalDelta("Not this."), Ended(Finish.CONTENT_FILTER)]
    assert run(START, ended("refusal"), STOP)[0].text


def test_a_stop_sequence_is_told(run):
    assert run(START, ended("stop_sequence", stop_sequence="E"), STOP) == [Ended(Finish.STOP, stop_sequence="E")]


@pytest.mark.parametrize(
    ("named", "kind"),
    [("overloaded_error", Kind.OVERLOADED), ("rate_limit_error", Kind.THROTTLED), ("api_error", Kind.SERVER)],
)
def test_an_error_event_fails_the_answer_and_ends_it(target, named, kind):
    one = reader(target())
    one.feed(event(START))
    [failed] = one.feed(event({"type": "error", "error": {"type": named, "message": "secret detail"}}))
    assert isinstance(failed, Failed)
    assert failed.fault.kind is kind
    assert "secret" not in failed.fault.message
    assert one.feed(event(STOP)) == ()
    assert one.close() == ()


def test_pings_relays_and_tomorrows_events_disturb_nothing(target):
    one = reader(target())
    noise = [
        Event(b'{"type":"ping"}', "ping"),
        Event(b"[DONE]"),
        Event(b'{"type":"event_of_tomorrow","delta":[1],"index":"x"}'),
        Event(b'{"type":"content_block_delta","index":0,"delta":{"type":"delta_of_tomorrow"}}'),
        event(START),
    ]
    deltas = []
    for value in (START, *said(0, "a")[:2]):
        deltas += one.feed(event(value))
    for value in noise:
        deltas += [d for d in one.feed(value) if not isinstance(d, Used)]
    for value in (shut(0), ended(), STOP):
        deltas += one.feed(event(value))
    one.feed(Event(b"[DONE]"))
    assert [delta for delta in deltas if isinstance(delta, TextDelta | Ended)] == [TextDelta("a"), Ended(Finish.STOP)]
    assert [d.field for d in deltas if isinstance(d, Lost)] == ["answer.event_of_tomorrow", "answer.delta_of_tomorrow"]


def test_a_block_left_open_is_closed_by_what_comes_next(run):
    deltas = run(START, opened(0, type="tool_use", id="t", name="f", input={}), opened(0, type="text"), ended(), STOP)
    assert deltas[1] == ToolArguments(0, "{}")


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b'{"type":"message_start"}',
        b'{"type":"message_start","message":3}',
        b'{"type":"content_block_start","index":0}',
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}',
        b'{"type":"content_block_delta","index":"0"}',
        b"[]",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_an_event_is_one_protocol_fault(target, data):
    with pytest.raises(ProtocolFault):
        reader(target()).feed(Event(data))


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "text", "tool_use", "thinking", "error"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "text", "index", "input", "usage", "citations", "id"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
                "error",
                "x",
            ]
        )
        | junk
    },
    optional=dict.fromkeys(("message", "index", "content_block", "delta", "usage", "error"), junk),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=6))
def test_any_events_give_deltas_or_one_protocol_fault(values):
    one = reader(Profile())
    try:
        for value in values:
            one.feed(Event(orjson.dumps(value)))
        one.close()
    except ProtocolFault:
        pass


blocks = st.lists(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=5))
    | st.builds(
        lambda t, s: {"type": "thinking", "thinking": t, "signature": s},
        st.text(max_size=3),
        st.sampled_from(["", "s"]),
    )
    | st.builds(lambda d: {"type": "redacted_thinking", "data": d}, st.sampled_from(["", "d"]))
    | st.builds(
        lambda v: {"type": "tool_use", "id": "t", "name": "f", "input": {"v": v} if v else {}}, st.text(max_size=3)
    )
    | st.just({"type": "server_tool_use", "id": "s", "name": "x", "input": {"q": 1}}),
    max_size=5,
)


def streamed(content, reason):
    yield START
    for index, block in enumerate(content):
        kind = block["type"]
        if kind == "text":
            yield opened(index, type="text", text="")
            for letter in block["text"]:
                yield filled(index, "text_delta", text=letter)
        elif kind == "thinking":
            yield opened(index, type="thinking", thinking="", signature="")
            yield filled(index, "thinking_delta", thinking=block["thinking"])
            yield filled(index, "signature_delta", signature=block["signature"])
        elif kind == "tool_use":
            yield opened(index, **{**block, "input": {}})
            text = orjson.dumps(block["input"]).decode()
            yield from (filled(index, "input_json_delta", partial_json=part) for part in (text[:3], text[3:]))
        else:
            yield opened(index, **block)
        yield shut(index)
    yield ended(reason, usage={"input_tokens": 9, "output_tokens": 7})
    yield STOP


@settings(max_examples=60, deadline=None)
@given(blocks, st.sampled_from(["end_turn", "tool_use", "max_tokens"]))
def test_a_stream_folds_to_what_the_whole_answer_says(content, reason):
    profile = Profile(provider="anthropic", model="claude-test")
    one = reader(profile)
    reply = fold(delta for value in streamed(content, reason) for delta in one.feed(event(value)))
    usage = {"input_tokens": 9, "output_tokens": 7}
    whole = {"type": "message", "id": "msg_1", "model": "claude-test", "content": content, "stop_reason": reason}
    assert reply == parse_reply(orjson.dumps({**whole, "usage": usage}), profile)
