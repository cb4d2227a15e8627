"""Items grouped into chat messages."""

import pytest

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
from translators.openai_chat.turns import Turns, tool_id
from translators.profile import Profile
from translators.report import Report

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def rendered(*items, **profile):
    report = Report()
    turns = Turns(Profile(provider="p", model="m", **profile), report)
    for at, item in enumerate(items):
        turns.add(item, at)
    return turns.finish(), [(entry.field, entry.verdict.value) for entry in report.entries]


def said(*texts):
    return Message("assistant", tuple(map(Text, texts)))


def test_what_the_assistant_did_in_one_turn_is_one_message():
    items = [
        Message("user", (Text("u"),)),
        said("a"),
        ToolCall("c", "f", "{}"),
        ToolResult("c", (Text("r"),)),
        said("b"),
    ]
    assert rendered(*items) == (
        [
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": "a", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "r"},
            {"role": "assistant", "content": "b"},
        ],
        [],
    )


def test_two_texts_of_the_assistant_stay_two_messages():
    assert [message["content"] for message in rendered(said("a"), said("b"))[0]] == ["a", "b"]


def test_an_assistants_name_is_kept():
    assert rendered(Message("assistant", (Text("a"),), "bob"))[0][0]["name"] == "bob"


def test_text_after_a_call_moves_before_it():
    """Results must follow their calls at once in this dialect."""
    messages, noted = rendered(said("a"), ToolCall("c", "f", ""), said("b"), ToolResult("c", ()))
    assert messages[0]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert messages[0]["tool_calls"] == [CALL]
    assert messages[1]["content"] == ""
    assert noted == [("items[2]", "approximated")]


def test_custom_calls_keep_their_free_text():
    assert rendered(ToolCall("c", "g", "free", custom=True))[0][0]["tool_calls"] == [
        {"id": "c", "type": "custom", "custom": {"name": "g", "input": "free"}}
    ]


def test_pictures_in_a_result_follow_in_a_user_message_after_the_last_result():
    items = [
        ToolCall("c", "f", "{}"),
        ToolCall("d", "f", "{}"),
        ToolResult("c", (Text("r"), Image(data="AA", media_type="image/png"))),
        ToolResult("d", (), is_error=True),
        Message("user", (Text("u"),)),
    ]
    messages, noted = rendered(*items)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user", "user"]
    assert messages[2]["content"] == "Error: "
    assert messages[3]["content"] == [picture]
    assert sorted(noted) == [("items[2]", "approximated"), ("items[3].is_error", "approximated")]


def test_an_error_of_several_parts_is_told_first():
    result = ToolResult("c", (Text("a"), Text("b")), is_error=True)
    assert rendered(result)[0][0]["content"][0] == {"type": "text", "text": "Error: "}


def test_pictures_at_the_very_end_are_shown_too():
    messages, _ = rendered(ToolResult("c", (Image(url="https://x.test/a.png", detail="low"),)))
    assert messages[1]["content"] == [
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}}
    ]


def test_every_part_has_its_form():
    parts = (
        Text("t"),
        Image(data="AA", media_type="image/png"),
        File(data="QQ", media_type="application/pdf", filename="a.pdf"),
        Audio("QQ", "wav"),
        Refusal("no"),
        Foreign("openai-chat", "x", {"type": "x"}),
    )
    messages, noted = rendered(Message("user", parts, "bob"), audio=True)
    assert [part["type"] for part in messages[0]["content"]] == [
        "text",
        "image_url",
        "file",
        "input_audio",
        "refusal",
        "x",
    ]
    assert messages[0]["name"] == "bob"
    assert noted == []


