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
