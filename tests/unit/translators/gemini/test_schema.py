"""Schemas as Gemini reads them."""

import copy

import pytest

from translators.gemini.schema import DEPTH, Unfit, fit_response, fit_tool


@pytest.mark.parametrize("keyword", ["uniqueItems", "multipleOf", "contains", "pattern", "exclusiveMinimum"])
def test_a_constraint_that_gemini_does_not_read_moves_into_the_words_41(keyword):
    fitted, changes = fit_tool({"type": "array", "description": "List.", keyword: 3})
    assert fitted == {"type": "array", "description": f"List. ({keyword}: 3)"}
    assert changes == [keyword]


def test_strict_and_cache_control_inside_a_schema_go_without_a_word_43():
    schema = {
        "type": "object",
        "strict": True,
        "$schema": "x",
        "properties": {"a": {"cache_control": {}, "title": "A"}},
    }
    assert fit_tool(schema) == ({"type": "object", "properties": {"a": {}}}, [])


def test_nested_additional_properties_that_allow_anything_are_left_out_40():
    inner = {"type": "object", "additionalProperties": True}
    schema = {"type": "object", "properties": {"a": inner, "b": {**inner, "additionalProperties": {"type": "string"}}}}
    fitted, changes = fit_tool({**schema, "additionalProperties": False})
    assert fitted["additionalProperties"] is False
    assert fitted["properties"]["a"] == {"type": "object"}
    assert fitted["properties"]["b"]["additionalProperties"] == {"type": "string"}
    assert changes == []


def test_a_reference_has_no_siblings_42():
    schema = {"$defs": {"A": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/A", "description": "First."}}}
    fitted, _ = fit_tool(schema)
    assert fitted["properties"]["a"] == {"description": "First.", "anyOf": [{"$ref": "#/$defs/A"}]}
    plain, _ = fit_tool({"$defs": {"A": {}}, "properties": {"a": {"$ref": "#/$defs/A", "title": "A"}}})
    assert plain["properties"]["a"] == {"$ref": "#/$defs/A"}


def test_lists_of_types_stay_44():
    assert fit_tool({"type": ["number", "null"]}) == ({"type": ["number", "null"]}, [])


def test_unions_over_definitions_stay_45():
    schema = {"$defs": {"A": {"type": "object"}}, "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}
    assert fit_tool(schema) == (schema, [])


def test_older_words_become_those_gemini_knows():
    schema = {"definitions": {"A": {"const": 1}}, "oneOf": [{"$ref": "#/definitions/A"}], "anyOf": [{"type": "null"}]}
    fitted, changes = fit_tool(schema)
    assert fitted == {"$defs": {"A": {"enum": [1]}}, "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}
    assert changes == ["oneOf"]


def test_all_of_is_merged():
    one = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    two = {"properties": {"b": {}}, "required": ["b", "a"], "description": "Both."}
    fitted, changes = fit_tool({"allOf": [one, two]})
    assert fitted["properties"] == {"a": {}, "b": {}}
    assert (fitted["required"], fitted["description"]) == (["a", "b"], "Both.")
    assert changes == ["allOf"]


def test_what_members_of_an_all_of_refer_to_is_merged_too():
    """A second reference beside the first would be lost, and with it what it demands."""
    one = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    two = {"type": "object", "properties": {"b": {}}, "required": ["b"]}
    schema = {"$defs": {"A": one, "B": two}, "allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}
    fitted, changes = fit_tool(schema)
    assert list(fitted["properties"]) == fitted["required"] == ["a", "b"]
    assert changes == ["allOf"]
    alone, _ = fit_tool({"$defs": {"A": one}, "allOf": [{"$ref": "#/$defs/A"}], "description": "d"})
    assert alone == {"$defs": {"A": one}, "anyOf": [{"$ref": "#/$defs/A"}], "description": "d"}


def test_a_reference_to_anywhere_becomes_one_to_a_definition():
    schema = {"properties": {"a": {"type": "string", "title": "T"}, "b": {"items": {"$ref": "#/properties/a"}}}}
    fitted, changes = fit_tool(schema)
    assert fitted["properties"]["b"] == {"items": {"$ref": "#/$defs/ref_1"}}
    assert (fitted["$defs"], changes) == ({"ref_1": {"type": "string"}}, [])
    loop = {"properties": {"a": {"type": "array", "items": {"$ref": "#/properties/a"}}}}
    assert fit_tool(loop)[0]["$defs"] == {"ref_1": {"type": "array", "items": {"$ref": "#/$defs/ref_1"}}}


@pytest.mark.parametrize("ref", ["#/$defs/Gone", "https://x.test/s.json", "#/properties/a"])
def test_a_reference_that_leads_nowhere_becomes_anything_and_is_told(ref):
    assert fit_tool({"properties": {"a": {"$ref": ref}}}) == ({"properties": {"a": {}}}, ["$ref"])


def test_recursion_stays_a_reference():
    schema = {"$defs": {"T": {"properties": {"kids": {"items": {"$ref": "#/$defs/T"}}}}}, "$ref": "#/$defs/T"}
    assert fit_tool(schema)[0] == schema
    assert fit_tool({"properties": {"next": {"$ref": "#"}}})[0]["properties"]["next"] == {"$ref": "#"}


def test_an_answers_schema_may_say_more_than_a_functions():
    schema = {"type": "array", "minItems": 1, "prefixItems": [{"type": "string", "title": "T"}], "maximum": 3}
    assert fit_response(schema) == (schema, [])
    assert fit_tool(schema)[1] == ["maximum", "minItems", "prefixItems"]


def test_a_schema_that_is_too_deep_is_unfit():
    schema = {"type": "object"}
    for _ in range(DEPTH + 1):
        schema = {"properties": {"a": schema}}
    with pytest.raises(Unfit):
        fit_tool(schema)


def test_a_schema_that_is_too_large_is_unfit():
    with pytest.raises(Unfit):
        fit_tool({"anyOf": [{"type": "string"}] * 10_001})


def test_the_callers_schema_is_not_changed_and_odd_nodes_do_no_harm():
    schema = {"properties": {"a": True, "b": {"items": [1], "pattern": "x"}, "c": {"pattern": 1 << 70}}, "allOf": [3]}
    before = copy.deepcopy(schema)
    fitted, _ = fit_tool(schema)
    assert schema == before
    assert fitted["properties"]["a"] == {}
    assert "…" in fitted["properties"]["c"]["description"]
