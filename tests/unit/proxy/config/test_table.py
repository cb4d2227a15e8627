"""Reading a table: what is wrong is noted with its path, and reading goes on."""

import pytest

from proxy.config.errors import Problems
from proxy.config.table import Range, Table, join


@pytest.fixture
def problems():
    return Problems("f.toml")


def table(problems: Problems, **data: object) -> Table:
    return Table(data, "t", problems)


def told(problems: Problems) -> list[str]:
    return [str(error) for error in problems.errors]


def test_absent_values_are_none_and_no_mistake(problems):
    empty = table(problems)
    assert (empty.text("a"), empty.flag("b"), empty.texts("c"), empty.number("d", int, Range(0, 1))) == (None,) * 4
    assert list(empty.table("e")) == []
    empty.finish()
    assert problems.errors == []


@pytest.mark.parametrize(
    ("value", "kind", "good"),
    [(1, int, 1), (1, float, 1.0), (0.5, float, 0.5), (3, int, 3)],
)
def test_numbers_come_as_their_kind(problems, value, kind, good):
    found = table(problems, x=value).number("x", kind, Range(0, 3))
    assert (found, type(found)) == (good, kind)


@pytest.mark.parametrize("value", [True, "1", 1.0, None.__class__, [1], {}])
def test_what_is_no_whole_number_is_none(problems, value):
    assert table(problems, x=value).number("x", int, Range(0, 3)) is None
    assert told(problems)[0].startswith("f.toml: t.x: must be a whole number, not ")


@pytest.mark.parametrize(("allowed", "edge"), [(Range(0, 1), 0), (Range(0, 1), 1), (Range(-2, 2), -2)])
def test_ranges_include_their_ends(allowed, edge):
    assert allowed.holds(edge)


def test_a_range_may_leave_its_low_end_out():
    assert not Range(0, 1, above=True).holds(0)
    assert Range(0, 1, above=True).holds(1e-9)
    assert str(Range(0, 1, above=True)) == "more than 0 and at most 1"


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "\x00", "\x7f"])
def test_texts_are_one_line_and_not_empty(problems, value):
    assert table(problems, x=value).text("x") is None
    assert told(problems) == ["f.toml: t.x: must be text of one line, and not empty"]


def test_an_entry_of_a_list_is_named_by_its_place(problems):
    assert table(problems, x=["a", 1, "", "b"]).texts("x") == ("a", "b")
    assert told(problems) == [
        "f.toml: t.x: entry 2 must be text of one line, and not empty",
        "f.toml: t.x: entry 3 must be text of one line, and not empty",
    ]


def test_an_unknown_key_comes_with_the_nearest_or_all_known(problems):
    read = table(problems, listne=1, zzzz=2)
    read.text("listen")
    read.text("admin")
    read.finish()
    assert told(problems) == [
        'f.toml: t.listne: is not a known key; did you mean "listen"?',
        "f.toml: t.zzzz: is not a known key; known: admin and listen",
    ]


def test_paths_are_written_as_toml_writes_them():
    assert join("", "a") == "a"
    assert join("models", "*") == 'models."*"'
    assert join("models", 'a"b\\') == 'models."a\\"b\\\\"'


def test_the_tables_of_a_list_are_named_by_their_place(problems):
    first, second = Table({"r": [{"a": 1}, {"b": 2}]}, "", problems).rows("r")
    assert (first.path, second.path, second.raw("b")) == ("r[1]", "r[2]", 2)
    assert list(Table({}, "", problems).rows("r")) == []


@pytest.mark.parametrize("value", [{"a": 1}, [1], "x"])
def test_what_is_no_list_of_tables_is_told_how_it_is_written(problems, value):
    assert list(Table({"r": value}, "", problems).rows("r")) == []
    assert told(problems) == ["f.toml: r: must be written as [[r]], once for each"]
