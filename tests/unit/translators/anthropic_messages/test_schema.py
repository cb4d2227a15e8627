"""JSON Schema fitted to the subset that Anthropic compiles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.anthropic_messages.schema import DEPTH, Unfit, burden, fit, fits, flattened

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def test_a_schema_inside_the_subset_comes_back_as_it_was():
    assert fit(CLOSED) == (CLOSED, [])
    assert fits(CLOSED)


def test_every_object_is_closed_and_that_is_told():
    schema = {"type": "object", "properties": {"a": {"type": ["object", "null"], "properties": {}}}}
    fitted, changes = fit(schema)
    assert fitted["additionalProperties"] is False
    assert fitted["properties"]["a"]["additionalProperties"] is False
    assert changes == ["additionalProperties"]


def test_a_bound_moves_into_the_description():
    fitted, changes = fit({"type": "integer", "minimum": 1, "maximum": 9, "description": "A digit"})
    assert fitted == {"type": "integer", "description": "A digit (minimum: 1; maximum: 9)"}
    assert changes == ["maximum", "minimum"]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("format", "date-time"), ("format", "uuid"), ("minItems", 1), ("pattern", "^[a-z]+$"), ("default", 3)],
)
def test_a_supported_value_of_a_keyword_stays(keyword, value):
    assert fit({"type": "string", keyword: value}) == ({"type": "string", keyword: value}, [])


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("format", "iban"),
        ("format", ["date"]),
        ("minItems", 2),
        ("maxLength", 5),
        ("uniqueItems", True),
        ("pattern", r"^(?=x)y"),
        ("pattern", r"\bword"),
        ("pattern", r"(a)\1"),
        ("not", {"type": "null"}),
    ],
)
def test_an_unsupported_one_is_described_instead(keyword, value):
    fitted, changes = fit({"type": "string", keyword: value})
    assert keyword not in fitted
    assert fitted["description"].startswith(f"{keyword}: ")
    assert changes == [keyword]
    assert not fits({"type": "string", keyword: value})


def test_one_of_becomes_any_of():
    assert fit({"oneOf": [{"type": "string"}, {"type": "null"}]}) == (
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ["oneOf"],
    )


def test_definitions_and_their_references_get_the_modern_name():
    fitted, _ = fit({"$ref": "#/definitions/A", "definitions": {"A": {"type": "string"}}})
    assert fitted == {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}


def test_a_reference_keeps_no_siblings():
    fitted, changes = fit({"properties": {"a": {"$ref": "#/$defs/A", "title": "T"}}, "$defs": {"A": {"type": "null"}}})
    assert fitted["properties"]["a"] == {"$ref": "#/$defs/A"}
    assert "title" in changes


def test_an_all_of_of_one_is_that_one():
    schema = {"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"type": "string"}}, "description": "d"}
    assert fit(schema)[0] == {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}, "description": "d"}


def test_an_all_of_is_written_into_its_node_because_closed_objects_forbid_one_anothers_members():
    """`{"allOf": [A, B]}` with both closed admits nothing, whatever the model answers."""
    one = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    two = {"type": "object", "properties": {"b": {"type": "null"}}, "required": ["b"], "description": "Both."}
    written = {"a": {"type": "string"}, "b": {"type": "null"}}
    for schema in (
        {"allOf": [one, two]},
        {**one, "allOf": [two]},
        {"allOf": [{"$ref": "#/$defs/A"}, {"allOf": [two]}], "$defs": {"A": one}},
        {**two, "allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": one}},
    ):
        fitted, changes = fit(schema)
        assert fitted["properties"] == written
        assert (sorted(fitted["required"]), fitted["additionalProperties"]) == (["a", "b"], False)
        assert (fitted["description"], "allOf" in fitted) == ("Both.", False)
        assert "allOf" in changes
    assert fit({"allOf": [{"$ref": "#/$defs/A"}, {"type": "string"}], "$defs": {"A": {"minLength": 1}}})[0] == {
        "type": "string",
        "description": "minLength: 1",
        "$defs": {"A": {"description": "minLength: 1"}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": ["object", "null"], "patternProperties": {"^x": {"type": "string"}}},
    ],
)
def test_a_map_is_unfit_because_a_closed_one_is_always_empty(schema):
    for whole in (schema, {"type": "object", "properties": {"a": {"anyOf": [schema, {"type": "null"}]}}}):
        with pytest.raises(Unfit, match="empty"):
            fit(whole)
        assert not fits(whole)
    assert fit({"type": "object", "properties": {}})[0] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    assert fit({"type": "object", "additionalProperties": False})[1] == []


def test_a_reference_to_anywhere_becomes_one_to_a_definition():
    """Makers of schemas from TypeScript's types point at the place where a type came first."""
    item = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    schema = {"type": "object", "properties": {"a": item, "b": {"type": "array", "items": {"$ref": "#/properties/a"}}}}
    fitted, _ = fit(schema)
    assert fitted["properties"]["b"]["items"] == {"$ref": "#/$defs/ref_1"}
    assert fitted["$defs"]["ref_1"] == fitted["properties"]["a"]
    assert fitted["$defs"]["ref_1"]["properties"]["n"]["description"] == "minimum: 1"
    loop = {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#/properties/a"}}}}
    with pytest.raises(Unfit, match="recursive"):
        fit(loop)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"next": {"$ref": "#/$defs/A"}}}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {"items": {"$ref": "#/$defs/A"}}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}}},
        {"properties": {"self": {"$ref": "#"}}},
        {"$ref": "https://example.org/schema.json"},
    ],
)
def test_recursion_and_outside_references_have_no_form(schema):
    with pytest.raises(Unfit):
        fit(schema)
    assert not fits(schema)


