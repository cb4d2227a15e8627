"""How a target fared of late, against the calls themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resilience.window import SAMPLES, SLOT_S, SLOTS, WINDOW_S, Window, course, figures
from translators.faults import Kind

T = 3000.0
"""The beginning of a slot."""
TIMES = st.floats(0.001, 3600.0)


def of(window, now=T):
    return figures([window], now)


def note(window, now, kind="ok", took=0.0, first=0.0):
    """A call that ends now: after `took`, its first content after `first` where that is not 0."""
    began = now - took
    window.note(now, began, began + first if first else 0.0, None if kind == "ok" else kind)


def noted(*kinds, now=T):
    window = Window()
    for kind in kinds:
        note(window, now, kind)
    return window


def test_a_target_that_was_never_called_has_no_figures():
    found = of(Window())
    assert (found.outcomes, found.answered, found.failed) == ({}, 0, 0)
    assert (found.success_ratio, found.latency, found.first) == (None, None, None)


def test_each_kind_of_outcome_is_counted_the_commonest_first():
    found = of(noted("server", "ok", "timeout", "ok", "server", "ok"))
    assert list(found.outcomes.items()) == [("ok", 3), ("server", 2), ("timeout", 1)]


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT])
def test_a_refused_request_is_an_answer(kind):
    assert of(noted("ok", kind.value)).success_ratio == 1.0


@pytest.mark.parametrize(
    "kind", [Kind.CONNECT, Kind.TIMEOUT, Kind.SERVER, Kind.THROTTLED, Kind.QUOTA, Kind.AUTH, Kind.MISSING]
)
def test_what_sends_a_request_on_is_no_answer(kind):
    found = of(noted("ok", kind.value))
    assert (found.answered, found.failed, found.success_ratio) == (1, 1, 0.5)


@pytest.mark.parametrize("kind", [Kind.CANCELLED, Kind.DEADLINE, Kind.SHED])
def test_what_says_nothing_of_the_target_is_told_and_not_judged_by(kind):
    found = of(noted("ok", kind.value))
    assert (found.answered, found.failed, found.outcomes[kind.value]) == (1, 0, 1)
    assert of(noted(kind.value)).success_ratio is None


def test_calls_are_forgotten_slot_by_slot():
    window = noted("server")
    note(window, T + SLOT_S)
    assert of(window, T + WINDOW_S - 0.01).outcomes == {"server": 1, "ok": 1}
    assert of(window, T + WINDOW_S).outcomes == {"ok": 1}
    assert of(window, T + WINDOW_S + SLOT_S).outcomes == {}


def test_no_more_is_kept_than_the_slots_however_long_it_goes_on():
    window = Window()
    for n in range(10_000):
        for _ in range(3):
            note(window, T + n, took=0.1, first=0.01)
    slots = list(window.slots(T + n))
    assert len(slots) == SLOTS
    assert {(len(slot.took), len(slot.first)) for slot in slots[:-1]} == {(SAMPLES, SAMPLES)}
    assert of(window, T + n).outcomes["ok"] == 3 * (9 * SLOT_S + 10), "which are counted all the same"


def test_when_the_last_call_ended_is_known_exactly():
    assert Window().noted_at == -math.inf
    assert noted("ok", now=T + 1.5).noted_at == T + 1.5


def test_times_are_those_of_whole_answers_and_of_first_contents():
    window = Window()
    note(window, T, took=2.0)
    note(window, T, "protocol", took=9.0, first=0.5)
    note(window, T, "server", took=7.0)
    found = of(window)
    assert found.latency.p95 == pytest.approx(2.0)
    assert found.first.p95 == pytest.approx(0.5)


@given(took=st.lists(TIMES, min_size=1, max_size=SAMPLES), part=st.sampled_from([("p50", 0.5), ("p95", 0.95)]))
def test_a_quantile_is_a_time_of_a_call_with_its_part_below(took, part):
    name, rank = part
    window = Window()
    for seconds in took:
        note(window, T, took=seconds)
    exact = sorted(took)[math.ceil(rank * len(took)) - 1]
    assert getattr(of(window).latency, name) == pytest.approx(exact, abs=1e-9)


def test_of_a_rush_the_last_calls_count_and_no_more_than_of_a_quiet_time():
    window = Window()
    for _ in range(SAMPLES):
        note(window, T, took=1.0)
    for n in range(5000):
        note(window, T + SLOT_S, took=9.0 if n < 4000 else 3.0)
    found = of(window, T + SLOT_S)
    assert (found.latency.p50, found.latency.p95) == (pytest.approx(1.0), pytest.approx(3.0))
    assert found.outcomes == {"ok": 5000 + SAMPLES}


@given(
    calls=st.lists(
        st.tuples(st.floats(0, 2 * WINDOW_S), st.sampled_from(["ok", "server", "cancelled"])), min_size=1, max_size=40
    )
)
def test_what_is_counted_is_what_ended_in_the_slots_that_are_left(calls):
    window, now = Window(), T
    ends = []
    for gap, kind in calls:
        now += gap
        note(window, now, kind)
        ends.append((now, kind))
    oldest = (now // SLOT_S - SLOTS + 1) * SLOT_S
    kept = [kind for at, kind in ends if at >= oldest]
    assert dict(of(window, now).outcomes) == {kind: kept.count(kind) for kind in set(kept)}


def test_several_targets_are_summed_up():
    one, two = noted("ok", "server"), Window()
    note(two, T, took=4.0)
    found = figures([one, two], T)
    assert (found.answered, found.failed) == (2, 1)
    assert found.latency.p95 == pytest.approx(4.0)


def test_the_course_is_told_by_half_minutes_in_which_calls_ended():
    window = Window()
    note(window, T, took=1.0)
    note(window, T + 1.0, "server")
    note(window, T + 2 * SLOT_S, took=3.0, first=0.5)
    (first, early), (last, late) = course(window, T + 2 * SLOT_S)
    assert (first, last) == (T // SLOT_S, T // SLOT_S + 2)
    assert (early.answered, early.failed, early.latency.p50) == (1, 1, 1.0)
    assert (late.answered, late.failed, late.first.p95) == (1, 0, 0.5)
