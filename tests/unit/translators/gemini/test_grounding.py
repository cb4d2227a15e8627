"""Byte offsets into an answer as character offsets."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.gemini.grounding import Ruler, WireGrounding, citations


def ruler(*pieces):
    made = Ruler()
    for piece in pieces:
        made.add(piece)
    return made


@given(st.lists(st.text(max_size=6), max_size=6), st.integers(0, 40))
def test_an_offset_in_bytes_is_the_character_there(pieces, at):
    whole = "".join(pieces)
    at = min(at, len(whole))
    data = whole[:at].encode(errors="surrogatepass")
    assert ruler(*pieces).char(len(data)) == at


def test_the_ends_of_the_text_bound_an_offset():
    assert (ruler("é", "ab").char(-3), ruler("é", "ab").char(99)) == (0, 3)


def grounding(**fields):
    return msgspec.convert(fields, WireGrounding)


CHUNKS = [
    {"web": {"uri": "https://a.test", "title": "A"}},
    {"retrievedContext": {"text": "no address"}},
    {"maps": {"uri": "https://m.test"}},
]


def test_every_claim_is_cited_with_every_source_that_has_an_address():
    support = {"segment": {"startIndex": 3, "endIndex": 5, "text": "xy"}, "groundingChunkIndices": [0, 1, 2, 9]}
    found = citations([grounding(groundingChunks=CHUNKS, groundingSupports=[support])], ruler("é-", "xy"))
    assert [one["url_citation"] for one in found] == [
        {"start_index": 2, "end_index": 4, "title": "A", "url": "https://a.test"},
        {"start_index": 2, "end_index": 4, "title": "", "url": "https://m.test"},
    ]
    assert {one["type"] for one in found} == {"url_citation"}


def test_what_a_stream_says_twice_is_cited_once_and_a_segment_without_a_start_begins_at_zero():
    support = {"segment": {"endIndex": 2}, "groundingChunkIndices": [0]}
    said = grounding(groundingChunks=CHUNKS, groundingSupports=[support])
    [one] = citations([said, said], ruler("abc"))
    assert one["url_citation"]["start_index"] == 0


@pytest.mark.parametrize("fields", [{}, {"groundingSupports": [{}]}, {"groundingChunks": CHUNKS}])
def test_nothing_grounded_is_nothing_cited(fields):
    assert citations([grounding(**fields)], ruler("abc")) == []
