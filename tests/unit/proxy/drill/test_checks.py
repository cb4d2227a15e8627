"""Names are read and compared."""

from proxy.drill.checks import names, unknown


def test_unknown_names_are_told_in_order():
    assert unknown({"z": 1, "b": 2, "a": 3}, names("a c")) == ["b", "z"]
    assert unknown({"a": 3}, names("a c")) == []
