import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.faults import Truncated
from translators.fold import fold
from translators.ir import (
    Ended,
    Event,
    Finish,
    Foreign,
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
)
from translators.profile import Origin
from translators.remember import Notes, remembered
from translators.watching import CAP, CHOICES_CAP, Watching

SECRET = b"s" * 32
HOME = str(Origin("gemini", "lyra", "g-3"))
END = Ended(Finish.TOOL_CALLS)
SIGNED = ReasoningEnd(Opaque("signature", "sig", HOME))
CALL = (ToolStart(0, "c", "f"), ToolArguments(0, '{"a":'), ToolArguments(0, "1}"))


class Tape:
    """A pipe that gives one delta an event, and some bytes."""

    done = False

    def __init__(self, deltas, *, cut=False):
        self.deltas = list(deltas)
        self.cut = cut

    def feed(self, _):
        delta = self.deltas.pop(0)
        return (delta,), b"x"

    def close(self):
        if self.cut:
            raise Truncated("cut")
        return (), b"end"

    def fault(self, _):
        return b"fault"

    def shows(self, delta):
        return delta.commits


def watched(deltas, *, plain=False, cut=False):
    """What is kept of an answer of these deltas."""
    kept = []
    pipe = Watching(Tape(deltas, cut=cut), lambda: Notes(SECRET, HOME, plain=plain), kept.append)
    for delta in deltas:
        assert pipe.feed(Event(b"")) == ((delta,), b"x")
    assert pipe.close() == ((), b"end")
    return kept


def test_a_streamed_turn_is_kept_as_the_same_whole_one_is():
    deltas = [Started("i", "m"), ReasoningDelta("H"), ReasoningDelta("m"), SIGNED, TextDelta("a"), *CALL, END]
    [kept] = watched(deltas)
    assert kept == remembered(fold(deltas).choices[0].items, SECRET, HOME, plain=False)


def test_a_whole_part_is_kept_as_of_the_same_whole_answer():
    part = Kept(Foreign("gemini", "executableCode", {"executableCode": {"code": "1"}}))
    deltas = (TextDelta("a"), part, TextDelta("b"), *CALL, END)
    [kept] = watched(deltas)
    assert kept == remembered(fold(deltas).choices[0].items, SECRET, HOME, plain=False)
    assert [type(step).__name__ for step in kept.turn.steps] == ["Said", "Held", "Said", "Called"]


def test_many_whole_parts_are_bounded_as_all_else_is():
    part = Kept(Foreign("gemini", "inlineData", "x" * (CAP // 5)))
    assert watched((*[part] * 4, *CALL, END))
    assert watched((*[part] * 5, *CALL, END)) == []


def test_an_answer_without_calls_or_without_blobs_leaves_nothing():
    assert watched([ReasoningDelta("H"), SIGNED, TextDelta("a"), END]) == []
    assert watched([TextDelta("a"), *CALL, END]) == []


def test_reasoning_that_must_come_back_without_a_blob_is_kept_where_asked():
    deltas = [ReasoningDelta("H"), ReasoningEnd(), *CALL, END]
    assert watched(deltas) == []
    assert len(watched(deltas, plain=True)) == 1


def test_a_refused_answer_leaves_nothing():
    assert watched([SIGNED, *CALL, RefusalDelta("no"), END]) == []


def test_a_cut_answer_leaves_nothing():
    kept = []
    deltas = [SIGNED, *CALL]
    pipe = Watching(Tape(deltas, cut=True), lambda: Notes(SECRET, HOME, plain=False), kept.append)
    for _ in deltas:
        pipe.feed(Event(b""))
    with pytest.raises(Truncated):
        pipe.close()
    assert kept == []


@pytest.mark.parametrize("long", [ReasoningDelta("x" * (CAP // 4)), ToolArguments(0, "x" * (CAP // 4))])
def test_a_turn_beyond_the_bound_is_let_go(long):
    assert len(watched([SIGNED, *CALL, long, END])) == 1
    assert watched([SIGNED, *CALL, *[long] * 5, END]) == []


def test_each_choice_is_a_turn_of_its_own_up_to_a_bound():
    def choice(index):
        blob = Opaque("signature", f"s{index}", HOME)
        return [ToolStart(0, f"c{index}", "f", choice=index, opaque=blob), Ended(Finish.TOOL_CALLS, choice=index)]

    kept = watched([delta for index in range(CHOICES_CAP + 3) for delta in choice(index)])
    assert [one.key[0] for one in kept] == [f"c{index}" for index in range(CHOICES_CAP)]


def test_everything_else_is_the_pipes_own():
    tape = Tape([])
    pipe = Watching(tape, lambda: Notes(SECRET, HOME, plain=False), lambda _: None)
    assert pipe.fault(None) == b"fault"
    assert pipe.shows(TextDelta("a"))
    assert not pipe.done
    tape.done = True
    assert pipe.done


words = st.text(max_size=5)
blobs = st.builds(lambda data: Opaque("signature", data, HOME), words.filter(bool))
pieces = st.one_of(
    st.builds(lambda said: [TextDelta(one) for one in said], st.lists(words, max_size=3)),
    st.builds(lambda blob: [TextSigned(blob)], blobs),
    st.builds(lambda said, blob: [*map(ReasoningDelta, said), ReasoningEnd(blob)], st.lists(words), st.none() | blobs),
)


@given(st.lists(pieces, max_size=6), st.none() | blobs)
@settings(max_examples=60)
def test_any_stream_and_its_fold_are_kept_alike(said, blob):
    deltas = [delta for piece in said for delta in piece] + [ToolStart(0, "c", "f", opaque=blob), *CALL[1:], END]
    whole = remembered(fold(deltas).choices[0].items, SECRET, HOME, plain=True)
    assert watched(deltas, plain=True) == ([] if whole is None else [whole])
