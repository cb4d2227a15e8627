"""Neutral items as input items."""

import pytest
from msgspec import structs

from translators.ir import (
    Audio,
    File,
    Foreign,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from translators.openai_responses.turns import Turns, call_id
from translators.report import Report


@pytest.fixture
def laid_out(profile):
    """Items as they go out, and what was lost on the way."""

    def run(*items, **quirks):
        report = Report()
        turns = Turns(structs.replace(profile, **quirks), report)
        for at, item in enumerate(items):
            turns.add(item, at)
        return turns.items, report.header()

    return run


def test_every_item_keeps_its_place(laid_out):
    items, lost = laid_out(
        Message("system", (Text("a"),)),
        Message("user", (Text("b"),)),
        ToolCall("c1", "f", ""),
        Message("assistant", (Text("c"),), phase="commentary"),
        ToolResult("c1", (Text("42"),)),
        Message("developer", (Text("d"),)),
    )
    assert items == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "c", "phase": "commentary"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"role": "developer", "content": "d"},
    ]
    assert lost == ""


def test_parts_are_the_users_or_the_assistants(laid_out):
    pdf = File(data="JVBE", media_type="application/pdf", filename="a.pdf")
    pictures = (Image(url="https://x.test/a.png"), Image(data="iVBO", media_type="image/png", detail="low"))
    [user, said], _ = laid_out(
        Message("user", (Text("t"), *pictures, pdf, File(url="https://x.test/b.pdf"))),
        Message("assistant", (Text("t"), Refusal("no"))),
    )
    assert user["content"] == [
        {"type": "input_text", "text": "t"},
        {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        {"type": "input_file", "file_url": "https://x.test/b.pdf"},
    ]
    assert said["content"] == [{"type": "output_text", "text": "t"}, {"type": "refusal", "refusal": "no"}]


def test_what_the_assistant_said_in_several_texts_is_one(laid_out):
    """An answer is cut into texts where something was cited; its words follow each other."""
    marker = {"type": "ephemeral"}
    items, lost = laid_out(Message("assistant", (Text("It rains"), Text(" in Turin", cache=marker), Text("."))))
    assert items == [{"role": "assistant", "content": "It rains in Turin."}]
    assert lost == "dropped=items[0].parts[1].cache_control"


def test_what_stood_around_something_that_was_left_out_is_kept_apart(laid_out):
    first, then, last = (Foreign("anthropic-messages", "server_tool_use", {"id": one}) for one in "abc")
    items, lost = laid_out(Message("assistant", (first, Text("Let me look."), then, Text("It rains."), last)))
    assert items == [{"role": "assistant", "content": "Let me look.\n\nIt rains."}]
    assert lost == "dropped=items[0].parts[0],items[0].parts[2],items[0].parts[4]"


def test_a_tools_text_stays_a_string_and_its_pictures_stay_with_it(laid_out):
    picture = Image(data="iVBO", media_type="image/png")
    items, lost = laid_out(
        ToolCall("c1", "f", "{}"),
        ToolResult("c1", (Text("a"), picture)),
        ToolResult("c2", ()),
        ToolResult("c3", (Text("oops"),), is_error=True),
    )
    assert [part["type"] for part in items[1]["output"]] == ["input_text", "input_image"]
    assert (items[2]["output"], items[3]["output"]) == ("", "Error: oops")
    assert lost == "approximated=items[3].is_error"


def test_a_custom_tools_result_has_its_own_kind(laid_out):
    items, _ = laid_out(ToolCall("c1", "g", "free", custom=True), ToolResult("c1", (Text("a"),)))
    assert items[0] == {"type": "custom_tool_call", "call_id": "c1", "name": "g", "input": "free"}
    assert items[1]["type"] == "custom_tool_call_output"


def test_reasoning_goes_back_to_its_maker_alone_and_without_an_id(laid_out, origin):
    """Nothing is stored that an id could name, and no stranger can read the blob."""
    own = Reasoning("t", Opaque("encrypted", "gAAA", origin))
    foreign = Reasoning("u", Opaque("encrypted", "gBBB", "openai-responses|other|m|"))
    unknown = Reasoning("", Opaque("encrypted", "gCCC", ""))
    items, lost = laid_out(own, foreign, unknown, Reasoning("plain"), Reasoning(""))
    summary = [{"type": "summary_text", "text": "t"}]
    assert items == [{"type": "reasoning", "summary": summary, "encrypted_content": "gAAA"}]
    assert lost == "dropped=items[1],items[2],items[3]"


def test_a_blob_of_another_never_becomes_an_empty_message(laid_out):
    items, _ = laid_out(Reasoning("", Opaque("encrypted", "x", "o")), Message("user", (Text("go on"),)))
    assert items == [{"role": "user", "content": "go on"}]


def test_a_model_that_wants_its_words_again_gets_them(laid_out):
    items, lost = laid_out(Reasoning("plain"), reasoning_replay=True)
    content = [{"type": "reasoning_text", "text": "plain"}]
    assert items == [{"type": "reasoning", "summary": [], "content": content}]
    assert lost == ""


def test_signatures_have_no_place_here(laid_out):
    blob = Opaque("signature", "s", "gemini|p|m|")
    said = Message("assistant", (Text("a", opaque=blob), Text("", opaque=blob)))
    items, lost = laid_out(said, Message("assistant", (Text("", opaque=blob),)), ToolCall("c", "f", "{}", opaque=blob))
    assert [item.get("content", item.get("name")) for item in items] == ["a", "f"]
    assert lost == "dropped=items[0].opaque,items[1].opaque,items[2].opaque"


def test_items_of_hosted_tools_stand_before_their_message(laid_out):
    search = Foreign("openai-responses", "web_search_call", {"type": "web_search_call", "id": "ws_1"})
    items, lost = laid_out(Message("assistant", (search, Text("a"))), Message("assistant", (search,)))
    assert [item.get("type", item.get("role")) for item in items] == ["web_search_call", "assistant", "web_search_call"]
    assert lost == ""


def test_a_part_of_this_dialect_that_has_no_word_passes(laid_out):
    part = {"type": "input_image", "file_id": "file_1"}
    [item], _ = laid_out(Message("user", (Text("a"), Foreign("openai-responses", "input_image", part))))
    assert item["content"][1] == part


@pytest.mark.parametrize(
    ("part", "quirks"),
    [
        (Image(url="https://x.test/a.png"), {"images": False}),
        (Image(url="https://x.test/a.png"), {"image_urls": False}),
        (File(data="JVBE"), {"files": False}),
        (File(file_id="file_1"), {}),
        (Audio("AAAA", "wav"), {}),
        (Foreign("gemini", "novel", {}), {}),
    ],
)
def test_what_cannot_be_shown_is_refused(laid_out, part, quirks):
    items, lost = laid_out(Message("user", (Text("a"), part)), **quirks)
    assert items == [{"role": "user", "content": [{"type": "input_text", "text": "a"}]}]
    assert lost == "dropped=items[0].parts[1]"


def test_a_speakers_name_is_said(laid_out):
    several = (Text("a"), Text("b"))
    items, lost = laid_out(Message("user", (Text("a"),), name="ann"), Message("assistant", several, name="bo"))
    assert [item["content"] for item in items] == ["ann: a", "bo: ab"]
    assert lost == "approximated=items[0].name,items[1].name"


def test_a_later_system_message_is_told_by_the_user_where_the_model_wants_that(laid_out):
    items, lost = laid_out(Message("user", (Text("a"),)), Message("system", (Text("b"),)), system_anywhere=False)
    assert items[1] == {"role": "user", "content": "<system>b</system>"}
    assert lost == "approximated=items[1].role"


def test_cache_markers_are_noted_once_where_the_first_one_stands(laid_out):
    marker = {"type": "ephemeral"}
    _, lost = laid_out(
        Message("user", (Text("a", cache=marker), Image(url="https://x.test/a.png", cache=marker))),
        ToolCall("c", "f", "{}", cache=marker),
        ToolResult("c", (), cache=marker),
    )
    assert lost == "dropped=items[0].parts[0].cache_control"


def test_an_id_that_is_too_long_is_cut_the_same_way_every_time():
    long = "toolu_" + "x" * 100
    assert len(call_id(long)) <= 64
    assert call_id(long) == call_id(long) != call_id(long + "y")
    assert call_id("c1") == "c1"


MARK = {"type": "ephemeral", "ttl": "12h"}
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}


