"""References within a schema, wherever they lead."""

import pytest

from translators.pointers import Definitions, pointed

ROOT = {
    "$defs": {"a/b": {"type": "string"}, "c~d": {"type": "null"}, "e f": {"enum": [1]}, "ref_1": {}},
    "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "y": {"$ref": "#/properties/x/anyOf/1"}},
    "loop": {"$ref": "#/loop"},
    "list": [],
}


@pytest.mark.parametrize(
    ("ref", "node"),
    [
        ("#/$defs/a~1b", {"type": "string"}),
        ("#/$defs/c~0d", {"type": "null"}),
        ("#/$defs/e%20f", {"enum": [1]}),
        ("#/properties/x/anyOf/1", {"type": "integer"}),
        ("#/properties/y", {"type": "integer"}),
    ],
)
def test_what_is_pointed_to_is_found(ref, node):
    assert pointed(ROOT, ref) == node


@pytest.mark.parametrize(
    "ref",
    ["#/loop", "#/gone", "#/properties/x/anyOf/2", "#/properties/x/anyOf/one", "#/list", "#", "https://x.test/s", "#x"],
)
def test_a_reference_that_leads_nowhere_or_in_a_circle_is_none(ref):
    assert pointed(ROOT, ref) is None
    assert Definitions(ROOT).named(ref) is None


def test_what_is_pointed_to_gets_one_name_that_is_not_taken():
    found = Definitions(ROOT)
    assert [found.named(ref) for ref in ("#/properties/x", "#/properties/y", "#/properties/x")] == [
        "ref_2",
        "ref_3",
        "ref_2",
    ]
    assert [name for name, _ in found.waiting] == ["ref_2", "ref_3"]
