"""In an exercise everything is quick, and what outlasts the client still outlasts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.values import TimeoutSettings
from proxy.drill.exercise.menu import CASES
from proxy.drill.exercise.patience import CAPPED, SCRIPTED_FLOOR_S, Patience, patience, told_by
from proxy.resilience.silence import FAIR_PART

SILENT, LOUD = CASES["timeout"], CASES["503"]
OWN = TimeoutSettings()


def test_without_a_client_that_leaves_timeouts_are_capped_alike():
    waits = patience(OWN, SILENT, 10, offline=True)
    assert waits == Patience(2.0)
    assert {getattr(waits.quick(OWN), name) for name in CAPPED} == {2.0}
    assert (waits.of(0.3), waits.changes(OWN)) == (0.3, ())


def test_a_client_that_a_silent_target_outlasts_is_quicker_with_it_offline():
    waits = patience(OWN, SILENT, 10, offline=True, client_s=20)
    assert (waits.asked_s, waits.client_s) == (20, 2)
    assert waits.changes(OWN) == (
        "the client's 20 -> 2",
        "progress_s 30 -> 3",
        "progress_unary_s 120 -> 3.2",
        "first_token_reasoning_s 300 -> 3.2",
        "idle_s 60 -> 3.2",
    )
    assert waits.quick(OWN).connect_s == OWN.connect_s


@pytest.mark.parametrize(
    ("case", "seconds", "offline", "client_s", "played_s"),
    [
        (SILENT, 1.5, True, 20, 1.0),  # half of it is what a target gets
        (SILENT, 1.5, True, 0.7, 0.7),
        (SILENT, 10, False, 20, 20),  # real answers take their time
        (SILENT, 10, True, 400, 400),  # nobody waits for so long
        (LOUD, 10, True, 20, 20),  # pauses between attempts are as long as ever
    ],
)
def test_a_client_waits_as_long_as_it_does_where_that_matters_or_costs_no_time(
    case, seconds, offline, client_s, played_s
):
    assert patience(OWN, case, seconds, offline=offline, client_s=client_s).client_s == played_s


seconds = st.integers(5, 36_000).map(lambda tenths: tenths / 10)


@given(seconds, seconds, seconds, st.booleans())
def test_no_timeout_comes_to_the_other_side_of_the_clients(own_s, client_s, fault_s, offline):
    timeouts = TimeoutSettings(**dict.fromkeys(CAPPED, own_s))
    waits = patience(timeouts, SILENT, fault_s, offline=offline, client_s=client_s)
    quick_s = waits.of(own_s)
    assert quick_s <= own_s
    if own_s != client_s:
        assert (quick_s > waits.client_s) == (own_s > client_s)
    assert quick_s >= min(own_s, SCRIPTED_FLOOR_S)


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("seconds", [1.5, 10, 30, 300])
@pytest.mark.parametrize("own_s", [30, 120])
def test_a_wait_that_is_no_failure_by_itself_is_none_in_an_exercise(own_s, seconds, offline):
    """The half of 20 s is less than the third of 30 s."""
    waits = patience(OWN, SILENT, seconds, offline=offline, client_s=20)
    assert waits.granted_s * FAIR_PART < waits.of(own_s)


def test_a_target_is_granted_half_of_what_its_client_waits_for():
    assert (told_by(20), told_by(2)) == (19, 1.6)
    assert patience(OWN, LOUD, 10, offline=True, client_s=20).granted_s == 9.5
    assert patience(OWN, LOUD, 10, offline=True).granted_s == 2
