"""Fields of a Gemini client's request, read strictly."""

import pytest

from translators.faults import Malformed
from translators.gemini.reading import dumped, member, need, strings, typed


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda: need({"name": ""}, "name", "contents[0]"), "contents[0].name"),
        (lambda: member({"a": []}, "a", "toolConfig."), "toolConfig.a"),
        (lambda: typed({"a": "1.5"}, "a", int), "generationConfig.a"),
        (lambda: typed({"a": "1"}, "a", (int, float)), "generationConfig.a"),
        (lambda: typed({"a": True}, "a", int), "generationConfig.a"),
        (lambda: strings({"a": "b"}, "a"), "generationConfig.a"),
        (lambda: dumped(nested(300), "x"), "x"),
    ],
)
def test_a_field_of_another_kind_is_told_by_its_path(read, path):
    with pytest.raises(Malformed) as raised:
        read()
    assert raised.value.param == path


@pytest.mark.parametrize(("value", "number"), [(5, 5), (5.0, 5), ("5", 5), (None, None)])
def test_a_whole_number_may_be_written_in_other_ways(value, number):
    assert typed({"a": value}, "a", int) == number


def test_what_is_absent_is_nothing():
    assert (member({}, "a", ""), strings({}, "a"), typed({}, "a", int)) == ({}, [], None)
