"""What follows a fault, and how attempts and delays are counted out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from proxy.config.values import RetrySettings
from proxy.resilience.retry import (
    GO_ON,
    NEXT_KEY,
    STOP,
    Action,
    Decision,
    again,
    attempts_for,
    delay,
    onward,
    total_attempts,
)
from translators.faults import Again, Fault, Kind

SETTINGS = RetrySettings()
HERE_TOO = (Kind.CONNECT, Kind.SERVER, Kind.PROTOCOL)
ENDS = (Kind.CANCELLED, Kind.DEADLINE)


def decide(kind, **changes):
    """The decision after the first of three attempts, 0.4 s of back-off, with all the time in the world."""
    facts = {
        "tried_here": 1,
        "allowed_here": 3,
        "delay_s": 0.4,
        "wait_s": None,
        "now": 100.0,
        "deadline": 700.0,
        "others_usable": True,
        "other_key": False,
        "settings": SETTINGS,
    }
    return again(Fault(kind=kind, message=""), **{**facts, **changes})


def stay(seconds):
    return Decision(Action.STAY, seconds)


def test_actions_print_their_names():
    assert [repr(action) for action in Action] == ["STAY", "NEXT_KEY", "GO_ON", "STOP"]


class TestTheTable:
    @pytest.mark.parametrize("kind", HERE_TOO)
    def test_faults_that_may_pass_are_tried_again_here_after_the_back_off(self, kind):
        assert decide(kind) == stay(0.4)
        assert decide(kind, tried_here=2) == stay(0.4)

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in ENDS])
    def test_nothing_is_tried_here_more_often_than_allowed(self, kind):
        assert decide(kind, tried_here=3, wait_s=0.1, other_key=True) == GO_ON

    def test_a_time_out_is_never_tried_again_here(self):
        assert decide(Kind.TIMEOUT) == GO_ON

    def test_an_overloaded_target_is_tried_once_more(self):
        assert decide(Kind.OVERLOADED) == stay(0.4)
        assert decide(Kind.OVERLOADED, tried_here=2) == GO_ON

    def test_a_throttled_target_is_tried_again_only_after_a_short_wait(self):
        assert decide(Kind.THROTTLED, wait_s=2.0) == stay(2.0)
        assert decide(Kind.THROTTLED, wait_s=2.01) == GO_ON
        assert decide(Kind.THROTTLED, wait_s=2.01, others_usable=False) == GO_ON

    def test_a_throttled_target_that_names_no_wait_gets_the_back_off(self):
        assert decide(Kind.THROTTLED) == stay(0.4)

    @pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.QUOTA, Kind.AUTH])
    def test_faults_of_a_key_go_to_another_key_at_once(self, kind):
        assert decide(kind, other_key=True, wait_s=1.0) == NEXT_KEY

    @pytest.mark.parametrize("kind", [Kind.QUOTA, Kind.AUTH])
    def test_faults_of_the_last_key_go_on(self, kind):
        assert decide(kind, wait_s=0.0) == GO_ON

    @pytest.mark.parametrize("kind", HERE_TOO)
    def test_another_key_is_no_help_against_other_faults(self, kind):
        assert decide(kind, other_key=True) == stay(0.4)

    @pytest.mark.parametrize("kind", [Kind.MISSING, Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT, Kind.SHED])
    def test_what_would_fail_again_is_not_tried_again_here(self, kind):
        assert decide(kind, other_key=True) == GO_ON

    @pytest.mark.parametrize("kind", ENDS)
    def test_a_client_that_left_and_a_time_that_is_up_end_the_request(self, kind):
        assert decide(kind) == STOP


class TestWaiting:
    def test_a_wait_the_upstream_asked_for_is_kept_in_full(self):
        assert decide(Kind.SERVER, wait_s=1.5) == stay(1.5)

    def test_a_longer_back_off_is_kept_beside_a_shorter_wait(self):
        assert decide(Kind.SERVER, wait_s=0.1) == stay(0.4)

    @pytest.mark.parametrize("others_usable", [True, False])
    def test_a_long_wait_the_upstream_asked_for_is_never_slept(self, others_usable):
        assert decide(Kind.SERVER, wait_s=20.0, others_usable=others_usable) == GO_ON

    def test_a_long_back_off_goes_on_while_another_target_is_usable(self):
        assert decide(Kind.SERVER, delay_s=2.1) == GO_ON

    def test_a_long_back_off_is_shortened_where_there_is_no_other_target(self):
        assert decide(Kind.SERVER, delay_s=6.0, others_usable=False) == stay(2.0)

    def test_a_pause_past_the_deadline_goes_on(self):
        assert decide(Kind.SERVER, deadline=100.4) == GO_ON
        assert decide(Kind.SERVER, deadline=100.5) == stay(0.4)

    @pytest.mark.parametrize("kind", list(Kind))
    def test_after_the_deadline_nothing_more_is_tried(self, kind):
        assert decide(kind, now=700.0, other_key=True) == STOP

    @settings(max_examples=60)
    @given(
        kind=st.sampled_from(Kind),
        tried_here=st.integers(1, 6),
        allowed_here=st.integers(0, 6),
        delay_s=st.floats(0, 8),
        wait_s=st.none() | st.floats(0, 3600),
        left_s=st.floats(-1, 600),
        others_usable=st.booleans(),
        other_key=st.booleans(),
    )
    def test_no_decision_breaks_a_promise(self, kind, wait_s, tried_here, allowed_here, left_s, **facts):
        """Never a pause over 2 s, past the deadline, or shorter than asked; never more attempts than allowed."""
        made = decide(
            kind, wait_s=wait_s, tried_here=tried_here, allowed_here=allowed_here, now=0.0, deadline=left_s, **facts
        )
        assert made.after_s <= 2
        if made.action in (Action.STAY, Action.NEXT_KEY):
            assert tried_here < allowed_here
            assert Fault(kind=kind, message="").outcome.again is not Again.NEVER
        if made.action is Action.STAY:
            assert (wait_s or 0) <= made.after_s < left_s
        else:
            assert made.after_s == 0


class TestOnward:
    @pytest.mark.parametrize(
        "kind",
        [*HERE_TOO, Kind.TIMEOUT, Kind.OVERLOADED, Kind.THROTTLED, Kind.QUOTA, Kind.AUTH, Kind.MISSING, Kind.SHED],
    )
    def test_faults_of_a_target_and_what_we_lack_for_it_lead_to_the_next(self, kind):
        assert onward(Fault(kind=kind, message=""), translated=False, larger=False, allowed=False)

    @pytest.mark.parametrize("kind", ENDS)
    def test_ends_lead_nowhere(self, kind):
        assert not onward(Fault(kind=kind, message=""), translated=True, larger=True, allowed=True)

    @pytest.mark.parametrize(
        ("kind", "condition"),
        [(Kind.REFUSED, "translated"), (Kind.TOO_LONG, "larger"), (Kind.CONTENT, "allowed")],
    )
    def test_faults_of_a_request_lead_on_under_their_own_condition_alone(self, kind, condition):
        fault = Fault(kind=kind, message="")
        conditions = ("translated", "larger", "allowed")
        assert onward(fault, **{name: name == condition for name in conditions})
        assert not onward(fault, **{name: name != condition for name in conditions})


class TestAttempts:
    def test_a_request_makes_at_most_six_attempts_or_one_for_each_target(self):
        assert [total_attempts(n, SETTINGS) for n in (1, 2, 6, 9)] == [6, 6, 6, 9]

    @pytest.mark.parametrize(
        ("targets", "shares"),
        [(1, [3]), (2, [3, 3]), (3, [3, 2, 1]), (4, [3, 1, 1, 1]), (6, [1] * 6), (9, [1] * 9)],
    )
    def test_every_target_of_a_chain_gets_its_turn(self, targets, shares):
        left, seen = total_attempts(targets, SETTINGS), []
        for position in range(targets):
            seen.append(attempts_for(position, targets, left, SETTINGS))
            left -= seen[-1]
        assert seen == shares

    def test_attempts_that_early_targets_leave_go_to_later_ones(self):
        assert attempts_for(1, 3, 5, SETTINGS) == 3

    def test_a_client_that_retries_gets_one_attempt_per_target(self):
        assert attempts_for(0, 2, 6, SETTINGS, client_retries=1) == 1

    def test_without_attempts_left_there_are_none(self):
        assert attempts_for(0, 3, 1, SETTINGS) == 0


class TestDelay:
    def test_the_bound_doubles_up_to_the_cap(self, chance):
        chance.value = 1.0
        assert [delay(n, SETTINGS, chance) for n in (1, 2, 3, 4, 5, 6, 5000)] == [0.5, 1, 2, 4, 8, 8, 8]

    def test_the_jitter_is_full(self, chance):
        assert delay(3, SETTINGS, chance) == 0
        chance.value = 0.25
        assert delay(3, SETTINGS, chance) == 0.5

    def test_base_and_cap_are_settings(self, chance):
        chance.value = 1.0
        quick = structs.replace(SETTINGS, base_s=0.1, cap_s=0.3)
        assert [delay(n, quick, chance) for n in (1, 2, 3)] == pytest.approx([0.1, 0.2, 0.3])