def test_nesting_too_deep_is_refused_and_never_overflows_the_stack():
    schema = {"type": "string"}
    for _ in range(DEPTH * 20):
        schema = {"type": "array", "items": schema}
    with pytest.raises(Unfit):
        fit(schema)


def test_a_schema_that_refers_to_itself_as_a_whole_is_said_to_be_recursive():
    with pytest.raises(Unfit, match=r"^it is recursive$"):
        fit({"type": "object", "properties": {"next": {"$ref": "#"}}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "type",
                    "properties",
                    "required",
                    "items",
                    "anyOf",
                    "oneOf",
                    "allOf",
                    "$ref",
                    "$defs",
                    "enum",
                    "format",
                    "x",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
schemas = st.dictionaries(st.sampled_from(("type", "properties", "anyOf", "allOf", "$defs", "required")), json_values)


@settings(max_examples=60, deadline=None)
@given(schemas)
def test_any_json_fits_or_is_unfit_and_fitting_again_changes_nothing(schema):
    flattened(schema)
    burden(schema)
    try:
        once, _ = fit(schema)
    except Unfit:
        return
    assert fit(once)[0] == once


# -- the top of a tool's schema ----------------------------------------------------------------------------------


def test_an_object_schema_needs_no_flattening():
    assert flattened(CLOSED) == (CLOSED, False)


def test_a_schema_without_a_type_becomes_an_object_without_a_word():
    assert flattened({"properties": {"a": {}}}) == ({"type": "object", "properties": {"a": {}}}, False)


def test_branches_of_an_any_of_are_offered_together_and_only_the_common_is_required():
    schema = {
        "anyOf": [
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
            {"$ref": "#/$defs/C"},
        ],
        "$defs": {"C": {"properties": {"a": {"type": "integer"}, "c": {}}, "required": ["a"]}},
    }
    flat, changed = flattened(schema)
    assert changed
    assert flat["type"] == "object"
    assert flat["properties"] == {
        "a": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "b": {"type": "string"},
        "c": {},
    }
    assert flat["required"] == ["a"]
    assert not flat.keys() & {"anyOf", "oneOf", "allOf"}


def test_members_of_an_all_of_all_count():
    flat, _ = flattened({"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"required": ["b"]}]})
    assert flat["required"] == ["a", "b"]


def test_optional_properties_and_unions_are_counted_at_every_depth():
    schema = {
        "properties": {"a": {"type": ["string", "null"]}, "b": {"properties": {"c": {"anyOf": []}}}},
        "required": ["a"],
    }
    assert burden(schema) == (2, 2)


def test_a_recursive_type_of_a_tool_stands_at_the_top_with_its_members():
    """Makers of schemas from types give a recursive one as a bare reference, beside which an object has no members."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}, "required": ["next"]}
    schema = {"$ref": "#/$defs/N", "$defs": {"N": node}, "title": "T"}
    assert flattened(schema) == ({**node, "$defs": {"N": node}, "title": "T"}, False)
    for leads_nowhere in ({}, {"Gone": {"$ref": "#/$defs/Gone", "title": "T"}}):
        assert flattened({"$ref": "#/$defs/Gone", "$defs": leads_nowhere})[0]["type"] == "object"
