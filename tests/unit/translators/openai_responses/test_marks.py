"""Blobs that say who made them."""

import pytest

from translators.ir import Opaque
from translators.openai_responses.marks import Mark, earlier, mark_item, marked, own_item, unmarked

OURS, THEIRS = "openai-responses|p|m|a", "anthropic-messages|q|n|"


@pytest.mark.parametrize("form", ["signature", "redacted", "encrypted"])
@pytest.mark.parametrize("rides", ["", "call", "text"])
def test_a_mark_tells_form_maker_and_what_it_rides_on(form, rides):
    opaque = Opaque(form, "a.b=.c", THEIRS)
    assert unmarked(marked(opaque, rides)) == Mark(opaque, rides)


@pytest.mark.parametrize("blob", [None, 3, "", "gAAA", "sidestep.", "sidestep.novel.YQ==.x", "sidestep.encrypted.é.x"])
def test_what_bears_no_mark_of_ours_is_told(blob):
    assert unmarked(blob) is None


def test_a_blob_without_a_mark_has_no_maker():
    assert earlier("gAAA") == Mark(Opaque("encrypted", "gAAA", ""))
    assert earlier(None) is None


def test_an_answers_item_is_marked_and_comes_back_to_its_maker_alone():
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    told = mark_item(item, OURS)
    assert own_item(told, OURS) == item
    assert own_item(told, THEIRS) is None


def test_a_mark_on_a_marked_blob_comes_off_alone():
    """So that one proxy may stand behind another."""
    item = {"type": "reasoning", "encrypted_content": marked(Opaque("encrypted", "x", THEIRS))}
    assert own_item(mark_item(item, OURS), OURS) == item


def test_items_without_a_blob_pass():
    message = {"type": "message", "role": "assistant", "content": "t"}
    assert mark_item(message, OURS) is message
    assert own_item(message, OURS) is message
    stored = {"type": "reasoning", "id": "rs_0a1b", "summary": []}
    assert own_item(stored, OURS) is stored


def test_reasoning_of_ours_without_a_blob_is_of_use_to_nobody():
    assert own_item({"type": "reasoning", "id": "rs_sidestep_x_0", "summary": []}, OURS) is None


def test_a_signature_that_rides_on_something_is_no_blob_of_this_dialect():
    item = {"type": "reasoning", "encrypted_content": marked(Opaque("signature", "x", OURS), "call")}
    assert own_item(item, OURS) is None
