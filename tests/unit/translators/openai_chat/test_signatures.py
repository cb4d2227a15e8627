"""Thought signatures in chat messages, both ways and through relays."""

import orjson
import pytest

from translators import openai_chat
from translators.codec import Context
from translators.fold import fold
from translators.ir import (
    Choice,
    Ended,
    Event,
    Finish,
    Message,
    Opaque,
    Reply,
    Request,
    Text,
    TextDelta,
    TextSigned,
    ToolCall,
    ToolResult,
    ToolStart,
)
from translators.openai_chat.signatures import is_signed, own_signatures, read_signature, render_signature
from translators.profile import Profile

GOOGLE = Profile(vendor="gemini", provider="google", model="g")
OTHER = Profile(provider="other", model="m")
HOME = GOOGLE.origin("openai-chat")
NATIVE = "gemini|google|g|"
CONTEXT = Context(id="i", created=1, model="g")
USER = {"role": "user", "content": "?"}


def extra(data="sig", origin=None, **more):
    made = {"google": {"thought_signature": data}, **more}
    return made if origin is None else {**made, "origin": origin}


def call(**more):
    return {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, **more}


def said(**more):
    return {"role": "assistant", "content": "a", "tool_calls": [call(extra_content=extra())], **more}


def answer(message):
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return orjson.dumps({"id": "x", "model": "g", "choices": [choice]})


