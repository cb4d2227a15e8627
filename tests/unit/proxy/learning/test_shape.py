"""Values are held to the schemas that structured outputs have; the reference is a whole validator."""

import jsonschema
import pytest

from proxy.learning import shape
from proxy.learning.shape import Undecided, fits

POINT = {
    "type": "object",
    "properties": {"x": {"type": "number"}, "label": {"type": ["string", "null"], "maxLength": 4}},
    "required": ["x", "label"],
    "additionalProperties": False,
}
TREE = {
    "$defs": {
        "node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                 "required": ["next"], "additionalProperties": False},
    },
    "$ref": "#/$defs/node",
}  # fmt: skip
CASES = [
    (POINT, [{"x": 1, "label": None}, {"x": 1.5, "label": "abcd"}, {"x": True, "label": ""}, {"x": 1, "label": "abcde"},
             {"x": 1}, {"x": 1, "label": "a", "y": 0}, [], None]),
    (TREE, [{"next": None}, {"next": {"next": None}}, {"next": {}}, {"next": {"next": 1}}]),
    ({"type": "array", "items": {"type": "integer", "minimum": 2, "exclusiveMaximum": 5}, "minItems": 1, "maxItems": 3},
     [[2], [2, 3, 4], [], [5], [1], [2.0], [2.5], [2, 3, 4, 2], [True], {}]),
    ({"prefixItems": [{"const": 1}, {"enum": ["a", False]}], "items": False},
     [[1, "a"], [1, False], [1, 0], [True, "a"], [1, "a", 1], [1]]),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}], "oneOf": [{"type": "integer"}, {"exclusiveMinimum": 2}]},
     [1, 2, 3, 2.5, 0, 4, 1.5]),
    ({"properties": {"a": {"type": "boolean"}}, "additionalProperties": {"type": "string"}, "minProperties": 1},
     [{"a": True}, {"a": 1}, {"b": "x"}, {"b": 1}, {}]),
    (True, [1]), (False, [1]), ({}, [1, None]),
    ({"type": "string", "minLength": 2}, ["ab", "a", 3]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), [(schema, value) for schema, values in CASES for value in values])
def test_it_says_what_a_whole_validator_says(schema, value):
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert fits(value, schema) is expected


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": 1},
        {"type": "point"},
        {"type": 1},
        {"required": "x"},
        {"properties": []},
        {"minLength": "1"},
        {"anyOf": {}},
        "string",
        None,
    ],
)
def test_what_is_no_schema_decides_nothing(schema):
    with pytest.raises(Undecided):
        fits([{}, "value"], {"items": schema} if schema != {"$ref": "#/$defs/nowhere"} else schema)


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}])
def test_a_schema_that_goes_round_ends(schema):
    with pytest.raises(Undecided):
        fits(1, schema)


def test_the_work_is_bounded(monkeypatch):
    monkeypatch.setattr(shape, "STEPS", 100)
    assert fits([1] * 99, {"items": {"type": "integer"}})
    with pytest.raises(Undecided):
        fits([1] * 100, {"items": {"type": "integer"}})
