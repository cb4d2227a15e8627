"""Vectors asked of Gemini in OpenAI's form."""

import base64
import struct

import orjson
import pytest

from translators.faults import Failure, Kind, ProtocolFault
from translators.gemini.embeddings import BATCH_MAX, PREDICT_MAX, adapt, address, may_cut, render
from translators.profile import Profile

PROFILE = Profile(model="gemini-embedding-001")
VERTEX = Profile(model="gemini-embedding-2", paths={"embeddings": "/models/{model}:embedContent"})
OLDER = Profile(model="text-embedding-005", paths={"embeddings": "/models/{model}:predict"})


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


def test_the_gemini_api_has_one_address_for_any_number_of_inputs():
    for given in ("a", ["a", "b"]):
        body, _ = render({"model": "alias", "input": given}, PROFILE, PROFILE.model)
        assert address(PROFILE, body) == "/models/gemini-embedding-001:batchEmbedContents"


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


# -- Vertex AI ---------------------------------------------------------------------------------------------------


def on_vertex(profile, **fields):
    body, report = render({"model": "alias", **fields}, profile, profile.model)
    return address(profile, body), body, {entry.field: entry.verdict.value for entry in report.entries}


def test_one_input_is_asked_for_alone_on_vertex_and_several_in_a_batch():
    assert on_vertex(VERTEX, input="a") == (
        "/models/gemini-embedding-2:embedContent",
        {"content": {"parts": [{"text": "a"}]}},
        {},
    )
    config = {"outputDimensionality": 64, "taskType": "CLUSTERING", "autoTruncate": True}
    more = {"dimensions": 64, "task_type": "CLUSTERING", "auto_truncate": True}
    path, body, report = on_vertex(VERTEX, input=["a", "b"], encoding_format="base64", **more)
    assert path == "/models/gemini-embedding-2:batchEmbedContents"
    assert body == {"requests": [{"content": {"parts": [{"text": one}]}, "embedContentConfig": config} for one in "ab"]}
    assert report == {}


def test_older_models_are_asked_to_predict_and_not_to_cut():
    path, body, report = on_vertex(OLDER, input=["a", "b"], dimensions=64, task_type="CLUSTERING", user="ann")
    assert path == "/models/text-embedding-005:predict"
    assert body["instances"] == [{"content": one, "task_type": "CLUSTERING"} for one in "ab"]
    assert body["parameters"] == {"outputDimensionality": 64, "autoTruncate": False}
    assert report == {"user": "dropped"}
    assert on_vertex(OLDER, input="a", autoTruncate=True)[1]["parameters"] == {"autoTruncate": True}


def test_each_method_takes_its_own_number_of_inputs():
    assert on_vertex(VERTEX, input=["a"] * (BATCH_MAX + 1))[2] == {"input": "refused"}
    assert on_vertex(OLDER, input=["a"] * PREDICT_MAX)[2] == {}
    assert on_vertex(OLDER, input=["a"] * (PREDICT_MAX + 1))[2] == {"input": "refused"}


def test_the_gemini_api_is_not_told_whether_to_cut():
    assert rendered(input="a", auto_truncate=False)[1] == {"auto_truncate": "dropped"}


def test_what_is_left_out_is_told_in_the_clients_own_words():
    assert rendered(input="a", input_type="query", truncateMode="END")[1] == {
        "input_type": "dropped",
        "truncateMode": "dropped",
    }


def predicted(*counts, truncated=False):
    made = [{"values": [1, 0], "statistics": {"token_count": count, "truncated": truncated}} for count in counts]
    return orjson.dumps({"predictions": [{"embeddings": one} for one in made], "metadata": {}})


def test_answers_of_vertex_take_openais_form_with_their_counts():
    body, usage, model, count = adapt(predicted(4, 3.0), "float", OLDER)
    assert [one["embedding"] for one in orjson.loads(body)["data"]] == [[1.0, 0.0], [1.0, 0.0]]
    assert (usage.input, model, count) == (7, "text-embedding-005", 2)
    single = {"embedding": {"values": [0, 1]}, "usageMetadata": {"promptTokenCount": 11, "totalTokenCount": 11}}
    body, usage, _, count = adapt(orjson.dumps(single), "float", VERTEX)
    assert orjson.loads(body)["data"] == [{"object": "embedding", "index": 0, "embedding": [0.0, 1.0]}]
    assert (usage.input, count) == (11, 1)


def test_counts_that_are_not_told_of_every_vector_are_none():
    assert adapt(predicted(4, None), "float", OLDER)[1] is None
    assert adapt(b'{"embedding":{"values":[1]}}', "float", VERTEX)[1] is None


@pytest.mark.parametrize(
    "body", [predicted(4, truncated=True), b'{"embedding":{"values":[1]},"truncated":true}'], ids=["predict", "one"]
)
def test_a_vector_of_a_text_that_was_cut_is_none_unless_that_was_asked_for(body):
    with pytest.raises(Failure) as raised:
        adapt(body, "float", OLDER)
    assert (raised.value.fault.kind, raised.value.fault.param) == (Kind.TOO_LONG, "input")
    assert adapt(body, "float", OLDER, cut=True)[3] == 1
    assert [may_cut(one) for one in ({"auto_truncate": True}, {"autoTruncate": False}, {})] == [True, False, False]