def test_cache_markers_stand_where_they_stood_for_a_model_that_takes_them(laid_out):
    picture = Image(url="https://x.test/a.png", cache=MARK)
    documents = (File(url="https://x.test/a.pdf", cache=MARK), File(data="JVBE", cache=MARK))
    items, lost = laid_out(
        Message("system", (Text("a", MARK),)),
        Message("user", (picture, *documents)),
        ToolCall("1", "f", "{}"),
        ToolResult("1", (Text("r"),), cache=MARK),
        ToolCall("2", "f", "{}"),
        ToolResult("2", (Text("r"), Text("s")), is_error=True, cache=MARK),
        cache_breakpoints="parts",
    )
    assert items[0]["content"] == [{"type": "input_text", "text": "a", **BREAK}]
    assert [part["prompt_cache_breakpoint"] for part in items[1]["content"]] == [*BREAK.values()] * 3
    assert items[3]["output"] == [{"type": "input_text", "text": "r", **BREAK}]
    assert [part.get("prompt_cache_breakpoint") for part in items[5]["output"]] == [None, None, *BREAK.values()]
    assert lost == "approximated=items[5].is_error"


@pytest.mark.parametrize(
    ("item", "path"),
    [
        (Message("assistant", (Text("said", MARK),)), "items[0].parts[0]"),
        (ToolCall("1", "f", "{}", cache=MARK), "items[0]"),
        (ToolResult("1", (), cache=MARK), "items[0]"),
    ],
)
def test_a_cache_marker_on_what_bears_none_is_left_out(laid_out, item, path):
    items, lost = laid_out(item, cache_breakpoints="parts")
    assert "prompt_cache_breakpoint" not in str(items)
    assert lost == f"dropped={path}.cache_control"


def test_a_model_that_takes_no_markers_is_sent_none(laid_out):
    items, lost = laid_out(
        Message("user", (Text("a", MARK),)), ToolCall("1", "f", ""), ToolResult("1", (Text("r"),), cache=MARK)
    )
    assert items[2]["output"] == "r"
    assert lost == "dropped=items[0].parts[0].cache_control"


def test_a_marked_system_message_in_the_middle_keeps_its_marker(laid_out):
    items = (Message("user", (Text("a"),)), Message("system", (Text("b", MARK),)))
    [_, told], _ = laid_out(*items, cache_breakpoints="parts", system_anywhere=False)
    assert told == {"role": "user", "content": [{"type": "input_text", "text": "<system>b</system>", **BREAK}]}


def test_a_file_that_openai_keeps_is_named_by_its_id(laid_out):
    items, lost = laid_out(Message("user", (File(file_id="file-abc"),)))
    assert (items[0]["content"], lost) == ([{"type": "input_file", "file_id": "file-abc"}], "")