def events(message):
    delta = {**message, "tool_calls": [{"index": 0, **one} for one in message["tool_calls"]]}
    chunk = {"id": "x", "model": "g", "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}
    return [Event(orjson.dumps(chunk)), Event(b"[DONE]")]


@pytest.mark.parametrize("odd", [None, 3, {}, {"google": 3}, {"google": {}}, {"google": {"thought_signature": ""}}])
def test_what_is_no_signature_is_none(odd):
    assert read_signature(odd) is None


def test_a_signature_is_read_with_its_mark_or_its_maker():
    assert read_signature(extra(origin="here")) == Opaque("signature", "sig", "here")
    assert read_signature(extra(origin="here"), "there") == Opaque("signature", "sig", "there")
    assert read_signature(extra(origin=3)) == Opaque("signature", "sig", "")
    opaque = Opaque("signature", "s", HOME)
    assert read_signature(render_signature(opaque, marked=True)) == opaque
    assert render_signature(opaque, marked=False) == extra("s")


def test_an_answers_signatures_are_read_whole_and_streamed():
    message = said(extra_content=extra("t"))
    whole = openai_chat.parse_reply(answer(message), GOOGLE)
    reader = openai_chat.reader(GOOGLE)
    deltas = [delta for event in events(message) for delta in reader.feed(event)]
    assert fold(deltas) == whole
    text, called = whole.choices[0].items
    assert text.parts == (Text("a", opaque=Opaque("signature", "t", HOME)),)
    assert called.opaque == Opaque("signature", "sig", HOME)


@pytest.mark.parametrize("own", ["call", "message"])
def test_a_relayed_answer_gets_marks_whole_and_streamed(own):
    message = said() if own == "call" else said(tool_calls=[call()], extra_content=extra())
    seen = openai_chat.inspect_reply(answer(message), GOOGLE)
    marked = orjson.loads(seen.body)["choices"][0]["message"]
    pipe = openai_chat.relay(GOOGLE, CONTEXT)
    streamed = orjson.loads(pipe.feed(events(message)[0])[1].removeprefix(b"data: "))["choices"][0]["delta"]
    for one in (marked, streamed):
        holder = one["tool_calls"][0] if own == "call" else one
        assert holder["extra_content"] == extra(origin=HOME)


def test_a_relayed_answer_without_signatures_passes_as_it_came():
    assert openai_chat.inspect_reply(answer({"role": "assistant", "content": "a"}), GOOGLE).body is None


def test_a_client_is_written_signatures_with_their_origin_whole_and_streamed():
    opaque, text = Opaque("signature", "s", NATIVE), Opaque("signature", "t", NATIVE)
    items = (Message("assistant", (Text("a", opaque=text),)), ToolCall("c", "f", "{}", opaque=opaque))
    reply = Reply(id="x", model="g", choices=(Choice(items, Finish.TOOL_CALLS),))
    message = orjson.loads(openai_chat.render_reply(reply, CONTEXT))["choices"][0]["message"]
    assert message["extra_content"] == extra("t", NATIVE)
    assert message["tool_calls"][0]["extra_content"] == extra("s", NATIVE)
    writer = openai_chat.writer(CONTEXT)
    deltas = [TextDelta("a"), TextSigned(text), ToolStart(0, "c", "f", opaque=opaque), Ended(Finish.TOOL_CALLS)]
    lines = b"".join(map(writer.feed, deltas)).decode().split("\n\n")
    chunks = [orjson.loads(line[6:])["choices"][0]["delta"] for line in lines if line]
    assert {"extra_content": extra("t", NATIVE)} in chunks
    assert [one["tool_calls"][0]["extra_content"] for one in chunks if "id" in (one.get("tool_calls") or [{}])[0]] == [
        extra("s", NATIVE)
    ]


def test_a_history_brings_them_back_with_their_origin():
    message = said(content=None, extra_content=extra("t", NATIVE), tool_calls=[call(extra_content=extra("s", NATIVE))])
    request = openai_chat.parse_request({"model": "m", "messages": [USER, message]})
    assert request.items[1:] == (
        Message("assistant", (Text("", opaque=Opaque("signature", "t", NATIVE)),)),
        ToolCall("c", "f", "{}", opaque=Opaque("signature", "s", NATIVE)),
    )


@pytest.mark.parametrize(("origin", "sent"), [(HOME, True), (NATIVE, False), ("", False)])
def test_a_translated_history_carries_them_to_their_maker_alone(origin, sent):
    items = (
        Message("assistant", (Text("a", opaque=Opaque("signature", "t", origin)),)),
        ToolCall("c", "f", "{}", opaque=Opaque("signature", "s", origin)),
        ToolResult("c", (Text("r"),)),
    )
    body, report = openai_chat.render_request(Request(model="m", items=items), GOOGLE)
    message = body["messages"][0]
    assert (message.get("extra_content"), message["tool_calls"][0].get("extra_content")) == (
        (extra("t"), extra("s")) if sent else (None, None)
    )
    assert message["content"] == "a"
    assert [entry.field for entry in report.entries] == ([] if sent else ["items[0].opaque", "items[1].opaque"])


@pytest.mark.parametrize(
    ("origin", "profile", "sent"),
    [
        (HOME, GOOGLE, True),
        (NATIVE, GOOGLE, False),
        (HOME, OTHER, False),
        (None, GOOGLE, True),
        (None, OTHER, False),
    ],
)
def test_a_relayed_history_carries_them_to_their_maker_alone(origin, profile, sent):
    message = said(tool_calls=[call(extra_content=extra("s", origin, note=1)), call()])
    body = {"model": "m", "messages": [USER, message]}
    out, report = openai_chat.relay_request(body, profile, None)
    first, second = out["messages"][1]["tool_calls"]
    assert first["extra_content"] == (extra("s", note=1) if sent else {"note": 1})
    assert second == call()
    assert [entry.field for entry in report.entries] == ([] if sent else ["messages[1].extra_content"])
    assert body["messages"][1] is message
    assert "origin" in str(message) or origin is None


def test_an_empty_extra_is_left_out_and_other_content_passes():
    out, foreign = own_signatures({"extra_content": extra(origin="x")}, HOME, GOOGLE)
    assert (out, foreign) == ({}, True)
    assert own_signatures({"extra_content": {"a": 1}, "tool_calls": ["odd"]}, HOME, OTHER) == (
        {"extra_content": {"a": 1}, "tool_calls": ["odd"]},
        False,
    )
    assert not is_signed({"tool_calls": ["odd", {}]})
