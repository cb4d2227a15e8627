"""Deltas folded into one answer."""

import pytest

from translators.faults import Failure, Fault, Kind, ProtocolFault, Truncated
from translators.fold import Folding, fold
from translators.ir import (
    Annotated,
    Choice,
    Delta,
    Ended,
    Event,
    Failed,
    Finish,
    Message,
    Opaque,
    Reasoning,
    ReasoningDelta,
    ReasoningEnd,
    Refusal,
    RefusalDelta,
    Reply,
    Started,
    Text,
    TextDelta,
    ToolArguments,
    ToolCall,
    ToolStart,
    Usage,
    Used,
)

STOP = Ended(Finish.STOP)


def items(*deltas):
    return fold([*deltas, STOP]).choices[0].items


def test_text_and_refusal_of_one_run_are_one_message():
    folded = items(TextDelta("a"), TextDelta("b"), RefusalDelta("no"))
    assert folded == (Message("assistant", (Text("ab"), Refusal("no"))),)


def test_empty_text_makes_no_part():
    assert items(TextDelta("")) == ()


def test_reasoning_blocks_end_where_they_are_said_to_end():
    blob = Opaque("signature", "s", "o")
    folded = items(
        ReasoningDelta("a"),
        ReasoningDelta("b"),
        ReasoningEnd(blob),
        ReasoningDelta("c"),
        ReasoningEnd(),
        TextDelta("t"),
    )
    assert folded == (Reasoning("ab", blob), Reasoning("c"), Message("assistant", (Text("t"),)))


def test_a_blob_without_text_is_a_block_too():
    blob = Opaque("redacted", "r", "o")
    assert items(ReasoningEnd(blob)) == (Reasoning("", blob),)


def test_reasoning_that_was_not_ended_ends_where_text_begins():
    assert items(ReasoningDelta("a"), TextDelta("t"), ReasoningDelta("b")) == (
        Reasoning("a"),
        Message("assistant", (Text("t"),)),
        Reasoning("b"),
    )


def test_arguments_find_their_call_even_when_calls_are_written_in_turns():
    folded = items(
        ToolStart(0, "i", "f"),
        ToolStart(1, "j", "g", custom=True),
        ToolArguments(1, "x"),
        ToolArguments(0, "{"),
        ToolArguments(0, "}"),
    )
    assert folded == (ToolCall("i", "f", "{}"), ToolCall("j", "g", "x", custom=True))


def test_arguments_without_a_call_are_a_fault():
    with pytest.raises(ProtocolFault):
        fold([ToolArguments(0, "{}"), STOP])


def test_the_last_usage_wins_and_choices_are_in_order():
    reply = fold(
        [
            Started("id", "m", "default"),
            TextDelta("b", 1),
            Used(Usage(1, 1)),
            TextDelta("a", 0),
            Ended(Finish.LENGTH, 1),
            Ended(Finish.STOP, 0, "END"),
            Annotated({"type": "url_citation"}),
            Used(Usage(2, 3)),
        ]
    )
    assert reply == Reply(
        id="id",
        model="m",
        service_tier="default",
        usage=Usage(2, 3),
        choices=(
            Choice(
                (Message("assistant", (Text("a"),)),),
                Finish.STOP,
                stop_sequence="END",
                annotations=({"type": "url_citation"},),
            ),
            Choice((Message("assistant", (Text("b"),)),), Finish.LENGTH, index=1),
        ),
    )


def test_probabilities_are_joined():
    deltas = [
        TextDelta("a", logprobs={"content": [1], "refusal": None}),
        TextDelta("b", logprobs={"content": [2]}),
        STOP,
    ]
    assert fold(deltas).choices[0].logprobs == {"content": [1, 2], "refusal": None}


def test_probabilities_that_were_first_said_to_be_none_may_still_come():
    deltas = [
        TextDelta("a", logprobs={"content": [1], "refusal": None}),
        TextDelta("b", logprobs={"content": None, "refusal": [2]}),
        STOP,
    ]
    assert fold(deltas).choices[0].logprobs == {"content": [1], "refusal": [2]}


