"""Log probabilities in chat's form and in completions'."""

import pytest

from translators.openai_completions.wire import chat_logprobs as as_chat
from translators.openai_completions.wire import legacy_logprobs as as_legacy


def test_the_two_forms_say_the_same(chat_logprobs, legacy_logprobs):
    assert as_chat(legacy_logprobs) == chat_logprobs
    assert as_legacy(chat_logprobs, 0) == legacy_logprobs


def test_offsets_count_from_the_text_before(chat_logprobs):
    assert as_legacy(chat_logprobs, 10)["text_offset"] == [10, 12]


@pytest.mark.parametrize("logprobs", [None, {}, [], {"tokens": 7}, "x"])
def test_what_has_no_tokens_has_no_probabilities(logprobs):
    assert as_chat(logprobs) is None
    assert as_legacy(logprobs, 0) is None


def test_lists_of_different_lengths_are_read_as_far_as_they_go():
    """The first token of an echoed prompt has no probability."""
    read = as_chat({"tokens": ["a", "b"], "token_logprobs": [None], "top_logprobs": [None]})
    assert [(entry["token"], entry["logprob"], entry["top_logprobs"]) for entry in read["content"]] == [
        ("a", None, []),
        ("b", None, []),
    ]


def test_odd_entries_of_a_provider_cost_themselves_alone():
    assert as_legacy({"content": [7, {}, {"token": "a", "logprob": -1, "top_logprobs": ["x", {}]}]}, 0) == {
        "tokens": ["", "a"],
        "token_logprobs": [None, -1],
        "top_logprobs": [{}, {"": None}],
        "text_offset": [0, 0],
    }
