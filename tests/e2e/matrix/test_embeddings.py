"""The openai SDK's embeddings, served by Gemini, and by Gemini on Vertex AI."""

import base64
import math
import struct

import openai
import pytest

from proxy.drill import embedding, script


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
async def test_vectors_are_those_that_gemini_gave_one_an_input(open_ai, matrix, encoding):
    more = {} if encoding is None else {"encoding_format": encoding}
    answer = await open_ai.embeddings.create(model="vectors", input=["one", "two"], dimensions=64, **more)
    vectors = [one.embedding for one in answer.data]
    if encoding == "base64":
        vectors = [list(struct.unpack("<64f", base64.b64decode(one))) for one in vectors]
    for got, text in zip(vectors, ("one", "two"), strict=True):
        assert all(map(math.isclose, got, embedding.vector(text, 64)))
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 2
    assert matrix.named("delta").requests[-1].path == "/v1beta/models/gemini-embedding-2:batchEmbedContents"


async def test_one_input_gives_one_vector(open_ai):
    answer = await open_ai.embeddings.create(model="vectors", input="alone")
    assert [(one.index, len(one.embedding)) for one in answer.data] == [(0, embedding.DIMENSIONS)]


async def test_token_numbers_are_refused_by_name(open_ai, matrix):
    with pytest.raises(openai.BadRequestError) as raised:
        await open_ai.embeddings.create(model="vectors", input=[[1, 2], [3]])
    assert "input" in raised.value.message
    assert matrix.calls()["delta"] == 0


async def test_a_failure_of_the_only_one_is_told(open_ai, matrix):
    matrix.named("delta").script = script.status(503)
    with pytest.raises(openai.InternalServerError):
        await open_ai.embeddings.create(model="vectors", input="alone")


GOOGLE = "/v1/projects/p/locations/global/publishers/google/models"


@pytest.mark.parametrize("encoding", [None, "float"])
@pytest.mark.parametrize(
    ("model", "given", "path"),
    [
        ("vertex-vectors", ["one"], "gemini-embedding-2:embedContent"),
        ("vertex-vectors", ["one", "two"], "gemini-embedding-2:batchEmbedContents"),
        ("older-vectors", ["one", "two"], "text-embedding-005:predict"),
    ],
)
async def test_vertex_gives_a_vector_for_each_input_by_the_method_of_its_model(
    open_ai, matrix, model, given, path, encoding
):
    more = {} if encoding is None else {"encoding_format": encoding}
    answer = await open_ai.embeddings.create(model=model, input=given, dimensions=64, **more)
    for one, text in zip(answer.data, given, strict=True):
        assert all(map(math.isclose, one.embedding, embedding.vector(text, 64)))
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == len(given)
    heard = matrix.named("delta").requests[-1]
    assert heard.path == f"{GOOGLE}/{path}"
    assert heard.headers["authorization"].startswith("Bearer ")


async def test_too_many_inputs_for_vertex_are_refused_by_name(open_ai, matrix):
    with pytest.raises(openai.BadRequestError) as raised:
        await open_ai.embeddings.create(model="older-vectors", input=["a"] * 251)
    assert "250" in raised.value.message
    assert matrix.calls()["delta"] == 0
