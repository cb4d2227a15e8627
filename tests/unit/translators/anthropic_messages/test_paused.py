"""A turn that Anthropic paused: what is sent back is what came, and reading on is reading one answer."""

import orjson
import pytest

from translators import anthropic_messages
from translators.anthropic_messages import paused
from translators.faults import Truncated
from translators.fold import fold
from translators.ir import (
    Annotated,
    Continued,
    Ended,
    Event,
    Finish,
    Started,
    TextDelta,
    ToolArguments,
    ToolStart,
    Used,
)
from translators.joined import joined
from translators.profile import Profile

HOSTED = Profile(provider="p", model="m", hosted_tools=True)
CITATION = {"type": "web_search_result_location", "url": "https://a.test", "title": "A", "cited_text": "c", "x": 1}
TURN = [
    {"type": "thinking", "thinking": "hm", "signature": "sig"},
    {"type": "text", "text": "one two"},
    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"encrypted_content": "e"}]},
    {"type": "text", "text": "three", "citations": [CITATION]},
    {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
]


def event(kind: str, **fields) -> Event:
    return Event(orjson.dumps({"type": kind, **fields}), kind)


def block(index: int, start: dict, *deltas: dict) -> list[Event]:
    changes = [event("content_block_delta", index=index, delta=delta) for delta in deltas]
    return [
        event("content_block_start", index=index, content_block=start),
        *changes,
        event("content_block_stop", index=index),
    ]


def text(*pieces: str) -> list[dict]:
    return [{"type": "text_delta", "text": piece} for piece in pieces]


def args(*pieces: str) -> list[dict]:
    return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def answer(*blocks: list[Event], stop: str = "pause_turn", **delta) -> list[Event]:
    usage = {"input_tokens": 10, "output_tokens": 1}
    return [
        event("message_start", message={"id": "msg_1", "model": "m", "usage": usage}),
        *(one for told in blocks for one in told),
        event("message_delta", delta={"stop_reason": stop, **delta}, usage={"output_tokens": 7}),
        event("message_stop"),
    ]


STREAM = answer(
    block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "hm"},
        {"type": "signature_delta", "signature": "sig"},
    ),
    block(1, {"type": "text", "text": ""}, *text("one", " two")),
    block(2, {**TURN[2], "input": {}}, *args("", '{"query"', ': "q"}')),
    block(3, TURN[3]),
    block(4, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": CITATION}, *text("three")),
    block(5, {**TURN[5], "input": {}}, *args('{"a": 1}')),
    block(6, {"type": "text", "text": ""}),
    container={"id": "cont_1"},
)
PAUSE = Continued({"container": "cont_1"}, {"messages": [{"role": "assistant", "content": TURN}]})


def read(reader, events) -> list:
    return [delta for one in events for delta in reader.feed(one)]


def test_the_turn_so_far_is_sent_back_verbatim():
    reader = anthropic_messages.reader(HOSTED)
    deltas = read(reader, STREAM)
    assert deltas[-1] == PAUSE
    assert not any(isinstance(delta, Ended) for delta in deltas) and not reader.done


def test_the_rest_goes_on_where_the_turn_stopped():
    reader = anthropic_messages.reader(HOSTED)
    read(reader, STREAM)
    cited = block(0, {"type": "text", "text": ""}, *text("four"), {"type": "citations_delta", "citation": CITATION})
    called = block(1, {**TURN[5], "id": "toolu_2"})
    rest = read(reader, answer(cited, called, stop="tool_use"))
    assert not any(isinstance(delta, Started) for delta in rest)
    assert [delta for delta in rest if isinstance(delta, TextDelta | ToolStart | ToolArguments)] == [
        TextDelta("four"), ToolStart(1, "toolu_2", "f"), ToolArguments(1, '{"a":1}'),
    ]  # fmt: skip
    [note] = [delta for delta in rest if isinstance(delta, Annotated)]
    assert (note.annotation["url_citation"]["start_index"], note.annotation["url_citation"]["end_index"]) == (12, 16)
    used = [delta.usage for delta in rest if isinstance(delta, Used)]
    assert (used[-1].input, used[-1].output) == (20, 14)
    assert rest[-1] == Ended(Finish.TOOL_CALLS) and reader.done


