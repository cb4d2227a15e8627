"""What is told of a translation, and what it forbids."""

import pytest

from translators.report import Mode, Naming, Place, Report, own_place, unread


def noted():
    report = Report()
    report.approximated("effort", "nearest")
    report.clamped("temperature", "at most 1")
    report.dropped("seed", "no seed")
    report.refused("n", "one only")
    return report


@pytest.mark.parametrize(("mode", "fields"), [(Mode.STRICT, ["seed", "n"]), (Mode.WARN, ["n"]), (Mode.LENIENT, [])])
def test_the_mode_decides_which_losses_forbid_a_target(mode, fields):
    assert [entry.field for entry in noted().blocking(mode)] == fields


def test_the_header_groups_by_what_became_of_a_field():
    """A refused field that was sent without counts as dropped."""
    assert noted().header() == "approximated=effort; clamped=temperature; dropped=seed,n"


def test_the_header_names_a_field_once_and_nothing_that_breaks_a_header():
    report = Report()
    for _ in range(2):
        report.dropped("x\r\ny: 1", "odd")
    assert report.header() == "dropped=xy1"


def test_a_long_header_ends_with_the_count_of_what_is_left():
    report = Report()
    for i in range(100):
        report.dropped(f"field_number_{i:03}", "many")
    header = report.header(cap=100)
    shown, _, rest = header.partition("; +")
    assert len(header) <= 100
    assert shown.count("field_number") + int(rest) == 100


def test_nothing_lost_says_nothing():
    assert Report().header() == ""


def test_what_is_not_read_is_noted_by_its_path_unless_it_says_nothing():
    found = {}
    unread({"a": 1, "b": 2, "c": None, "d": [], "e": False}, frozenset({"a"}), "tools[0]", found)
    assert found == {"tools[0].b": True, "tools[0].e": True}


def test_a_report_speaks_as_the_client_once_it_is_renamed():
    report = Report()
    for field in ("items[1].parts[0].detail", "items[0].parts[7]", "items[4]", "tools[0].strict", "tools[9]", "a.b.c"):
        report.dropped(field, "why")
    report.dropped("a.b", "the client's own")
    naming = Naming(
        {"a": "A", "a.b": "AB"},
        {".detail": ".d"},
        lambda: [Place("in[0]"), Place("in[2]", ("in[2].x",))],
        lambda: ["fns[3]"],
    )
    report.rename(naming, {"a.b": True})
    assert [entry.field for entry in report.entries] == [
        "in[2].x.d", "in[0]", "items[4]", "fns[3].strict", "tools[9]", "AB.c", "a.b",
    ]  # fmt: skip


def test_of_an_object_that_was_said_in_part_the_rest_is_named_and_stands():
    report = Report()
    report.unsaid("reasoning", {"mode": "pro", "context": "all"}, "why")
    report.unsaid("metadata", {"a": "b"}, "why")
    report.refused("tools[0]", "why", own=True)
    report.rename(Naming({"reasoning": "x", "tools": "y"}, {}, tuple, lambda: ["fns[3]"]), {})
    assert [entry.field for entry in report.entries] == ["reasoning.mode", "reasoning.context", "metadata", "tools[0]"]


def test_items_that_moved_are_named_where_they_were():
    report = Report()
    report.dropped("items[2]", "why")
    report.rename(Naming({}, {}, lambda: [Place("in[0]"), Place("in[1]")], tuple), {}, [0, 0, 1])
    assert report.entries[0].field == "in[1]"


def test_nothing_is_worked_out_for_a_report_that_says_nothing():
    def never():
        raise AssertionError

    Report().rename(Naming({}, {}, never, never), {})


ITEMS = [{"a": 1}, {"b": 1}]
LONGER = [ITEMS[0], {"put": "back"}, ITEMS[1]]


@pytest.mark.parametrize(
    ("field", "sent", "named"),
    [
        ("input[2].content[0]", LONGER, "input[1].content[0]"),
        ("input[0]", LONGER, "input[0]"),
        ("input[1].summary", LONGER, None),
        ("input[9]", LONGER, None),
        ("input[1]", ITEMS, "input[1]"),
        ("input[1]", [{}, {}], "input[1]"),
        ("input[2]", "a text", "input[2]"),
        ("tools[0].name", LONGER, "tools[0].name"),
    ],
)
def test_a_path_of_a_relayed_body_is_the_clients_own_or_none(field, sent, named):
    assert own_place(field, ITEMS, sent) == named


def test_what_is_noted_of_an_item_that_was_put_in_is_none_of_the_clients():
    report = Report()
    report.dropped("input[1]", "put back")
    report.dropped("input[2]", "its own")
    report.put_back(ITEMS, LONGER)
    assert report.header() == "dropped=input[1]"
