"""Schemas of tools that Gemini refused from other gateways, and vectors that arrived as something else."""

import base64
import struct

import orjson
import pytest

from tests.gateways.bridge import CHAT, CLAUDE, GEMINI, USER, asked, profile
from translators import embeddings


def parameters(schema, client=CHAT):
    """The schema as Gemini is sent it, and the report."""
    tool = {"type": "function", "function": {"name": "look_up", "parameters": schema}}
    if client == CLAUDE:
        tool = {"name": "look_up", "input_schema": schema}
    body, report = asked(client, GEMINI, {"max_tokens": 9, "messages": [USER], "tools": [tool]})
    [function] = body["tools"][0]["functionDeclarations"]
    return function["parametersJsonSchema"], report


def obj(**properties):
    return {"type": "object", "properties": properties}


# diegosouzapw/OmniRoute#1421
def test_any_further_property_is_said_by_saying_nothing_at_any_depth():
    deep = obj(a={**obj(b={"type": "object", "additionalProperties": True}), "additionalProperties": True})
    sent, report = parameters(deep)
    assert sent == obj(a=obj(b={"type": "object"}))
    assert report == {}


# decolua/9router#3018
def test_what_gemini_has_no_keyword_for_is_told_in_words():
    words = {"uniqueItems": True, "contains": {"type": "string"}}
    schema = obj(a={"type": "array", "items": {"type": "number", "multipleOf": 5}, **words})
    sent, report = parameters(schema)
    array = sent["properties"]["a"]
    assert not {"uniqueItems", "contains"} & array.keys() and "multipleOf" not in array["items"]
    assert "uniqueItems: true" in array["description"]
    assert array["items"]["description"] == "multipleOf: 5"
    assert report == {"tools[0].function.parameters": "approximated"}


# su-kaka/gcli2api#374
def test_a_node_that_refers_says_nothing_else():
    schema = {**obj(a={"$ref": "#/$defs/A", "description": "one"}, b={"$ref": "#/$defs/A"}), "$defs": {"A": obj()}}
    sent, _ = parameters(schema)
    for node in nodes(sent):
        assert "$ref" not in node or all(name.startswith("$") for name in node)
    assert sent["properties"]["a"]["description"] == "one"
    assert "#/$defs/A" in orjson.dumps(sent["properties"]["a"]).decode()


def nodes(value):
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(one)


# decolua/9router#4169
@pytest.mark.parametrize("client", [CHAT, CLAUDE])
def test_words_that_belong_beside_a_schema_are_taken_out_of_it(client):
    stray = {"strict": True, "cache_control": {"type": "ephemeral"}, "$schema": "https://json-schema.org/draft/2020-12"}
    sent, _ = parameters({**obj(a={"type": "string", **stray}), **stray}, client)
    assert sent == obj(a={"type": "string"})


def test_a_property_of_such_a_name_is_a_property():
    """41 and 43 must not take away what a tool is called with."""
    schema = obj(strict={"type": "boolean"}, pattern={"type": "string"}, uniqueItems={"type": "string"})
    assert parameters(schema) == (schema, {})


# genspark-ai/genoffice#186
def test_a_value_that_may_be_null_stays_one():
    schema = obj(a={"type": ["number", "null"]})
    assert parameters(schema) == (schema, {})


# NousResearch/hermes-agent#98928
def test_alternatives_and_definitions_go_as_json_schema():
    schema = {**obj(a={"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}), "$defs": {"A": obj(b={"type": "string"})}}
    assert parameters(schema) == (schema, {})


# -- vectors -----------------------------------------------------------------------------------------------------

PACKED = base64.b64encode(struct.pack("<3f", 0.5, -1, 2)).decode()


def answer(vector):
    item = {"object": "embedding", "index": 0, "embedding": vector}
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    return orjson.dumps({"object": "list", "data": [item], "model": "m", "usage": usage})


# api7/aisix#393
def test_packed_vectors_pass_as_they_came():
    body = answer(PACKED)
    adapted, usage, _, count = embeddings.adapt(body, "base64", profile())
    assert (adapted, usage.input, count) == (body, 2, 1)


# ai-forever/gpt2giga#108
def test_numbers_are_packed_for_a_client_that_asked_for_that():
    adapted = orjson.loads(embeddings.adapt(answer([0.5, -1, 2]), "base64", profile())[0])
    assert adapted["data"][0]["embedding"] == PACKED
    unpacked = orjson.loads(embeddings.adapt(answer(PACKED), "float", profile())[0])
    assert unpacked["data"][0]["embedding"] == [0.5, -1, 2]
