"""Deltas folded into one answer."""

import pytest

from translators.faults import Failure, Fault, Kind, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import (
    Annotated,
    Choice,
    Delta,
    Ended,
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
