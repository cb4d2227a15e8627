"""Answers decoded."""

import msgspec
import pytest

from translators.faults import ProtocolFault
from translators.gemini.answer import WireLogprobs, decode, decode_part, loaded, logprobs


def test_an_answer_may_stand_in_a_list():
    assert [one.response_id for one in decode(b' [{"responseId":"a"},{"responseId":"b"}]', "it")] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "no valid JSON"),
        (b'{"candidates":3}', "wrong type"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"error":' * 5000, "no valid JSON"),
    ],
)
def test_what_is_no_answer_is_a_fault(data, words):
    with pytest.raises(ProtocolFault, match=words):
        decode(data, "an event")


def test_a_part_of_the_wrong_shape_is_a_fault():
    with pytest.raises(ProtocolFault):
        decode_part(msgspec.Raw(b'{"text":3}'))
    with pytest.raises(ProtocolFault):
        decode_part(msgspec.Raw(b'{"text":"\xff"}'))
    with pytest.raises(ProtocolFault):
        loaded(b"{")


def test_probabilities_take_openais_form():
    said = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5, "tokenId": 1}, {"token": "b"}],
        "topCandidates": [
            {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "x", "logProbability": -2}]}
        ],
    }
    got = logprobs(msgspec.convert(said, WireLogprobs))
    first, second = got["content"]
    assert (first["token"], first["logprob"], first["bytes"]) == ("é", -0.5, [195, 169])
    assert [one["token"] for one in first["top_logprobs"]] == ["é", "x"]
    assert second["top_logprobs"] == []
    assert logprobs(WireLogprobs()) is None


SNAKES = [
    (b'{"candidates":[{"finish_reason":"STOP"}]}', "finish_reason"),
    (b'{"candidates":[{"content":{"parts":[]}}],"usage_metadata":{"prompt_token_count":1}}', "usage_metadata"),
    (b'[{"candidates":[]},{"model_version":"m"}]', "model_version"),
    (b'{"response_id":"r"}', "response_id"),
    (b'{"prompt_feedback":{"block_reason":"SAFETY"}}', "prompt_feedback"),
]


@pytest.mark.parametrize(("data", "name"), SNAKES, ids=[name for _, name in SNAKES])
def test_an_answer_in_snake_case_is_refused_by_what_it_is_and_not_taken_for_one_that_was_cut(data, name):
    with pytest.raises(ProtocolFault, match=rf"an event has its names in snake case \({name}\)"):
        decode(data, "an event")


@pytest.mark.parametrize("more", [b'"x_trace":{"finish_reason":"a"}', b'"responseId":"r","model_version":"m"'])
def test_names_that_are_somebody_elses_are_passed_over(more):
    """And so is whatever stands beside the names that are read."""
    args = b'{"functionCall":{"name":"f","args":{"finish_reason":"x","usage_metadata":{}}}}'
    (answer,) = decode(b'{"candidates":[{"content":{"parts":[%b]},"finishReason":"STOP"}],%b}' % (args, more), "it")
    assert answer.candidates[0].finish_reason == "STOP"