@pytest.mark.parametrize(
    ("part", "profile"),
    [
        (Image(url="https://x.test"), {"images": False}),
        (Image(url="https://x.test"), {"image_urls": False}),
        (File(data="QQ"), {"files": False}),
        (File(file_id="f-1"), {}),
        (File(url="https://x.test"), {}),
        (Audio("QQ", "wav"), {"audio": False}),
        (Foreign("other", "search_result", {}), {}),
    ],
)
def test_what_the_target_cannot_take_is_refused_not_lost(part, profile):
    messages, noted = rendered(Message("user", (Text("t"), part)), **profile)
    assert messages[0]["content"] == [{"type": "text", "text": "t"}]
    assert noted == [("items[0].parts[1]", "refused")]


def test_cache_markers_are_noted_once_where_the_first_one_stands():
    marker = {"type": "ephemeral"}
    parts = (Text("a", cache=marker), Image(url="https://x.test", cache=marker), File(data="QQ", cache=marker))
    items = [
        Message("system", (Text("s", cache=marker),)),
        Message("user", parts),
        ToolCall("c", "f", "{}", cache=marker),
        ToolResult("c", (), cache=marker),
    ]
    assert rendered(*items)[1] == [("items[0].parts[0].cache_control", "dropped")]
    assert rendered(items[2])[1] == [("items[0].cache_control", "dropped")]


def test_a_late_system_message_is_told_by_the_user_where_templates_want_it_first():
    items = [Message("system", (Text("a"),)), Message("user", (Text("u"),)), Message("system", (Text("b"),))]
    assert [one["role"] for one in rendered(*items)[0]] == ["system", "user", "system"]
    messages, noted = rendered(*items, system_anywhere=False)
    assert messages[0] == {"role": "system", "content": "a"}
    assert messages[2] == {"role": "user", "content": "<system>b</system>"}
    assert noted == [("items[2].role", "approximated")]


def test_reasoning_goes_only_where_it_came_from():
    origin = Profile(provider="p", model="m").origin("openai-chat")
    here, there = Opaque("signature", "S", origin), Opaque("signature", "S", "elsewhere")
    messages, noted = rendered(Reasoning("a", here), said("t"))
    assert messages[0]["reasoning_details"] == [{"type": "reasoning.text", "text": "a", "signature": "S", "index": 0}]
    assert noted == []
    messages, noted = rendered(Reasoning("a", there), said("t"))
    assert messages == [{"role": "assistant", "content": "t"}]
    assert noted == [("items[0]", "dropped")]


def test_a_model_that_wants_its_reasoning_back_gets_the_text():
    messages, noted = rendered(Reasoning("a"), said("t"), said("u"), reasoning_replay=True)
    assert [message["reasoning_content"] for message in messages] == ["a", ""]
    assert noted == []


def test_reasoning_after_a_text_opens_the_next_message():
    messages, _ = rendered(said("a"), Reasoning("r"), said("b"), reasoning_replay=True)
    assert [(one["content"], one["reasoning_content"]) for one in messages] == [("a", ""), ("b", "r")]


def test_ids_are_kept_where_any_id_is_taken():
    assert tool_id("call_é#1", Profile()) == "call_é#1"


def test_ids_become_nine_letters_and_digits_where_only_those_are_taken():
    profile = Profile(tool_ids="alnum9")
    made = [tool_id(f"call_{i}", profile) for i in range(500)]
    assert all(len(one) == 9 and one.isascii() and one.isalnum() for one in made)
    assert len(set(made)) == 500
    assert made[0] == tool_id("call_0", profile)
    assert tool_id("aB3dE6gH9", profile) == "aB3dE6gH9"


def test_a_call_and_its_result_get_the_same_id():
    messages, _ = rendered(ToolCall("c", "f", "{}"), ToolResult("c", ()), tool_ids="alnum9")
    assert messages[0]["tool_calls"][0]["id"] == messages[1]["tool_call_id"]


def test_a_text_document_is_told_as_text():
    """Chat takes documents as PDF alone."""
    document = File(data="d29yZHM=", media_type="text/plain", filename="a.txt")
    messages, noted = rendered(Message("user", (document, File(data="d29yZHM=", media_type="text/markdown"))))
    assert messages[0]["content"] == [{"type": "text", "text": "a.txt:\nwords"}, {"type": "text", "text": "words"}]
    assert noted[0] == ("items[0].parts[0]", "approximated")


