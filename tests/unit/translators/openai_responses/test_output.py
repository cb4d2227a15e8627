"""What is told of an item, however much of it was told before."""

import pytest

from translators.faults import ProtocolFault
from translators.ir import Annotated, Kept, Lost, ReasoningDelta, ReasoningEnd, TextDelta, ToolArguments, ToolStart
from translators.openai_responses.output import Output


@pytest.fixture
def output(profile):
    return Output(profile)


def message(*texts, **fields):
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"type": "message", "id": "msg_1", "content": content, **fields}


def test_a_finished_item_tells_only_what_was_not_told(output):
    deltas = []
    output.tell(output.item(0, "message"), 0, "ab", deltas)
    output.close(0, message("abcd", "e"), deltas)
    output.close(0, message("abcd", "e"), deltas)
    assert deltas == [TextDelta("ab"), TextDelta("cd"), TextDelta("e")]


def test_commentary_is_reasoning_in_paragraphs(output):
    deltas = []
    output.close(0, message("a", "b", phase="commentary"), deltas)
    assert deltas == [ReasoningDelta("a"), ReasoningDelta("\n\nb"), ReasoningEnd()]


def test_a_call_begins_once_and_tells_the_rest_of_its_arguments(output):
    call = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ""}
    deltas = []
    output.add(0, call, deltas)
    output.tell(output.item(0, ""), 0, '{"a"', deltas)
    output.close(0, {**call, "arguments": '{"a":1}'}, deltas)
    assert deltas == [ToolStart(0, "c1", "f"), ToolArguments(0, '{"a"'), ToolArguments(0, ":1}")]


@pytest.mark.parametrize(("fields", "own"), [({"call_id": ""}, "fc_1"), ({"id": None}, "call_0")])
def test_a_call_without_an_id_gets_one(output, fields, own):
    deltas = []
    output.close(0, {"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}", **fields}, deltas)
    assert deltas[0] == ToolStart(0, own, "f")


def test_citations_count_from_the_beginning_of_the_answer(output):
    note = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "", "url": "https://x.test"}
    second = message("cd")
    second["content"][0]["annotations"] = [note, {"type": "file_citation"}]
    deltas = []
    output.close(0, message("ab"), deltas)
    output.close(1, second, deltas)
    [cited] = [delta.annotation["url_citation"] for delta in deltas if isinstance(delta, Annotated)]
    assert (cited["start_index"], cited["end_index"]) == (2, 3)
    assert [delta.field for delta in deltas if isinstance(delta, Lost)] == ["answer.annotations"]


def test_a_hosted_tools_item_is_kept_with_its_blob_marked(output):
    deltas = []
    output.close(0, {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}, deltas)
    [kept] = deltas
    assert isinstance(kept, Kept)
    assert kept.part.value["encrypted_content"].startswith("sidestep.encrypted.")


def test_the_whole_answer_tells_items_that_nobody_told(output):
    deltas = []
    output.rest([message("a"), {"type": "reasoning", "summary": [{"type": "summary_text", "text": "b"}]}], deltas)
    assert deltas == [TextDelta("a"), ReasoningDelta("b"), ReasoningEnd()]


def test_the_whole_answer_tells_the_rest_of_an_item_that_was_never_done(output):
    deltas = []
    output.tell(output.item(0, "message"), 0, "a", deltas)
    output.rest([message("ab"), message("never seen")], deltas)
    assert deltas == [TextDelta("a"), TextDelta("b")]


def test_a_thought_that_nobody_ends_is_ended(output):
    deltas = []
    output.tell(output.item(0, "reasoning"), 0, "a", deltas)
    output.rest([], deltas)
    assert deltas == [ReasoningDelta("a"), ReasoningEnd()]


@pytest.mark.parametrize("index", [-1, 4096, "0", None])
def test_an_impossible_index_is_a_fault(output, index):
    with pytest.raises(ProtocolFault, match="output index"):
        output.item(index, "message")


def test_a_call_without_a_name_is_a_fault(output):
    with pytest.raises(ProtocolFault, match="without a name"):
        output.close(0, {"type": "function_call", "call_id": "c"}, [])


def test_arguments_of_a_call_that_did_not_begin_are_a_fault(output):
    with pytest.raises(ProtocolFault, match="did not begin"):
        output.tell(output.item(0, "function_call"), 0, "{}", [])


@pytest.mark.parametrize("whole", ["DIFFERENT", "He", "hel", "hello"])
def test_a_whole_text_that_begins_otherwise_than_what_was_told_is_a_fault(output, whole):
    output.tell(output.item(0, "message"), 0, "Hel", [])
    with pytest.raises(ProtocolFault, match="does not begin"):
        output.close(0, message(whole), [])


def test_a_part_of_a_kind_that_is_not_known_is_told_as_lost(output):
    said = message("a")
    said["content"].append({"type": "holo", "a": 1})
    deltas = []
    output.close(0, said, deltas)
    assert deltas == [TextDelta("a"), Lost("answer.holo", "a part of a kind that is not known")]
