"""Vectors asked of Gemini in OpenAI's form."""

import base64
import struct

import orjson
import pytest

from translators.faults import Failure, Kind, ProtocolFault
from translators.gemini.embeddings import BATCH_MAX, adapt, render
from translators.profile import Profile

PROFILE = Profile(model="gemini-embedding-001")


def rendered(**fields):
    body, report = render({"model": "alias", **fields}, PROFILE, "gemini-embedding-001")
    return body["requests"], {entry.field: entry.verdict.value for entry in report.entries}


def answered(vectors, **fields):
    return orjson.dumps({"embeddings": [{"values": one} for one in vectors], **fields})


def test_every_input_is_a_request_of_its_own():
    requests, report = rendered(input=["a", "b"], encoding_format="base64", dimensions=256)
    common = {"model": "models/gemini-embedding-001", "outputDimensionality": 256}
    assert requests == [{**common, "content": {"parts": [{"text": text}]}} for text in "ab"]
    assert report == {}
    assert len(rendered(input="one")[0]) == 1


def test_what_gemini_cannot_take_is_told():
    assert rendered(input=[1, 2, 3])[1] == {"input": "refused"}
    assert rendered(input=["a"] * (BATCH_MAX + 1))[1] == {"input": "refused"}
    assert rendered(input="a", user="ann", task_type="QUERY")[1] == {"user": "dropped"}
    assert rendered(input="a", task_type="QUERY")[0][0]["taskType"] == "QUERY"


def test_the_answer_takes_openais_form():
    counted = answered([[0.6, 0.8], [1, 0]], usageMetadata={"promptTokenCount": 7})
    body, usage, model, count = adapt(counted, "float", PROFILE)
    said = orjson.loads(body)
    assert [one["embedding"] for one in said["data"]] == [[0.6, 0.8], [1.0, 0.0]]
    assert [one["index"] for one in said["data"]] == [0, 1]
    assert (said["usage"], said["model"]) == ({"prompt_tokens": 7, "total_tokens": 7}, "gemini-embedding-001")
    assert (usage.input, usage.output, model, count) == (7, 0, "gemini-embedding-001", 2)


def test_who_asked_for_base64_gets_it_54():
    body, usage, _, _ = adapt(answered([[0.6, 0.8]]), "base64", PROFILE)
    [one] = orjson.loads(body)["data"]
    assert struct.unpack("<2f", base64.b64decode(one["embedding"])) == pytest.approx((0.6, 0.8))
    assert usage is None


def test_a_vector_that_was_cut_is_stretched_to_length_one():
    body, *_ = adapt(answered([[3, 4], [0, 0]]), "float", PROFILE)
    assert [one["embedding"] for one in orjson.loads(body)["data"]] == [[0.6, 0.8], [0.0, 0.0]]


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"embeddings":[{"values":["a"]}]}'])
def test_what_is_no_list_of_vectors_is_a_fault(body):
    with pytest.raises(ProtocolFault):
        adapt(body, "float", PROFILE)


def test_an_error_dressed_as_an_answer_is_a_failure():
    with pytest.raises(Failure) as raised:
        adapt(b'{"error":{"code":404,"status":"NOT_FOUND"}}', "float", PROFILE)
    assert raised.value.fault.kind is Kind.MISSING


def test_impossible_numbers_are_a_fault():
    with pytest.raises(ProtocolFault):
        adapt(b'{"embeddings":[{"values":[1e308,1e308,1e308,1e308]}]}', "base64", PROFILE)
