"""Reasoning blocks in chat's extension fields."""

import pytest

from translators.ir import Opaque, Reasoning
from translators.openai_chat.reasoning import (
    has_blob,
    marked,
    own,
    read_blocks,
    read_thinking,
    render_blocks,
    render_end,
)

SIGNED = Reasoning("a", Opaque("signature", "S", "o"))
REDACTED = Reasoning("", Opaque("redacted", "R", "o"))
SEALED = Reasoning("b", Opaque("encrypted", "E", "o"))


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [Reasoning("plain")],
        [SIGNED],
        [REDACTED],
        [SEALED],
        [SIGNED, REDACTED, SEALED, Reasoning("c")],
        [Reasoning("a"), Reasoning("b"), REDACTED],
    ],
)
def test_blocks_come_back_as_they_were_written(blocks):
    """Separate signatures stay with their own text, and a blob without text survives."""
    assert read_blocks(render_blocks(blocks)) == blocks


def test_the_text_alone_is_there_for_clients_that_know_no_more():
    assert render_blocks([SIGNED, SEALED])["reasoning_content"] == "ab"
    assert render_blocks([]) == {}


def test_fragments_that_a_client_gathered_are_one_block_by_their_index():
    details = [
        {"type": "reasoning.text", "text": "a", "index": 0},
        {"type": "reasoning.text", "text": "b", "index": 0},
        {"type": "reasoning.text", "text": "c", "index": 1},
    ]
    assert read_blocks({"reasoning_details": details}) == [Reasoning("ab"), Reasoning("c")]


def test_a_summary_and_the_sealed_reasoning_after_it_are_one_block():
    details = [{"type": "reasoning.summary", "summary": "s", "index": 0}, {"type": "reasoning.encrypted", "data": "E"}]
    assert read_blocks({"reasoning_details": details}, "o") == [Reasoning("s", Opaque("encrypted", "E", "o"))]


def test_text_that_stands_only_in_the_plain_field_joins_the_first_blob():
    fields = {"reasoning": "t", "reasoning_details": [{"signature": "S", "index": 0}, {"data": "D", "index": 1}]}
    assert read_blocks(fields) == [
        Reasoning("t", Opaque("signature", "S", "")),
        Reasoning("", Opaque("encrypted", "D", "")),
    ]


@pytest.mark.parametrize(
    "message",
    [{}, {"reasoning_details": 3}, {"reasoning_details": ["x", None]}, {"thinking_blocks": [1]}, {"reasoning": {}}],
)
def test_what_is_no_reasoning_is_none(message):
    assert read_blocks(message) == []


def test_the_end_of_a_block_without_a_blob_is_marked_too():
    assert render_end(None, 2) == {"type": "reasoning.text", "index": 2, "origin": ""}


def test_redacted_data_of_other_writers_is_known_by_its_format():
    entry = {"type": "reasoning.encrypted", "data": "D", "format": "anthropic-claude-v1"}
    assert read_blocks({"reasoning_details": [entry]})[0].opaque.form == "redacted"


def test_marking_names_the_maker_of_blobs_only():
    entries = [{"text": "a"}, {"signature": "S"}, {"data": "D"}, {"signature": ""}, "odd"]
    assert [has_blob(entry) for entry in entries] == [False, True, True, False, False]
    assert marked(entries, "o") == [
        {"text": "a"},
        {"signature": "S", "origin": "o"},
        {"data": "D", "origin": "o"},
        {"signature": ""},
        "odd",
    ]


def test_what_was_marked_goes_home_as_it_was():
    entries = [{"text": "a", "format": "x-v1"}, {"signature": "S", "format": "x-v1"}]
    assert own(marked(entries, "here"), "here") == entries


def test_what_belongs_elsewhere_stays_away_text_included():
    assert own(marked([{"text": "a"}, {"signature": "S"}], "there"), "here") == []
    assert own(render_blocks([Reasoning("t")])["reasoning_details"], "here") == []


def test_of_unmarked_entries_only_the_blobs_are_taken():
    assert own([{"text": "a"}, {"signature": "S"}, "odd"], "here") == [{"text": "a"}, "odd"]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        ({"thinking": [{"type": "text", "text": "a"}, {"text": "b"}, 3]}, Reasoning("ab")),
        ({"thinking": "a", "signature": "S"}, Reasoning("a", Opaque("signature", "S", "o"))),
        ({"thinking": None}, Reasoning("")),
        ({}, Reasoning("")),
    ],
)
def test_thinking_parts(part, block):
    assert read_thinking(part, "o") == block
