"""Gemini takes the keywords it documents, at any depth, and nothing beside a reference."""

import pytest

from proxy.drill.gemini_schema import schema_problem

GOOD = {
    "type": "object",
    "properties": {
        "pattern": {"type": ["string", "null"], "enum": ["a"]},
        "many": {"type": "array", "items": {"$ref": "#/$defs/one"}, "minItems": 1},
        "any": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
    },
    "required": ["many"],
    "additionalProperties": False,
    "propertyOrdering": ["many"],
    "$defs": {"one": {"type": "integer", "title": "One"}},
}


def test_a_schema_of_documented_keywords_is_taken():
    assert list(schema_problem(GOOD, "s")) == []


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "string", "pattern": "a"}, "\"pattern\" at 's'"),
        ({"properties": {"a": {"const": 1}}}, "\"const\" at 's.properties.a'"),
        ({"$defs": {"a": {"strict": True}}}, "\"strict\" at 's.$defs.a'"),
        ({"anyOf": [{}, {"not": {}}]}, "\"not\" at 's.anyOf[1]'"),
        ({"items": {"uniqueItems": True}}, "\"uniqueItems\" at 's.items'"),
        ({"additionalProperties": {"multipleOf": 2}}, "\"multipleOf\" at 's.additionalProperties'"),
        ({"$ref": "#", "description": "x"}, "s: a schema with $ref"),
    ],
)
def test_anything_else_is_told_with_its_place(schema, named):
    (problem,) = schema_problem(schema, "s")
    assert named in problem
