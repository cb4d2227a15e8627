"""The picture is what the state page said over time."""

import pytest

from proxy.drill.exercise.watching import CLOSED, Timeline, mark, row


def target(state="CLOSED", *, ramp=None, throttled=None, openings=0, name="a/m"):
    breaker = {"state": state, "ramp": ramp, "openings": openings}
    return {"target": name, "breaker": breaker, "throttled_for_s": throttled}


def key(*, off=None, throttled=None):
    return {"off": off, "throttled_for_s": throttled}


def page(*targets, keys=()):
    return {"targets": targets, "providers": {"a": list(keys)}}


@pytest.mark.parametrize(
    ("told", "keys", "sign"),
    [
        (target(), [], "."),
        (target("OPEN"), [], "X"),
        (target("PROBE"), [], "?"),
        (target("RAMP", ramp=0.1), [], "1"),
        (target("RAMP", ramp=0.05), [], "1"),
        (target("RAMP", ramp=0.55), [], "5"),
        (target("RAMP", ramp=1.0), [], "9"),
        (target(throttled=3.0), [], "w"),
        (target(), [key(throttled=3.0)], "w"),
        (target(), [key(throttled=3.0), key()], "."),
        (target(), [key(off="auth")], "k"),
        (target(), [key(off="auth"), key(off="quota")], "k"),
        (target(), [key(off="auth"), key(throttled=1.0)], "w"),
        (target(), [key(off="auth"), key()], "."),
        (target("OPEN"), [key(off="auth")], "X"),
    ],
)
def test_a_mark_stands_for_what_keeps_calls_away(told, keys, sign):
    assert mark(told, keys) == sign


def test_only_changes_of_known_targets_are_kept():
    line = Timeline(["a/m"], 0.0)
    for at, state in ((1.0, "CLOSED"), (2.0, "OPEN"), (3.0, "OPEN"), (4.0, "PROBE")):
        line.see(at, page(target(state), target("OPEN", name="b/n")))
    assert line.changes == {"a/m": [(0.0, "."), (2.0, "X"), (4.0, "?")]}
    assert line.now("a/m") == "?"


def test_a_probe_that_came_and_failed_between_two_looks_is_seen_by_the_count_of_openings():
    line = Timeline(["a/m"], 0.0)
    line.see(1.0, page(target("OPEN", openings=1)))
    line.see(2.0, page(target("OPEN", openings=2)))
    assert line.changes["a/m"] == [(0.0, "."), (1.0, "X"), (2.0, "?"), (2.0, "X")]


def test_the_first_of_some_marks_since_a_moment_is_found():
    line = Timeline(["a/m"], 0.0)
    line.changes["a/m"] += [(1.0, "X"), (2.0, "?"), (3.0, "X")]
    assert line.first("a/m", "X", 0.0) == 1.0
    assert line.first("a/m", "X", 1.5) == 3.0
    assert line.first("a/m", "123", 0.0) is None


def test_a_sign_shows_what_stood_out_in_its_time():
    line = Timeline(["a/m"], 10.0)
    line.changes["a/m"] += [(12.0, "X"), (14.2, "?"), (14.3, "X"), (16.0, "1"), (17.5, "5"), (18.0, CLOSED)]
    assert line.picture("a/m", 10.0, 1.0, 10) == "..XX?X11.."


def test_a_row_shows_the_commonest_sign_of_each_time_and_blanks_where_there_is_none():
    moments = [(0.1, "1"), (0.2, "2"), (0.3, "2"), (2.5, "E")]
    assert row(moments, 0.0, 1.0, 4) == "2 E "


def test_what_went_wrong_is_not_hidden_by_what_went_well_at_the_same_time():
    assert row([(0.1, "2"), (0.2, "T"), (0.3, "2"), (1.5, "1")], 0.0, 1.0, 3) == "T1 "
