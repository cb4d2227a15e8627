"""Several schemas as one."""

import pytest

from translators.anthropic_messages.schema_parts import joined

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def test_members_and_what_is_required_are_those_of_all_in_order():
    one = {"type": "object", "properties": {"a": TEXT, "c": TEXT}, "required": ["a"]}
    two = {"properties": {"b": TEXT, "c": TEXT}, "required": ["b", "a"], "additionalProperties": False}
    whole = joined([one, two, True])
    assert list(whole["properties"]) == ["a", "c", "b"]
    assert (whole["required"], whole["additionalProperties"]) == (["a", "b"], False)


def test_a_member_that_two_describe_is_held_to_both():
    whole = joined([{"properties": {"a": TEXT}}, {"properties": {"a": {"minLength": 1}}}])
    assert whole == {"properties": {"a": {"allOf": [TEXT, {"minLength": 1}]}}}


def test_types_and_enums_are_what_both_have_and_else_the_first_is_kept():
    one = {"type": ["string", "null"], "enum": ["a", "b"], "description": "first"}
    assert joined([one, {"type": "string", "enum": ["b"], "description": "second"}]) == {
        "type": "string",
        "enum": ["b"],
        "description": "first",
    }


@pytest.mark.parametrize(
    "schemas",
    [
        [TEXT, NUMBER],
        [{"enum": [1]}, {"enum": [2]}],
        [{"anyOf": [TEXT]}, {"anyOf": [NUMBER]}],
        [{"anyOf": [TEXT]}, {"properties": {"a": TEXT}}],
        [{"$ref": "#/x"}, {"properties": {"a": TEXT}}],
        [TEXT, False],
        [TEXT, 3],
    ],
)
def test_what_cannot_be_one_schema_is_none(schemas):
    assert joined(schemas) is None
