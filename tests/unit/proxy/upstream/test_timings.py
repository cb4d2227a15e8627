"""The arithmetic of an attempt's and a client's times."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.config.values import TimeoutSettings
from proxy.upstream.timings import attempt_times, client_times, client_waits
from translators.faults import Malformed

T = TimeoutSettings()


def times(**changes):
    given = {
        "stream": True,
        "quick": False,
        "reasons": False,
        "now": 100.0,
        "deadline": 700.0,
        "commit_by": 700.0,
        "targets_left": 0,
    }
    return attempt_times(T, **(given | changes))


def waiting(headers, now):
    """Deadline, time of the commit, and how long the client waits."""
    total, wait = client_waits(headers)
    return *client_times(total, wait, T, now), wait


@pytest.mark.parametrize(
    ("changes", "first", "between"),
    [
        ({"stream": True}, 30, 30),
        ({"stream": True, "reasons": True}, 300, 30),
        ({"stream": False}, 120, 120),
        ({"stream": False, "reasons": True}, 300, 120),
        ({"stream": False, "quick": True}, 30, 30),
        ({"stream": False, "quick": True, "reasons": True}, 30, 30),
    ],
)
def test_the_silence_allowed_depends_on_what_is_asked(changes, first, between):
    got = times(**changes)
    assert (got.first_s, got.between_s, got.idle_s) == (first, between, 60)


def test_reasoning_never_shortens_the_first_silence():
    patient = TimeoutSettings(progress_s=400)
    got = attempt_times(patient, stream=True, quick=False, reasons=True, now=0, deadline=9, commit_by=9, targets_left=0)
    assert got.first_s == 400


def test_the_last_target_may_use_all_that_is_left():
    assert times(targets_left=0).cap_at == 700


def test_an_earlier_target_gets_half_of_what_is_left():
    assert times(targets_left=1).cap_at == 400
    assert times(targets_left=5).cap_at == 400


def test_the_commit_bounds_an_attempt_where_it_comes_before_the_deadline():
    assert times(commit_by=300.0).cap_at == 300
    assert times(commit_by=300.0, targets_left=2).cap_at == 200


def test_a_cap_is_never_in_the_past():
    assert times(commit_by=50.0).cap_at == 100
    assert times(commit_by=50.0, targets_left=3).cap_at == 100


def test_a_client_that_says_nothing_gets_the_configured_deadline():
    assert waiting({}, 100.0) == (700.0, 700.0, None)


def test_the_clients_own_timeout_replaces_the_deadline_and_bounds_the_commit():
    assert waiting({"x-request-timeout": "20"}, 100.0) == (120.0, 119.0, 20.0)


def test_a_short_timeout_keeps_a_fifth_for_the_way_back():
    deadline, commit_by, wait = waiting({"x-request-timeout": "2.5"}, 0.0)
    assert (deadline, commit_by, wait) == (2.5, 2.0, 2.5)


SDKS = pytest.mark.parametrize("name", ["x-stainless-read-timeout", "x-stainless-timeout"])


@SDKS
def test_an_sdks_timeout_bounds_the_commit_alone(name):
    assert waiting({name: "60"}, 0.0) == (600.0, 59.0, 60.0)
    assert waiting({name: "600"}, 0.0) == (600.0, 599.0, 600.0)
    assert waiting({name: "3600"}, 0.0) == (600.0, 600.0, 3600.0)


@pytest.mark.parametrize(("read", "waits"), [("20", 20.0), ("none", 60.0)])
def test_the_time_to_the_answers_next_piece_counts_before_the_other_where_it_is_one(read, waits):
    assert waiting({"x-stainless-read-timeout": read, "x-stainless-timeout": "60"}, 0.0)[2] == waits


def test_the_explicit_header_counts_before_the_sdks():
    headers = {"x-request-timeout": "10", "x-stainless-read-timeout": "600"}
    assert waiting(headers, 0.0) == (10.0, 9.0, 10.0)


NO_TIMES = ["", "soon", "nan", "inf", "-5", "0", "0.0", "1e3", "86401", "9" * 400, "5s", "\uff15", "1_0", "+5"]


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_timeout_that_is_no_time_is_refused_by_its_name(text):
    """Whoever set it relies on it; going on with another would be found out when it is late."""
    with pytest.raises(Malformed, match=r"The header x-request-timeout is '.*'; it must be seconds") as caught:
        waiting({"x-request-timeout": text}, 0.0)
    assert (caught.value.param, caught.value.code, caught.value.status) == ("x-request-timeout", "invalid_value", 400)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["0.001", "86400", "86400.0", "007"])
def test_the_shortest_and_the_longest_time_are_taken(text):
    assert waiting({"x-request-timeout": text}, 0.0)[2] == float(text)


@SDKS
@pytest.mark.parametrize("text", NO_TIMES)
def test_an_sdks_own_header_is_ignored_where_it_is_no_time(text, name):
    """Nobody wrote it by hand, and it bounds nothing but the commit."""
    assert waiting({name: text}, 0.0) == (600.0, 600.0, None)


@given(text=st.text(max_size=12) | st.floats(0.001, 86_400).map("{:.3f}".format))
@settings(max_examples=100)
def test_whatever_the_header_says_the_commit_is_between_now_and_the_deadline(text):
    try:
        deadline, commit_by, wait = waiting({"x-request-timeout": text}, 50.0)
    except Malformed:
        return
    assert 50.0 <= commit_by <= deadline <= 50.0 + 86_400
    assert wait is None or (math.isfinite(wait) and wait > 0)