def test_each_pause_sends_back_what_came_since_the_last():
    reader = anthropic_messages.reader(HOSTED)
    read(reader, STREAM)
    again = read(reader, answer(block(0, {"type": "text", "text": ""}, *text("more"))))[-1]
    assert again == Continued({}, {"messages": [{"role": "assistant", "content": [{"type": "text", "text": "more"}]}]})
    assert [one.usage.output for one in read(reader, answer(stop="end_turn")) if isinstance(one, Used)][-1] == 21


def test_a_turn_whose_rest_nobody_asks_for_was_cut_short():
    reader = anthropic_messages.reader(HOSTED)
    read(reader, STREAM)
    assert list(reader.close()) == [Ended(Finish.LENGTH)]


def test_a_rest_that_breaks_off_has_no_end():
    reader = anthropic_messages.reader(HOSTED)
    read(reader, STREAM)
    read(reader, STREAM[:5])
    with pytest.raises(Truncated):
        reader.close()


def test_without_hosted_tools_a_pause_is_an_end():
    reader = anthropic_messages.reader(Profile(provider="p", model="m"))
    assert read(reader, STREAM)[-1] == Ended(Finish.STOP) and reader.done


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [block(0, {"type": "text", "text": ""})],
        [block(0, {"type": "text", "text": ""}, {"type": "unheard_of", "text": "x"})],
        [block(0, {"type": "server_tool_use", "input": {}}, *args('{"half'))],
    ],
    ids=["nothing", "empty", "an unknown delta", "half an input"],
)
def test_what_cannot_be_sent_back_is_not_gone_on_with(blocks):
    reader = anthropic_messages.reader(HOSTED)
    assert read(reader, answer(*blocks))[-1] == Ended(Finish.LENGTH)


def test_a_turn_that_is_too_long_to_be_kept_is_not_gone_on_with(monkeypatch):
    monkeypatch.setattr(paused, "CAP", 1000)
    reader = anthropic_messages.reader(HOSTED)
    assert read(reader, STREAM)[-1] == Ended(Finish.LENGTH)


def whole(content, stop: str = "pause_turn", **more) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 7}
    message = {"type": "message", "id": "msg_1", "model": "m", "content": content, "stop_reason": stop, "usage": usage}
    return orjson.dumps({**message, **more})


def test_a_whole_message_that_paused_says_the_same_as_a_stream():
    reply = anthropic_messages.parse_reply(whole(TURN, container={"id": "cont_1"}), HOSTED)
    assert reply.continued == PAUSE
    assert reply.choices[0].finish is Finish.LENGTH, "where nobody asks for the rest"
    rest = [{"type": "text", "text": "four", "citations": [CITATION]}]
    read_on = joined(reply, anthropic_messages.parse_reply(whole(rest, "end_turn"), HOSTED))
    reader = anthropic_messages.reader(HOSTED)
    cited = block(0, {"type": "text", "text": ""}, *text("four"), {"type": "citations_delta", "citation": CITATION})
    streamed = fold(read(reader, STREAM) + read(reader, answer(cited, stop="end_turn")))
    assert read_on.choices[0].annotations == streamed.choices[0].annotations
    assert (read_on.usage, read_on.choices[0].finish) == (streamed.usage, streamed.choices[0].finish)
    assert [type(one) for one in read_on.choices[0].items] == [type(one) for one in streamed.choices[0].items]


def test_a_whole_message_without_hosted_tools_just_ends():
    reply = anthropic_messages.parse_reply(whole(TURN), Profile(provider="p", model="m"))
    assert (reply.continued, reply.choices[0].finish) == (None, Finish.STOP)
