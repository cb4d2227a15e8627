"""The smallest instance of a schema satisfies that schema."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.drill.instance import smallest_instance

CITY = {"type": "object", "properties": {"name": {"type": "string", "minLength": 9}}, "required": ["name"]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (CITY, {"name": "demoooooo"}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {}),
        ({"enum": ["x", "y"]}, "x"),
        ({"const": 7}, 7),
        ({"type": ["null", "boolean"]}, False),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, [0, 0]),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, 10),
        ({"type": "integer", "exclusiveMaximum": -3}, -4),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "string", "maxLength": 2}, "de"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
        ({"oneOf": [CITY]}, {"name": "demoooooo"}),
        ({"allOf": [CITY, {"properties": {"b": {"const": 1}}, "required": ["b"]}]}, {"name": "demoooooo", "b": 1}),
        ({"$ref": "#/$defs/c", "$defs": {"c": CITY}}, {"name": "demoooooo"}),
        ({"properties": {"x": {"type": "boolean"}}, "required": ["x"]}, {"x": False}),
        ({"items": {"type": "string"}}, []),
        ({}, None),
        (True, None),
    ],
    ids=str,
)
def test_each_keyword_is_respected(schema, value):
    made = smallest_instance(schema)
    assert made == value
    jsonschema.validate(made, schema)


def test_a_recursive_schema_ends():
    tree = {"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}, "required": ["next"]}}}
    at, depth = smallest_instance(tree), 0
    while at is not None:
        at, depth = at["next"], depth + 1
    assert depth <= 20


@pytest.mark.parametrize("reference", ["#/nowhere/at/all", "https://example.com/schema", "#"])
def test_a_reference_that_leads_nowhere_gives_nothing(reference):
    assert smallest_instance({"$ref": reference}) is None


VALIDATOR = jsonschema.validators.validator_for({})
"""Without a look at the schema itself, which costs more than the rest of a test of many."""
leaves = st.one_of(
    st.fixed_dictionaries({"type": st.just("string")}, optional={"minLength": st.integers(0, 20)}),
    st.fixed_dictionaries({"type": st.just("integer")}, optional={"minimum": st.integers(-50, 50)}),
    st.fixed_dictionaries({"enum": st.lists(st.integers(), min_size=1, max_size=3, unique=True)}),
    st.just({"type": "boolean"}),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, inner, st.integers(0, 3)),
        st.builds(
            lambda props: {
                "type": "object",
                "properties": props,
                "required": list(props),
                "additionalProperties": False,
            },
            st.dictionaries(st.text(max_size=5), inner, max_size=3),
        ),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(schemas)
def test_instances_validate(schema):
    VALIDATOR(schema).validate(smallest_instance(schema))


KEYWORDS = """type properties required items enum anyOf oneOf allOf $ref format minLength maxLength minItems minimum
maximum exclusiveMinimum exclusiveMaximum multipleOf object array string integer number #"""
words = st.sampled_from(KEYWORDS.split())
odd = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**20) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(words, odd, min_size=1, max_size=5))
def test_a_schema_that_is_none_still_gives_something_that_can_be_written(schema):
    json.dumps(smallest_instance(schema))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "required": [None, "a", []]}, {"a": None}),
        ({"type": "object", "required": 5}, {}),
        ({"type": "object", "properties": [], "required": ["a"]}, {"a": None}),
        ({"type": "object", "properties": {"a": 3}, "required": ["a"]}, {"a": None}),
        ({"type": "string", "minLength": "9"}, "demo"),
        ({"type": "string", "format": []}, "demo"),
        ({"type": "array", "minItems": None}, []),
        ({"type": "integer", "minimum": 3, "multipleOf": 0}, 3),
        ({"type": "number", "minimum": 3, "multipleOf": 1e-320}, 3),
        ({"type": "integer", "enum": 5}, 0),
        ({"type": "integer", "anyOf": {"a": 1}, "allOf": 7}, 0),
    ],
    ids=str,
)
def test_a_keyword_of_another_type_says_nothing(schema, value):
    assert smallest_instance(schema) == value