def test_a_text_document_that_is_no_text_stays_a_file():
    messages, _ = rendered(Message("user", (File(data="d29yZ", media_type="text/plain"),)))
    assert messages[0]["content"][0]["type"] == "file"


def test_a_phase_has_no_place_here_and_that_is_told():
    messages, report = rendered(Message("assistant", (Text("a"),), phase="commentary"))
    assert messages == [{"role": "assistant", "content": "a"}]
    assert report == [("items[0].phase", "dropped")]


def test_a_picture_that_a_model_of_chat_made_is_not_sent_back_as_content():
    entry = {"type": "image_url", "image_url": {"url": "https://x.test"}}
    message = Message("assistant", (Text("a"), Foreign("openai-chat", "images", entry)))
    messages, noted = rendered(message)
    assert messages == [{"role": "assistant", "content": "a"}]
    assert noted == [("items[0].parts[1]", "dropped")]


def test_pictures_that_models_made_go_back_to_a_vendor_that_takes_them():
    entry = {"type": "image_url", "index": 0, "image_url": {"url": "https://x.test"}}
    drawn = Foreign("openai-responses", "image_generation_call", {}, Image(data="iVBO", media_type="image/png"))
    plain = Image(data="AAAA", media_type="image/png")
    message = Message("assistant", (Text("a"), Foreign("openai-chat", "images", entry), drawn, plain))
    messages, noted = rendered(message, pictures_back=True)
    data = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{one}"}} for one in ("iVBO", "AAAA")]
    assert messages == [{"role": "assistant", "content": "a", "images": [entry, *data]}]
    assert noted == []


MARK = {"type": "ephemeral"}
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def test_cache_markers_stand_where_they_stood_for_a_model_that_takes_them():
    picture = Image(url="https://x.test/a.png", cache=MARK)
    pdf = File(data="JVBE", media_type="application/pdf", cache=MARK)
    items = (
        Message("system", (Text("a", MARK),)),
        Message("user", (Text("b"), picture, pdf)),
        Message("assistant", (Text("c", MARK),)),
        ToolCall("1", "f", "{}"),
        ToolResult("1", (Text("r"),), cache=MARK),
    )
    messages, noted = rendered(*items, cache_breakpoints="parts")
    assert noted == []
    assert messages[0]["content"] == [{"type": "text", "text": "a", **BREAK}]
    [plain, *marked] = [part.get("prompt_cache_breakpoint") for part in messages[1]["content"]]
    assert (plain, marked) == (None, [*BREAK.values()] * 2)
    assert messages[2]["content"] == [{"type": "text", "text": "c", **BREAK}]
    assert messages[3]["content"] == [{"type": "text", "text": "r", **BREAK}]


def test_a_cache_marker_on_a_call_or_on_nothing_is_left_out():
    items = (ToolCall("1", "f", "{}", cache=MARK), ToolResult("1", (), cache=MARK))
    messages, noted = rendered(*items, cache_breakpoints="parts")
    assert messages[1]["content"] == ""
    assert noted == [("items[0].cache_control", "dropped")]


def test_a_marked_system_message_in_the_middle_keeps_its_marker():
    items = (Message("user", (Text("a"),)), Message("system", (Text("b", MARK),)))
    messages, _ = rendered(*items, cache_breakpoints="parts", system_anywhere=False)
    assert messages[1] == {"role": "user", "content": [{"type": "text", "text": "<system>b</system>", **BREAK}]}


def test_instructions_come_from_the_role_that_the_target_knows():
    told = Message("developer", (Text("Be brief."),))
    assert rendered(told)[0][0]["role"] == "developer"
    assert rendered(told, developer=False) == ([{"role": "system", "content": "Be brief."}], [])
