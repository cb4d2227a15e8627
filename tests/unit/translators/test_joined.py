"""A paused answer and its rest are one answer, as if there had been no pause."""

from translators.ir import (
    Choice,
    Continued,
    Finish,
    Foreign,
    Message,
    Opaque,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
)
from translators.joined import added, joined, resumed

BY_TOKEN = Continued({"continuationToken": "t"})
BY_TURN = Continued({}, {"messages": [{"role": "assistant"}]})


def reply(*items, usage=None, finish=Finish.STOP, continued=None, **choice) -> Reply:
    return Reply(id="r", model="m", choices=(Choice(items, finish, **choice),), usage=usage, continued=continued)


def said(*parts) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def test_counts_add_up_and_what_neither_counted_stays_unknown():
    first, second = Usage(1, 2, cached=3), Usage(10, 20, cached=30, reasoning=5)
    total = added(first, second)
    assert total == Usage(11, 22, cached=33, reasoning=5, calls=(first, second))
    assert added(None, None) is None
    assert added(None, total) is total and added(total, None) is total


def test_a_prompt_that_is_sent_again_as_it_was_is_the_conversations_once():
    first, second = Usage(100, 2, cached=90, reasoning=1), Usage(100, 3, cached=100, reasoning=2)
    assert resumed(first, second, BY_TOKEN) == Usage(100, 5, cached=90, reasoning=3, calls=(first, second))
    assert resumed(first, second, BY_TURN) == Usage(200, 5, cached=190, reasoning=3, calls=(first, second))
    assert resumed(None, second, BY_TOKEN) == second


def test_a_text_that_the_pause_cut_in_two_is_one_again():
    whole = joined(
        reply(Reasoning("hm"), said("one "), continued=BY_TURN), reply(said("two"), ToolCall("c", "f", "{}"))
    )
    assert whole.choices[0].items == (Reasoning("hm"), said("one two"), ToolCall("c", "f", "{}"))
    assert whole.continued is None


def test_texts_are_not_joined_over_a_signature_or_another_kind_of_part():
    signed = Text("one ", opaque=Opaque("signature", "s", "o"))
    kept = Foreign("gemini", "executableCode", {})
    assert joined(reply(said(signed), continued=BY_TOKEN), reply(said("two"))).choices[0].items == (
        said(signed, "two"),
    )
    assert joined(reply(said(kept), continued=BY_TOKEN), reply(said("two"))).choices[0].items == (said(kept, "two"),)
    assert joined(reply(continued=BY_TOKEN), reply(said("two"))).choices[0].items == (said("two"),)


def test_the_end_is_that_of_the_rest_and_citations_move_behind_what_was_said():
    cite = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 3, "url": "u", "title": "t"}}
    first = reply(said("four"), continued=BY_TURN, annotations=(cite,), finish=Finish.LENGTH)
    second = reply(said("two"), annotations=(cite, {"type": "other"}), finish=Finish.STOP, stop_sequence="x")
    choice = joined(first, second).choices[0]
    assert (choice.finish, choice.stop_sequence) == (Finish.STOP, "x")
    moved = {**cite, "url_citation": {**cite["url_citation"], "start_index": 4, "end_index": 7}}
    assert choice.annotations == (cite, moved, {"type": "other"})


def test_probabilities_are_those_of_both_and_a_rest_may_pause_again():
    first = reply(said("a"), continued=BY_TOKEN, logprobs={"content": [1]})
    whole = joined(first, reply(said("b"), continued=BY_TURN, logprobs={"content": [2], "refusal": None}))
    assert whole.choices[0].logprobs == {"content": [1, 2], "refusal": []}
    assert whole.continued is BY_TURN
