"""The small checks and the paths they give."""

import pytest

from translators.openai.check import Wrong, array, boolean, filled, integer, kind, number, obj, string, strings


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (string, "a", 1),
        (filled, "a", ""),
        (obj, {"a": 1}, []),
        (array, [1], {}),
        (boolean, False, 0),
        (integer, 3, 3.0),
        (integer, 3, True),
        (number, 1.5, "1.5"),
        (number, 1, True),
    ],
)
def test_a_check_gives_back_what_is_right_and_names_what_is_not(check, good, bad):
    assert check(good, "field") is good
    with pytest.raises(Wrong) as caught:
        check(bad, "field")
    assert caught.value.path == "field"


def test_a_list_of_strings_is_bounded():
    assert len(strings(["a"] * 4096, "stop")) == 4096
    with pytest.raises(Wrong, match="more than 4096") as wrong:
        strings(["a"] * 4097, "stop")
    assert (wrong.value.path, wrong.value.code) == ("stop", "array_above_max_length")


def test_a_list_of_strings_names_the_one_that_is_none():
    with pytest.raises(Wrong) as caught:
        strings(["a", 2], "stop")
    assert caught.value.path == "stop[1]"


def test_paths_grow_on_the_way_out():
    wrong = Wrong("url", "is bad").under("image_url").under("content[1]").under("messages[0]")
    assert wrong.malformed().param == "messages[0].content[1].image_url.url"
    assert Wrong("", "is bad").under("tools[0]").path == "tools[0]"
    assert Wrong("[2]", "is bad").under("stop").path == "stop[2]"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null or missing"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_a_value_is_named_by_its_json_type(value, name):
    assert kind(value) == name