def test_a_fold_leaves_the_deltas_it_was_made_of_alone():
    first = TextDelta("a", logprobs={"content": [1]})
    fold([first, TextDelta("b", logprobs={"content": [2]}), STOP])
    assert first.logprobs == {"content": [1]}


def test_a_failed_stream_is_a_failure():
    fault = Fault(kind=Kind.OVERLOADED, message="busy")
    with pytest.raises(Failure) as caught:
        fold([TextDelta("a"), Failed(fault)])
    assert caught.value.fault is fault


def test_a_choice_without_an_end_is_truncated():
    with pytest.raises(Truncated):
        fold([TextDelta("a"), TextDelta("b", 1), STOP])


def test_a_delta_that_nobody_knows_says_nothing():
    """Neither one of no choice nor one of a choice."""

    class Tick(Delta, frozen=True):
        pass

    class Tock(Delta, frozen=True):
        choice: int = 0

    assert items(Tick(), Tock(), TextDelta("a")) == (Message("assistant", (Text("a"),)),)


def test_an_answer_without_choices_is_none():
    with pytest.raises(ProtocolFault):
        fold([Started("i", "m"), Used(Usage(1, 1))])


# -- a stream's client that waits for the whole


class Reader:
    """Each event is a word; `end` is the last."""

    done = False

    def feed(self, event):
        self.done = event.data == b"end"
        return [STOP] if self.done else [TextDelta(event.data.decode("utf-8", "surrogatepass"))]

    def close(self):
        if not self.done:
            raise Truncated("cut")
        return [Used(Usage(1, 2))]


def folding(limit=1000):
    return Folding(Reader(), lambda reply: repr(reply).encode(), limit)


def test_nothing_is_given_before_the_end_and_all_of_it_then():
    pipe = folding()
    assert pipe.feed(Event(b"a")) == ([TextDelta("a")], b"")
    assert not pipe.done
    assert pipe.feed(Event(b"end")) == ([STOP], b"")
    assert pipe.done
    said = fold([TextDelta("a"), STOP, Used(Usage(1, 2))])
    assert pipe.close() == ([Used(Usage(1, 2))], repr(said).encode())


def test_a_cut_stream_gives_no_body():
    pipe = folding()
    pipe.feed(Event(b"a"))
    with pytest.raises(Truncated):
        pipe.close()


def test_an_answer_over_its_limit_is_a_fault_when_it_is_passed_whatever_it_is_made_of():
    pipe = folding(limit=1000)
    pipe.feed(Event(b"x" * 900))
    with pytest.raises(ProtocolFault, match="longer than 1000 bytes"):
        pipe.feed(Event(b"x" * 100))


def test_small_pieces_weigh_more_than_their_text():
    pipe = folding(limit=1000)
    for _ in range(9):
        pipe.feed(Event(b"x"))
    with pytest.raises(ProtocolFault):
        [pipe.feed(Event(b"x")) for _ in range(100)]


def test_half_a_character_has_a_weight_too():
    """Some vendors cut an emoji between two events."""
    half = "\ud83d".encode("utf-8", "surrogatepass")
    assert folding().feed(Event(half))[0] == [TextDelta("\ud83d")]


def test_it_has_begun_with_what_a_streams_client_would_see_and_is_told_no_event_of_a_fault():
    pipe = folding()
    assert pipe.shows(TextDelta("a")) and pipe.shows(ReasoningDelta("a"))
    assert not pipe.shows(Started("i", "m"))
    assert pipe.fault(Fault(kind=Kind.SERVER, message="m")) == b""


def test_a_refusal_that_takes_its_calls_back_leaves_none_and_one_text():
    deltas = [TextDelta("a"), ToolStart(0, "c", "f"), ToolArguments(0, "{"), TextDelta("b"), RefusalDelta("No.")]
    [choice] = fold([*deltas, Ended(Finish.CONTENT_FILTER, declined=True)]).choices
    assert choice.items == (Message("assistant", (Text("ab"), Refusal("No."))),)
