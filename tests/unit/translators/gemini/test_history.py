"""Contents of a Gemini client as items."""

import pytest

from translators.faults import Malformed
from translators.gemini.history import History
from translators.gemini.wire import ORIGIN
from translators.ir import Audio, File, Foreign, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult


def items(*contents):
    history = History()
    for index, content in enumerate(contents):
        history.add(content, f"contents[{index}]")
    return history.items


def content(*parts, role="model"):
    return {"role": role, "parts": list(parts)}


def test_roles_and_text():
    assert items({"parts": [{"text": "a"}]}, content({"text": "b"}), {"role": "user", "parts": {"text": "c"}}) == [
        Message("user", (Text("a"),)),
        Message("assistant", (Text("b"),)),
        Message("user", (Text("c"),)),
    ]


def test_calls_thoughts_and_text_are_items_in_order():
    mark = {"thoughtSignature": "s", "partMetadata": {ORIGIN: "gemini|p|m|"}}
    blob, unknown = Opaque("signature", "s", "gemini|p|m|"), Opaque("signature", "t", "")
    got = items(
        content(
            {"text": "Hm.", "thought": True, "thoughtSignature": "t"},
            {"text": "a", **mark},
            {"functionCall": {"id": "abcdefgh", "name": "f", "args": {"a": 1}}, **mark},
            {"text": "b"},
        )
    )
    assert got == [
        Reasoning("Hm.", unknown),
        Message("assistant", (Text("a", opaque=blob),)),
        ToolCall("abcdefgh", "f", '{"a":1}', opaque=blob),
        Message("assistant", (Text("b"),)),
    ]


def answered(name, text):
    return {"functionResponse": {"name": name, "response": {"output": text}}}


def test_calls_and_results_without_ids_are_paired_by_name_and_order():
    call, other = {"function_call": {"name": "f"}}, {"functionCall": {"name": "g"}}
    got = items(
        content(call, call, other), content(answered("g", "x"), answered("f", "y"), answered("f", "z"), role="user")
    )
    first, second, third = (one.id for one in got[:3])
    assert len({first, second, third}) == 3
    assert [(one.call_id, one.parts[0].text) for one in got[3:]] == [(third, "x"), (first, "y"), (second, "z")]


def test_a_result_by_id_is_not_taken_for_another():
    calls = [{"functionCall": {"name": "f", "id": one}} for one in ("a", "b")]
    answers = [{"functionResponse": {"name": "f", "id": "b"}}, {"functionResponse": {"name": "f"}}]
    assert [one.call_id for one in items(content(*calls), content(*answers, role="user"))[2:]] == ["b", "a"]
    [orphan] = items(content({"functionResponse": {"name": "f"}}, role="user"))
    assert orphan == ToolResult("gcall_unknown_f", ())


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "x"}, "x", False),
        ({"error": "x"}, "x", True),
        ({"output": {"a": 1}}, '{"output":{"a":1}}', False),
        ({"a": 1, "error": "x"}, '{"a":1,"error":"x"}', False),
    ],
)
def test_what_a_tool_said(response, text, failed):
    [got] = items(content({"functionResponse": {"name": "f", "response": response}}, role="function"))
    assert (got.parts, got.is_error) == ((Text(text),), failed)


def test_a_result_may_hold_pictures():
    part = {"inline_data": {"mime_type": "image/png", "data": "QQ=="}}
    [got] = items(content({"functionResponse": {"name": "f", "parts": [part, 3]}}, role="user"))
    assert got.parts == (Image(data="QQ==", media_type="image/png"),)


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"inlineData": {"mimeType": "image/webp", "data": "QQ=="}}, Image(data="QQ==", media_type="image/webp")),
        ({"inlineData": {"mimeType": "audio/mpeg", "data": "QQ=="}}, Audio("QQ==", "mp3")),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "QQ==", "displayName": "a.pdf"}},
            File(data="QQ==", media_type="application/pdf", filename="a.pdf"),
        ),
        ({"fileData": {"fileUri": "https://x.test/a.png", "mimeType": "image/png"}}, Image(url="https://x.test/a.png")),
        (
            {"file_data": {"file_uri": "gs://b/x", "mime_type": "image/png"}},
            Image(url="gs://b/x", media_type="image/png"),
        ),
        ({"fileData": {"fileUri": "gs://b/a.pdf"}}, File(url="gs://b/a.pdf", media_type="application/pdf")),
    ],
)
def test_media(part, read):
    assert items(content(part, role="user")) == [Message("user", (read,))]


@pytest.mark.parametrize(
    "part",
    [
        {"executableCode": {"code": "1"}, "thoughtSignature": "s"},
        {"inlineData": {"mimeType": "video/mp4", "data": "QQ=="}},
        {"inlineData": {"data": 3}},
        {"fileData": {"fileUri": "https://youtu.be/x"}},
        {"fileData": {"fileUri": ""}},
        {"fileData": {"fileUri": "gs://b/a.png"}, "videoMetadata": {"fps": 1}},
        {"text": "a", "mediaProcessing": "STATIC"},
        {"novel": 1},
    ],
)
def test_a_part_without_a_word_is_kept_whole(part):
    [message] = items(content(part, role="user"))
    assert message.parts == (Foreign("gemini", next(iter(part)), part),)


def test_a_signature_alone_and_a_content_without_parts():
    assert items(content({"thoughtSignature": "s"}))[0].parts == (Text("", opaque=Opaque("signature", "s", "")),)
    assert items(content()) == [Message("assistant", ())]


DEEP = {"a": 1}
for _ in range(300):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        (3, "contents[0]"),
        ({"role": "system", "parts": []}, "contents[0].role"),
        ({"role": ["user"], "parts": []}, "contents[0].role"),
        ({"parts": 3}, "contents[0].parts"),
        ({"parts": [3]}, "contents[0].parts[0]"),
        ({"parts": [{"text": 3}]}, "contents[0].parts[0].text"),
        ({"parts": [{"functionCall": 3}]}, "contents[0].parts[0].functionCall"),
        ({"parts": [{"functionCall": {"name": ""}}]}, "contents[0].parts[0].functionCall.name"),
        ({"parts": [{"functionCall": {"name": "f", "args": 3}}]}, "contents[0].parts[0].functionCall.args"),
        ({"parts": [{"functionCall": {"name": "f", "args": DEEP}}]}, "contents[0].parts[0].functionCall.args"),
        ({"parts": [{"functionResponse": 3}]}, "contents[0].parts[0].functionResponse"),
        ({"parts": [{"functionResponse": {}}]}, "contents[0].parts[0].functionResponse.name"),
    ],
)
def test_what_is_no_content_is_told_by_its_path(bad, param):
    with pytest.raises(Malformed) as raised:
        items(bad)
    assert raised.value.param == param


def test_an_id_that_comes_again_is_made_unique_with_its_result():
    def call(name):
        return {"functionCall": {"id": "a", "name": name}}

    def result(name, text):
        return {"functionResponse": {"id": "a", "name": name, "response": {"output": text}}}

    user = {"role": "user"}
    got = items(
        content(call("f"), call("f"), call("g")),
        {**user, "parts": [result("f", "1"), result("g", "2"), result("f", "3")]},
        content(call("f")),
        {**user, "parts": [result("f", "4"), result("f", "5")]},
    )
    assert [item.id for item in got if isinstance(item, ToolCall)] == ["a", "a_2", "a_3", "a_4"]
    results = [(item.call_id, item.parts[0].text) for item in got if isinstance(item, ToolResult)]
    assert results == [("a", "1"), ("a_3", "2"), ("a_2", "3"), ("a_4", "4"), ("a", "5")]
