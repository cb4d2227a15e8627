"""Citations of an Anthropic answer: their places count characters, whatever their size in bytes."""

import orjson
import pytest

from translators.anthropic_messages import parse_reply, reader
from translators.fold import fold
from translators.ir import Event

BEFORE, SAID = "Grüße 🦜🦜: ", "30 m 👍🏽"
FOUND = {"type": "web_search_result_location", "url": "https://x.test", "title": "X", "cited_text": "t"}
CITED = {
    "type": "url_citation",
    "url_citation": {
        "start_index": len(BEFORE),
        "end_index": len(BEFORE) + len(SAID),
        "title": "X",
        "url": "https://x.test",
    },
}
SEARCH = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}


def test_places_in_a_whole_answer(target):
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "l",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": BEFORE}, SEARCH, {"type": "text", "text": SAID, "citations": [FOUND]}],
    }
    assert parse_reply(orjson.dumps(body), target()).choices[0].annotations == (CITED,)


@pytest.mark.parametrize("cut", range(1, len(SAID)))
def test_places_in_a_stream_however_its_text_is_cut(target, cut):
    events = [{"type": "message_start", "message": {"id": "m", "model": "l"}}]
    for index, pieces in enumerate(([BEFORE], None, [SAID[:cut], SAID[cut:]])):
        start = SEARCH if pieces is None else {"type": "text", "text": ""}
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        told = [{"type": "text_delta", "text": piece} for piece in pieces or ()]
        told += [{"type": "citations_delta", "citation": FOUND}] if index == 2 else []
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in told]
        events.append({"type": "content_block_stop", "index": index})
    events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
    one = reader(target())
    deltas = [delta for event in events for delta in one.feed(Event(orjson.dumps(event)))]
    assert fold(deltas).choices[0].annotations == (CITED,)
