"""Fields of an Anthropic client's request, read strictly."""

import pytest

from translators.anthropic_messages.reading import cache_of, listed, need, strings, typed
from translators.faults import Malformed


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda: need({"a": 1}, "a", "messages.0"), "messages.0.a"),
        (lambda: typed({"a": True}, "a", int), "a"),
        (lambda: typed({"a": "1"}, "a", (int, float)), "a"),
        (lambda: listed({"a": {}}, "a"), "a"),
        (lambda: strings({"a": ["b", 1]}, "a"), "a"),
    ],
)
def test_a_field_of_another_kind_is_told_by_its_path(read, path):
    with pytest.raises(Malformed) as raised:
        read()
    assert raised.value.param == path


def test_what_is_absent_is_nothing():
    assert (typed({}, "a", int), listed({}, "a"), strings({"a": None}, "a"), cache_of({})) == (None, [], [], None)


def test_what_is_as_it_should_be_is_read():
    assert (need({"a": "b"}, "a", ""), typed({"a": 0.5}, "a", (int, float)), strings({"a": ["b"]}, "a")) == (
        "b",
        0.5,
        ["b"],
    )
    assert cache_of({"cache_control": {"type": "ephemeral"}}) == {"type": "ephemeral"}
    assert cache_of({"cache_control": "yes"}) is None
