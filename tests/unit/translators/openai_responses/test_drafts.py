"""Output items on their way."""

from translators.ir import Opaque, ToolStart
from translators.openai_responses.drafts import Call, Draft, Said, Thought


def test_an_item_says_how_far_it_is():
    call = Call("fc_1", ToolStart(0, "c", "f"))
    assert call.opening()["status"] == "in_progress"
    call.end(cut=False)
    assert call.item()["status"] == "completed"
    call.end(cut=True)
    assert call.item()["status"] == "incomplete"


def test_a_delta_event_is_formatted_but_for_its_text():
    said = Said("msg_1")
    said.part_opening("output_text", 0)
    assert said.push_head == (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
        b'"item_id":"msg_1","output_index":0,"content_index":0,"delta":'
    )
    assert said.push('a"') == b'"a\\""'


def test_a_message_that_is_open_holds_what_was_said_so_far():
    said = Said("msg_1")
    said.part_opening("output_text", 0)
    said.push("a")
    list(said.part_closing())
    said.part_opening("refusal", 1)
    said.push("b")
    assert [part.get("text", part.get("refusal")) for part in said.item()["content"]] == ["a", "b"]


def test_a_citation_belongs_to_the_last_text_though_a_refusal_follows_it():
    said = Said("msg_1")
    said.part_opening("output_text", 0)
    list(said.part_closing())
    said.part_opening("refusal", 0)
    assert said.note({"type": "url_citation"})["content_index"] == 0
    assert said.item()["content"][0]["annotations"] == [{"type": "url_citation"}]


def test_a_thought_without_words_has_no_part():
    thought = Thought("rs_1")
    thought.opaque = Opaque("encrypted", "x", "o")
    assert list(thought.closing()) == []
    assert thought.item()["summary"] == []


def test_a_function_without_arguments_is_bare_and_a_custom_tool_never():
    assert Call("fc_1", ToolStart(0, "c", "f")).bare
    assert not Call("ctc_1", ToolStart(0, "c", "f", custom=True)).bare


def test_an_item_made_elsewhere_is_whole_from_the_start():
    item = {"type": "web_search_call", "id": "ws_1"}
    draft = Draft(item)
    assert (draft.opening(), list(draft.closing()), draft.item()) == (item, [], item)
