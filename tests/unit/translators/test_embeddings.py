"""Embeddings: what is checked, what is sent, and the client's encoding honoured."""

import base64
import struct

import orjson
import pytest

from translators.embeddings import EmbeddingEnvelope, adapt, check, render
from translators.faults import Failure, Kind, Malformed, ProtocolFault
from translators.ir import Usage
from translators.profile import Profile
from translators.report import Verdict

PLAIN = Profile(provider="p", model="m")
VECTORS = [[0.5, -1.25, 3.0], [0.0, 2.0, -0.125]]
PACKED = [base64.b64encode(struct.pack("<3f", *vector)).decode() for vector in VECTORS]


def answer(vectors, **more):
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return orjson.dumps({"object": "list", "data": data, "model": "m-1", "usage": usage, **more})


@pytest.mark.parametrize(
    ("value", "inputs", "tokens"),
    [("text", 1, False), (["a", "b"], 2, False), ([1, 2, 3], 1, True), ([[1], [2, 3]], 2, True), ("", 1, False)],
)
def test_every_form_of_input_is_understood(value, inputs, tokens):
    envelope = check({"model": "m", "input": value, "encoding_format": "base64", "dimensions": 3})
    assert envelope == EmbeddingEnvelope("m", "base64", 3, inputs, tokens)


def test_float_is_the_encoding_nobody_asked_for():
    assert check({"model": "m", "input": "a"}).encoding == "float"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"encoding_format": "int8"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": True}, "dimensions"),
        ({"dimensions": "3"}, "dimensions"),
    ],
)
def test_a_bad_request_names_its_field(change, param):
    with pytest.raises(Malformed) as caught:
        check({"model": "m", "input": "a"} | change)
    assert caught.value.param == param
    assert param in str(caught.value)


@pytest.mark.parametrize("body", [[], "x", None])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Malformed):
        check(body)


def test_one_long_list_of_tokens_is_one_input_however_long():
    assert check({"model": "m", "input": [1] * 5000}).inputs == 1


def test_the_body_passes_with_the_targets_model():
    body = {"model": "asked", "input": ["a"], "encoding_format": "base64", "tomorrow": 1}
    out, report = render(body, PLAIN, "theirs")
    assert out == {**body, "model": "theirs"}
    assert body["model"] == "asked"
    assert report.entries == []


def test_token_numbers_are_refused_where_only_text_is_taken():
    profile = Profile(token_inputs=False)
    _, report = render({"model": "m", "input": [1, 2]}, profile, "m")
    assert [(entry.field, entry.verdict) for entry in report.entries] == [("input", Verdict.REFUSED)]
    assert render({"model": "m", "input": "a"}, profile, "m")[1].entries == []


def test_a_vendors_own_names_and_refusals_are_respected():
    profile = Profile(renames={"dimensions": "output_dimension"}, rejects=frozenset({"user", "encoding_format"}))
    body = {"model": "m", "input": "a", "dimensions": 3, "user": "u", "encoding_format": "base64"}
    out, report = render(body, profile, "m")
    assert out == {"model": "m", "input": "a", "output_dimension": 3}
    assert [entry.field for entry in report.entries] == ["user"]


@pytest.mark.parametrize(("vectors", "encoding"), [(VECTORS, "float"), (PACKED, "base64")])
def test_the_right_encoding_passes_untouched(vectors, encoding):
    body = answer(vectors)
    adapted = adapt(body, encoding, PLAIN)
    assert adapted == (body, Usage(7, 0), "m-1", 2)
    assert adapted[0] is body


def test_floats_are_packed_for_who_asked_for_base64():
    body, usage, model, vectors = adapt(answer(VECTORS), "base64", PLAIN)
    assert [item["embedding"] for item in orjson.loads(body)["data"]] == PACKED
    assert (usage, model, vectors) == (Usage(7, 0), "m-1", 2)


def test_base64_is_unpacked_for_who_asked_for_floats():
    body = adapt(answer(PACKED), "float", PLAIN)[0]
    assert [item["embedding"] for item in orjson.loads(body)["data"]] == VECTORS


def test_a_mixture_is_made_one_encoding():
    body = adapt(answer([VECTORS[0], PACKED[1]]), "base64", PLAIN)[0]
    assert [item["embedding"] for item in orjson.loads(body)["data"]] == PACKED


def test_no_vectors_and_no_usage_are_fine():
    assert adapt(b'{"data":[]}', "float", PLAIN)[1:] == (None, "", 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"m","code":"insufficient_quota"}}',
        b'[{"error":{"message":"m","code":"insufficient_quota"}}]',
        answer(VECTORS, error={"message": "m", "type": "insufficient_quota"}),
    ],
)
def test_an_error_in_a_good_answer_is_a_failure(body):
    with pytest.raises(Failure) as caught:
        adapt(body, "float", PLAIN)
    assert caught.value.fault.kind is Kind.QUOTA


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"data":3}', b"[]", b'{"data":[{"no":1}]}', b'{"data":[[1]]}']
)
def test_what_is_no_list_of_vectors_is_a_protocol_fault(body):
    with pytest.raises(ProtocolFault):
        adapt(body, "float", PLAIN)


@pytest.mark.parametrize("vectors", [[["a"]], [[None]], [{"a": 1}], [[[1.0]]]])
def test_a_vector_that_is_no_vector_cannot_be_packed(vectors):
    with pytest.raises(ProtocolFault):
        adapt(answer(vectors), "base64", PLAIN)


def test_an_end_of_another_shape_is_read_the_long_way():
    body = b'{"data":[{"embedding":[1.0]}],"model":3}'
    with pytest.raises(ProtocolFault):
        adapt(body, "float", PLAIN)
    body = b'{"data":[{"embedding":[1.0]}],"data":[{"embedding":[1.0]},{"embedding":[2.0]}]}'
    assert adapt(body, "float", PLAIN)[3] == 2


def test_a_number_too_large_for_the_encoding_is_no_vector():
    with pytest.raises(ProtocolFault):
        adapt(answer([[1e300]]), "base64", PLAIN)


def test_vectors_that_are_right_already_stay_as_they_are():
    body = adapt(answer([PACKED[0], VECTORS[1]]), "float", PLAIN)[0]
    assert [item["embedding"] for item in orjson.loads(body)["data"]] == VECTORS


@pytest.mark.parametrize("vector", ["%%%", "AAA=", "AAAAAAA="])
def test_base64_that_is_no_row_of_floats_cannot_be_unpacked(vector):
    with pytest.raises(ProtocolFault):
        adapt(answer([vector]), "float", PLAIN)


def test_what_was_only_looked_at_and_turns_out_no_json_cannot_be_put_into_another_encoding():
    body = answer([PACKED[0]]).replace(b'"embedding":"', b'"embedding":"\x01')
    with pytest.raises(ProtocolFault, match="JSON"):
        adapt(body, "float", PLAIN)
