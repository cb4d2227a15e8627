"""Citations of a Gemini answer, and those told to a Gemini client: bytes there, characters here."""

import orjson
import pytest

from translators import gemini
from translators.codec import Context
from translators.fold import fold
from translators.ir import Annotated, Choice, Ended, Finish, Message, Reply, Text, TextDelta, ToolStart

CONTEXT = Context(id="r", created=7, model="m")
SAID = "Grüße 🦜🦜, 30 m 👍🏽 tall."
PLACE = SAID.index("30 m"), SAID.index(" tall")


def in_bytes(offset):
    return len(SAID[:offset].encode())


GROUNDED = {
    "groundingChunks": [{"web": {"uri": "https://x.test", "title": "X"}}],
    "groundingSupports": [
        {
            "segment": {"startIndex": in_bytes(PLACE[0]), "endIndex": in_bytes(PLACE[1])},
            "groundingChunkIndices": [0],
        }
    ],
}
CITED = {
    "type": "url_citation",
    "url_citation": {"start_index": PLACE[0], "end_index": PLACE[1], "title": "X", "url": "https://x.test"},
}


def test_a_whole_answers_bytes_are_characters_beyond_the_basic_plane_too(answer, target):
    body = answer({"text": SAID}, groundingMetadata=GROUNDED)
    assert gemini.parse_reply(body, target()).choices[0].annotations == (CITED,)


@pytest.mark.parametrize("cut", range(1, len(SAID)))
def test_a_streams_bytes_are_counted_over_all_its_events(answer, deltas, cut):
    events = (answer({"text": SAID[:cut]}, reason=None), answer({"text": SAID[cut:]}, groundingMetadata=GROUNDED))
    assert fold(deltas(*events)).choices[0].annotations == (CITED,)


def test_a_gemini_client_is_told_them_in_bytes_of_a_whole_answer():
    message = Message("assistant", (Text(SAID[:7]), Text(SAID[7:])))
    choice = Choice((message,), Finish.STOP, annotations=(CITED, CITED, {"type": "file_citation"}))
    said = orjson.loads(gemini.render_reply(Reply(id="", model="", choices=(choice,)), CONTEXT))
    twice = {**GROUNDED, "groundingSupports": GROUNDED["groundingSupports"] * 2}
    assert said["candidates"][0]["groundingMetadata"] == twice


def test_a_gemini_client_is_told_them_in_bytes_of_a_stream(target):
    writer = gemini.writer(CONTEXT)
    for delta in (
        TextDelta(SAID[:7]),
        TextDelta(SAID[7:]),
        Annotated(CITED),
        ToolStart(0, "c", "f"),
        Ended(Finish.STOP),
    ):
        writer.feed(delta)
    [last] = [orjson.loads(line[6:]) for line in writer.close().splitlines() if line.startswith(b"data: ")]
    assert last["candidates"][0]["groundingMetadata"] == GROUNDED


def test_an_answer_without_citations_has_no_grounding():
    choice = Choice((Message("assistant", (Text("a"),)),), Finish.STOP, annotations=({"type": "file_citation"},))
    said = orjson.loads(gemini.render_reply(Reply(id="", model="", choices=(choice,)), CONTEXT))
    assert "groundingMetadata" not in said["candidates"][0]
