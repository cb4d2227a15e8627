"""Small values between the wire and the neutral form."""

import pytest

from translators.ir import Finish, Usage
from translators.openai_responses.wire import (
    RESPONSE,
    WireResponse,
    chat_annotation,
    chat_logprobs,
    is_minted,
    item_id,
    own_annotation,
    own_logprobs,
    read_finish,
    read_usage,
    reasoning_text,
    render_usage,
)

USAGE = b"""{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},
"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2},"total_tokens":14}}"""


def test_counts_come_through_and_back():
    usage = read_usage(RESPONSE.decode(USAGE).usage)
    assert usage == Usage(9, 5, cached=4, cache_write=1, reasoning=2)
    assert render_usage(usage) == {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 14,
    }


def test_counts_that_were_not_said_are_unknown_when_read_and_zero_when_written():
    usage = read_usage(RESPONSE.decode(b'{"usage":{"input_tokens":3}}').usage)
    assert usage == Usage(3, 0)
    assert render_usage(usage)["output_tokens_details"] == {"reasoning_tokens": 0}


@pytest.mark.parametrize(
    ("status", "reason", "called", "finish"),
    [
        ("completed", None, False, Finish.STOP),
        ("completed", None, True, Finish.TOOL_CALLS),
        ("incomplete", "max_output_tokens", True, Finish.LENGTH),
        ("incomplete", "content_filter", False, Finish.CONTENT_FILTER),
        ("incomplete", "novel", False, Finish.LENGTH),
        (None, None, False, Finish.STOP),
    ],
)
def test_an_end_is_what_status_and_reason_say(status, reason, called, finish):
    response = WireResponse(status=status, incomplete_details={"reason": reason} if reason else None)
    assert read_finish(response, called=called) is finish


def test_a_citation_counts_from_the_whole_text_and_back_from_its_part():
    note = {"type": "url_citation", "start_index": 2, "end_index": 5, "title": "t", "url": "https://x.test"}
    told = chat_annotation(note, 10)
    assert told["url_citation"] == {"start_index": 12, "end_index": 15, "title": "t", "url": "https://x.test"}
    assert own_annotation(told, 10) == note


@pytest.mark.parametrize("note", [None, {"type": "file_citation", "file_id": "f"}])
def test_notes_on_files_are_the_providers_own(note):
    assert chat_annotation(note, 0) is None


def test_probabilities_are_whole_when_written():
    entries = [{"token": "é", "logprob": -1.0, "top_logprobs": [{"token": "a", "logprob": -2.0, "bytes": [97]}]}]
    told = chat_logprobs(entries)
    assert told == {"content": entries, "refusal": None}
    assert own_logprobs(told) == [
        {
            "token": "é",
            "logprob": -1.0,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "a", "logprob": -2.0, "bytes": [97], "top_logprobs": []}],
        }
    ]
    assert (chat_logprobs([]), own_logprobs(None)) == (None, [])


def test_reasoning_text_passes_over_what_is_no_text():
    item = {"content": None, "summary": [{"text": "a"}, "x", {"text": 3}, {"text": "b"}]}
    assert reasoning_text(item) == "a\n\nb"


def test_an_items_id_is_known_as_made_here_and_fits_a_vendors_limit():
    made = item_id("msg", "resp_01J" + "x" * 80 + "é/", 12)
    assert made.startswith("msg_sidestep_01J")
    assert made.endswith("_12")
    assert len(made) <= 64
    assert is_minted(made)
    assert not is_minted("msg_0123")
    assert not is_minted(None)
