"""JSON as text, also where a strict writer gives up."""

import json

import pytest

from translators.faults import Fault, Kind
from translators.openai.text import dumps, error_event, quote


@pytest.mark.parametrize("text", ["", 'a "b"\n', "é🙂", "\ud83d"])
def test_any_text_is_quoted_so_that_it_reads_the_same(text):
    """Half a surrogate pair among them, which some vendors send."""
    assert json.loads(quote(text)) == text


def test_any_value_is_written_so_that_it_reads_the_same():
    value = {"a": [1, None, "\ud83d", {"b": 2.5}]}
    assert json.loads(dumps(value)) == value


def test_an_error_event_is_one_event_with_an_error_and_no_regular_end():
    event = error_event(Fault(kind=Kind.SERVER, message="it failed"))
    assert event.startswith(b"data: ")
    assert event.endswith(b"}\n\n")
    assert json.loads(event[6:])["error"]["message"] == "it failed"
    assert b"[DONE]" not in event
