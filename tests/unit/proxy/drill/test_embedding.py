"""Embeddings: deterministic, of unit length, in both encodings."""

import base64
import math
import struct

import orjson
import pytest

from proxy.drill.embedding import DIMENSIONS, embed, embed_batch, embed_on_vertex, vector


def reply(**body):
    return orjson.loads(embed({"model": "m", **body}))


def test_the_same_text_has_the_same_vector_and_another_text_another():
    assert vector("a") == vector("a") != vector("b")
    assert math.isclose(math.hypot(*vector("a")), 1.0, rel_tol=1e-6)


def test_base64_holds_the_very_floats_of_the_float_form():
    floats = reply(input="x", dimensions=8)["data"][0]["embedding"]
    packed = reply(input="x", dimensions=8, encoding_format="base64")["data"][0]["embedding"]
    assert list(struct.unpack("<8f", base64.b64decode(packed))) == floats


@pytest.mark.parametrize(
    ("given", "count"), [("text", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2)], ids=str
)
def test_there_is_one_vector_for_each_input(given, count):
    data = reply(input=given)["data"]
    assert [one["index"] for one in data] == list(range(count))
    assert all(len(one["embedding"]) == DIMENSIONS for one in data)


@pytest.mark.parametrize("body", [{"input": ""}, {"input": [""]}])
def test_an_empty_text_still_is_one(body):
    assert len(reply(**body)["data"]) == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"input": []}, {"input": None}, {"input": "x", "dimensions": 0.5}, {"input": "x", "dimensions": 10_000}],
)
def test_what_a_server_would_refuse_is_refused_in_words(body):
    assert isinstance(embed({"model": "m", **body}), str)


def test_usage_is_bytes_by_four():
    assert reply(input=["12345", "6"])["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


ONE = {"model": "models/g", "content": {"parts": [{"text": "a"}, {"text": "b"}]}}


def test_gemini_gives_one_vector_a_request_made_of_all_its_parts():
    told = orjson.loads(embed_batch({"requests": [ONE, {**ONE, "outputDimensionality": 8, "taskType": "x"}]}, "g"))
    assert [one["values"] for one in told["embeddings"]] == [vector("ab"), vector("ab", 8)]
    assert told["usageMetadata"] == {"promptTokenCount": 1}


@pytest.mark.parametrize(
    ("requests", "named"),
    [
        ([], "at most 100"),
        ([ONE] * 101, "at most 100"),
        ([{**ONE, "dimensions": 8}], '"dimensions"'),
        ([{**ONE, "model": "g"}], "model of the batch"),
    ],
)
def test_gemini_refuses_what_is_no_batch(requests, named):
    assert named in embed_batch({"requests": requests}, "g")


def content(text):
    return {"content": {"parts": [{"text": text}]}}


def test_vertex_gives_the_same_vectors_by_each_of_its_methods():
    config = {"embedContentConfig": {"outputDimensionality": 4}}
    one = orjson.loads(embed_on_vertex({**content("a"), **config}, "embedContent"))
    several = orjson.loads(embed_on_vertex({"requests": [{**content("a"), **config}]}, "batchEmbedContents"))
    asked = {"instances": [{"content": "a"}], "parameters": {"outputDimensionality": 4}}
    predicted = orjson.loads(embed_on_vertex(asked, "predict"))["predictions"][0]["embeddings"]
    assert one["embedding"]["values"] == several["embeddings"][0]["values"] == predicted["values"] == vector("a", 4)
    assert one["usageMetadata"]["promptTokenCount"] == predicted["statistics"]["token_count"] == 1


@pytest.mark.parametrize(
    ("body", "method"),
    [
        ({**content("a"), "outputDimensionality": 4}, "embedContent"),
        ({**content("a"), "embedContentConfig": {"novel": 1}}, "embedContent"),
        ({"requests": []}, "batchEmbedContents"),
        ({"instances": []}, "predict"),
    ],
)
def test_vertex_refuses_what_it_does_not_know(body, method):
    assert isinstance(embed_on_vertex(body, method), str)
