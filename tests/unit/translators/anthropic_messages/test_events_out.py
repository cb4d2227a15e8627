"""Deltas written as Anthropic's event stream."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.anthropic_messages import reader, writer
from translators.anthropic_messages.marks import PLAIN, marked
from translators.codec import Context
from translators.faults import Fault, Kind
from translators.fold import fold
from translators.ir import (
    Annotated,
    Ended,
    Finish,
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
from translators.sse import EventSplitter

CONTEXT = Context(id="msg_ours", created=1, model="claude-test")
PROFILE = Profile(provider="anthropic", model="claude-test")
ORIGIN = "anthropic-messages|anthropic|claude-test|"


def events(data):
    return EventSplitter().feed(data)


def write(*deltas):
    one = writer(CONTEXT)
    return [orjson.loads(event.data) for event in events(b"".join(map(one.feed, deltas)) + one.close())]


def blocks(*deltas):
    """Each block that was opened, with its text or arguments joined; checks the order of events on the way."""
    found, current = [], None
    for event in write(*deltas):
        kind = event["type"]
        if kind == "content_block_start":
            assert current is None
            assert event["index"] == len(found)
            current = [event["content_block"]["type"], ""]
        elif kind == "content_block_delta":
            assert event["index"] == len(found)
            delta = event["delta"]
            current[1] += delta.get("text", "") + delta.get("partial_json", "") + delta.get("signature", "")
        elif kind == "content_block_stop":
            found.append(tuple(current))
            current = None
    assert current is None
    return found


def test_an_answer_is_the_whole_ladder_with_names():
    one = writer(CONTEXT)
    data = one.feed(Started("up", "other")) + one.feed(TextDelta("Hi")) + one.feed(Ended(Finish.STOP)) + one.close()
    got = events(data)
    assert [event.name for event in got] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(orjson.loads(event.data)["type"] == event.name for event in got)
    message = orjson.loads(got[0].data)["message"]
    assert (message["id"], message["model"], message["content"]) == ("msg_ours", "claude-test", [])


def test_text_goes_out_as_it_comes_in():
    one = writer(CONTEXT)
    one.feed(TextDelta("a"))
    [event] = events(one.feed(TextDelta("b")))
    assert orjson.loads(event.data)["delta"] == {"type": "text_delta", "text": "b"}


def test_the_real_counts_come_at_the_end_even_after_the_finish():
    usage = Usage(input=17, output=20, cached=4, cache_write=3)
    end = write(TextDelta("a"), Ended(Finish.LENGTH), Used(Usage(1, 1)), Used(usage))[-2]
    assert end["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert end["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 3,
        "cache_read_input_tokens": 4,
        "output_tokens": 20,
    }


def test_arguments_are_json_deltas_streamed_live_for_the_open_call():
    one = writer(CONTEXT)
    one.feed(ToolStart(0, "t", "f"))
    [event] = events(one.feed(ToolArguments(0, '{"a"')))
    assert orjson.loads(event.data)["delta"] == {"type": "input_json_delta", "partial_json": '{"a"'}


def test_a_whole_call_makes_room_for_the_next_at_once():
    one = writer(CONTEXT)
    for delta in (ToolStart(0, "t", "f"), ToolArguments(0, "{}")):
        one.feed(delta)
    got = [event.name for event in events(one.feed(ToolStart(1, "u", "g")))]
    assert got == ["content_block_stop", "content_block_start"]


def test_interleaved_calls_come_out_one_after_the_other():
    assert blocks(
        TextDelta("a"),
        ToolStart(0, "t", "f"),
        ToolArguments(0, '{"a"'),
        ToolStart(1, "u", "g"),
        ToolArguments(1, '{"b"'),
        ToolArguments(0, ":1}"),
        ToolArguments(1, ":2}"),
        Ended(Finish.TOOL_CALLS),
    ) == [("text", "a"), ("tool_use", '{"a":1}'), ("tool_use", '{"b":2}')]


def test_text_behind_an_unfinished_call_waits_for_its_end():
    assert blocks(
        ToolStart(0, "t", "f"), TextDelta("a"), ToolArguments(0, "{}"), TextDelta("b"), Ended(Finish.STOP)
    ) == [
        ("tool_use", "{}"),
        ("text", "ab"),
    ]


def test_a_call_cut_in_the_middle_is_closed_as_it_is():
    assert blocks(ToolStart(0, "t", "f"), ToolArguments(0, '{"a'), Ended(Finish.LENGTH)) == [("tool_use", '{"a')]


def test_a_free_text_call_is_wrapped_as_json():
    [block] = blocks(
        ToolStart(0, "t", "run", custom=True), ToolArguments(0, 'x = "'), ToolArguments(0, '1"'), Ended(Finish.STOP)
    )
    assert block == ("tool_use", '{"input":"x = \\"1\\""}')


def test_thinking_is_written_with_its_signature_or_a_mark_even_without_text():
    foreign = Opaque("encrypted", "e", "openai-chat|o|m|")
    assert blocks(
        ReasoningDelta("Hm."),
        ReasoningEnd(Opaque("signature", "s1", ORIGIN)),
        ReasoningEnd(Opaque("signature", "s2", ORIGIN)),
        ReasoningEnd(),
        ReasoningDelta("Unsigned."),
        ReasoningEnd(),
        ReasoningDelta("Foreign."),
        ReasoningEnd(foreign),
        ReasoningEnd(foreign),
        ReasoningEnd(Opaque("redacted", "d", ORIGIN)),
        TextDelta("a"),
        Ended(Finish.STOP),
    ) == [
        ("thinking", "s1"),
        ("thinking", "s2"),
        ("thinking", PLAIN),
        ("thinking", marked(foreign)),
        ("redacted_thinking", ""),
        ("redacted_thinking", ""),
        ("text", "a"),
    ]


def test_thinking_streams_as_it_comes():
    out = writer(CONTEXT)
    assert b'"thinking_delta","thinking":"Hm"' in out.feed(ReasoningDelta("Hm"))
    assert b'"thinking_delta","thinking":"m."' in out.feed(ReasoningDelta("m."))
    assert b"signature_delta" not in out.feed(ReasoningEnd(Opaque("signature", "s1", ORIGIN)))
    assert b'"signature_delta","signature":"s1"' in out.feed(TextDelta("a"))


def test_thinking_that_has_no_end_is_closed_with_a_mark():
    assert blocks(ReasoningDelta("Hm."), Ended(Finish.LENGTH)) == [("thinking", PLAIN)]


def test_a_refusal_is_text_with_its_own_stop_reason():
    got = write(TextDelta("I "), RefusalDelta("cannot."), Ended(Finish.CONTENT_FILTER))
    assert got[-2]["delta"]["stop_reason"] == "refusal"
    assert blocks(TextDelta("I "), RefusalDelta("cannot."), Ended(Finish.CONTENT_FILTER)) == [("text", "I cannot.")]


def test_an_answer_of_nothing_still_starts_and_ends():
    assert [event["type"] for event in write()] == ["message_start", "message_delta", "message_stop"]


def test_a_broken_answer_ends_in_an_error_event_and_nothing_regular():
    [event] = events(writer(CONTEXT).fault(Fault(kind=Kind.OVERLOADED, message="Busy.")))
    assert event.name == "error"
    error = {"type": "overloaded_error", "message": "Busy.", "details": {"error_code": "overloaded"}}
    assert orjson.loads(event.data) == {"type": "error", "error": error}


@pytest.mark.parametrize(
    ("delta", "shown"),
    [
        (TextDelta("a"), True),
        (ToolStart(0, "t", "f"), True),
        (Ended(Finish.STOP), True),
        (ReasoningDelta("a"), True),
        (ReasoningEnd(), False),
        (Annotated({}), False),
        (Started("a", "b"), False),
        (Used(Usage(1, 1)), False),
    ],
)
def test_what_is_left_out_does_not_count_as_shown(delta, shown):
    assert writer(CONTEXT).shows(delta) is shown


@st.composite
def answers(draw):
    """Deltas of one answer, its calls' arguments dealt out in any interleaving."""
    deltas, waiting, calls = [Started("up", "m")], {}, 0
    for _ in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(["text", "call", "more", "think"]))
        if kind == "text" and not waiting:
            deltas.append(TextDelta(draw(st.text(min_size=1, max_size=3))))
        elif kind == "think" and not waiting:
            deltas += [
                ReasoningDelta(draw(st.text(min_size=1, max_size=3))),
                ReasoningEnd(Opaque("signature", "s", ORIGIN)),
            ]
        elif kind == "call":
            deltas.append(ToolStart(calls, f"t{calls}", "f"))
            waiting[calls] = list(orjson.dumps({"v": draw(st.text(max_size=3))}).decode())
            calls += 1
        elif waiting:
            index = draw(st.sampled_from(sorted(waiting)))
            deltas.append(ToolArguments(index, waiting[index].pop(0)))
            if not waiting[index]:
                del waiting[index]
    for index, rest in waiting.items():
        deltas.append(ToolArguments(index, "".join(rest)))
    return [
        *deltas,
        Used(Usage(5, 6, 0, 0)),
        Ended(draw(st.sampled_from([Finish.STOP, Finish.LENGTH, Finish.TOOL_CALLS]))),
    ]


@settings(max_examples=60, deadline=None)
@given(answers())
def test_what_is_written_reads_back_as_the_same_answer(deltas):
    one, other = writer(CONTEXT), reader(PROFILE)
    back = [delta for event in events(b"".join(map(one.feed, deltas)) + one.close()) for delta in other.feed(event)]
    other.close()
    wrote, read = fold(deltas), fold(back)
    assert (read.choices, read.usage) == (wrote.choices, wrote.usage)
