"""The smallest instance of a schema satisfies that schema."""

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


@settings(max_examples=100, deadline=None)
@given(schemas)
def test_instances_validate(schema):
    jsonschema.validate(smallest_instance(schema), schema)
