"""The breaker, clause by clause. Settings are the defaults, `now` starts at 1000."""

import pytest

from proxy.config.values import BreakerSettings
from proxy.resilience.breaker import Breaker, Reason, State, verdict
from tests.unit.proxy.resilience.stages import T, fail, to_open, to_probe, to_ramp
from translators.faults import Fault, Kind


def ramp_permit(breaker, now):
    """The next permit the ramp gives."""
    return next(permit for _ in range(20) if (permit := breaker.admit(now, 30)))


def test_states_and_reasons_print_their_names():
    assert [repr(state) for state in State] == ["CLOSED", "OPEN", "PROBE", "RAMP"]
    assert [repr(reason) for reason in Reason] == ["CONSECUTIVE", "PROBE", "RAMP", "MANUAL"]


class TestClosed:
    def test_a_new_breaker_admits_everything(self, breaker):
        assert all(breaker.admit(T, 30).role == "closed" for _ in range(100))

    def test_one_permit_serves_a_whole_generation(self, breaker):
        assert breaker.admit(T, 30) is breaker.admit(T + 5, 30)

    def test_five_failures_in_a_row_open_it(self, breaker):
        fail(breaker, T, 4)
        assert breaker.state(T) is State.CLOSED
        fail(breaker, T)
        assert breaker.snapshot(T).reason is Reason.CONSECUTIVE
        assert breaker.state(T) is State.OPEN

    def test_a_success_starts_the_count_of_failures_again(self, breaker):
        fail(breaker, T, 4)
        breaker.settle(breaker.admit(T, 30), "success", T)
        fail(breaker, T, 4)
        assert breaker.state(T) is State.CLOSED

    @pytest.mark.parametrize("given", ["throttled", "ignored"])
    def test_throttled_and_ignored_calls_neither_count_nor_clear(self, breaker, given):
        fail(breaker, T, 4)
        for _ in range(10):
            breaker.settle(breaker.admit(T, 30), given, T)
        assert breaker.snapshot(T).failures == 4

    def test_a_commit_is_no_outcome_so_a_target_that_cuts_its_streams_opens(self, breaker):
        for _ in range(5):
            permit = breaker.admit(T, 30)
            breaker.commit(permit, T)
            breaker.settle(permit, "fail", T)
        assert breaker.state(T) is State.OPEN

    def test_the_number_of_failures_is_a_setting(self, chance):
        breaker = Breaker(BreakerSettings(consecutive_failures=1), chance)
        fail(breaker, T)
        assert breaker.state(T) is State.OPEN

    def test_settings_may_be_replaced_while_it_counts(self, breaker):
        fail(breaker, T, 2)
        breaker.settings = BreakerSettings(consecutive_failures=3)
        fail(breaker, T)
        assert breaker.state(T) is State.OPEN


class TestOpen:
    def test_it_admits_nothing_for_thirty_seconds(self, breaker):
        to_open(breaker)
        assert breaker.admit(T, 30) is None
        assert breaker.admit(T + 29.99, 30) is None
        assert breaker.admit(T + 30, 30).role == "probe"

    def test_up_to_a_tenth_of_jitter_is_added(self, breaker, chance):
        chance.value = 1.0
        to_open(breaker)
        assert breaker.next_admit(T) == pytest.approx(T + 33)

    def test_each_opening_in_a_row_doubles_the_time_up_to_five_minutes(self, breaker):
        to_open(breaker)
        lengths, now = [], T
        for _ in range(7):
            reopens = breaker.snapshot(now).reopens_at
            lengths.append(reopens - now)
            now = reopens
            breaker.settle(breaker.admit(now, 30), "fail", now)
        assert lengths == [30, 60, 120, 240, 300, 300, 300]

    def test_the_count_of_openings_stops_where_the_time_stops_growing(self, breaker):
        now = T
        to_open(breaker)
        for _ in range(2000):
            now = breaker.next_admit(now)
            breaker.settle(breaker.admit(now, 30), "fail", now)
        assert breaker.snapshot(now).openings == 5

    def test_each_minute_of_closed_forgives_one_opening(self, breaker):
        to_ramp(breaker)
        closed = T + 30
        assert breaker.snapshot(closed).openings == 1
        assert breaker.snapshot(closed + 59).openings == 1
        assert breaker.snapshot(closed + 60).openings == 0
        assert breaker.snapshot(closed + 600).openings == 0

    def test_forgiveness_counts_from_the_ramps_end_even_when_nobody_looked(self, breaker):
        to_ramp(breaker)
        to_open(breaker, T + 30 + 60)
        assert breaker.snapshot(T + 90).openings == 1

    def test_an_opening_soon_after_closing_lasts_longer(self, breaker):
        to_ramp(breaker)
        to_open(breaker, T + 31)
        assert breaker.next_admit(T + 31) == T + 31 + 60

    def test_results_of_calls_made_before_it_opened_only_count_as_late(self, breaker):
        old = breaker.admit(T, 30)
        to_open(breaker)
        before = breaker.snapshot(T + 1)
        breaker.settle(old, "fail", T + 1)
        breaker.settle(old, "success", T + 1)
        after = breaker.snapshot(T + 1)
        assert (after.state, after.reopens_at, after.openings) == (before.state, before.reopens_at, before.openings)
        assert after.late == before.late + 2

    def test_an_operator_can_open_it(self, breaker):
        breaker.trip(T)
        assert (breaker.state(T), breaker.snapshot(T).reason) == (State.OPEN, Reason.MANUAL)
        assert breaker.next_admit(T) == T + 30

    def test_an_operator_who_opens_an_open_one_makes_it_last_longer(self, breaker):
        to_open(breaker)
        breaker.trip(T + 10)
        assert (breaker.snapshot(T + 10).openings, breaker.next_admit(T + 10)) == (2, T + 10 + 60)

    def test_an_operator_never_shortens_the_wait_that_a_provider_asked_for(self, breaker):
        permits = [breaker.admit(T, 30) for _ in range(5)]
        for permit in permits:
            breaker.settle(permit, "fail", T, retry_at=T + 600)
        breaker.trip(T + 10)
        assert breaker.next_admit(T + 10) == T + 600

    def test_each_late_result_is_told(self, chance):
        told = []
        breaker = Breaker(BreakerSettings(), chance, on_late=lambda: told.append(1))
        early, late = breaker.admit(T, 30), breaker.admit(T, 30)
        breaker.settle(early, "success", T)
        assert told == []
        breaker.trip(T)
        breaker.settle(late, "success", T)
        assert (len(told), breaker.snapshot(T).late) == (1, 1)


class TestProbe:
    def test_one_probe_at_a_time(self, breaker):
        to_probe(breaker)
        assert breaker.admit(T, 30).role == "probe"
        assert breaker.admit(T, 30) is None

    def test_the_next_probe_may_start_once_the_first_committed(self, breaker):
        to_probe(breaker)
        breaker.commit(breaker.admit(T, 30), T)
        assert breaker.state(T) is State.PROBE
        assert breaker.admit(T, 30).role == "probe"

    def test_two_probes_that_commit_begin_the_ramp(self, breaker):
        to_ramp(breaker)

    def test_a_unary_probe_passes_at_its_end(self, breaker):
        to_probe(breaker)
        for _ in range(2):
            breaker.settle(breaker.admit(T, 30), "success", T)
        assert breaker.state(T) is State.RAMP

    @pytest.mark.parametrize("given", ["fail", "throttled"])
    def test_a_failed_or_throttled_probe_opens_it_again_and_longer(self, breaker, given):
        to_probe(breaker)
        breaker.settle(breaker.admit(T, 30), given, T)
        seen = breaker.snapshot(T)
        assert (seen.state, seen.reason, seen.openings, seen.reopens_at) == (State.OPEN, Reason.PROBE, 2, T + 60)

    def test_one_passed_probe_does_not_excuse_the_second(self, breaker):
        to_probe(breaker)
        breaker.commit(breaker.admit(T, 30), T)
        breaker.settle(breaker.admit(T, 30), "fail", T)
        assert breaker.state(T) is State.OPEN

    def test_a_reopening_lasts_at_least_until_the_upstream_wants_to_be_asked(self, breaker):
        to_probe(breaker)
        breaker.settle(breaker.admit(T, 30), "throttled", T, retry_at=T + 100)
        assert breaker.next_admit(T) == T + 100

    def test_an_early_retry_time_does_not_shorten_the_opening(self, breaker):
        to_probe(breaker)
        breaker.settle(breaker.admit(T, 30), "throttled", T, retry_at=T + 5)
        assert breaker.next_admit(T) == T + 60

    def test_an_ignored_probe_gives_its_permit_back(self, breaker):
        to_probe(breaker)
        breaker.settle(breaker.admit(T, 30), "ignored", T + 1)
        assert breaker.state(T + 1) is State.PROBE
        assert breaker.admit(T + 1, 30).role == "probe"

    def test_a_lost_probe_blocks_no_longer_than_its_attempt_could_last(self, breaker):
        to_probe(breaker)
        breaker.admit(T, 30)
        assert breaker.next_admit(T + 1) == T + 30
        assert breaker.admit(T + 29.9, 30) is None
        assert breaker.admit(T + 30, 30).role == "probe"

    def test_a_probe_that_times_out_just_after_its_permit_still_fails_it(self, breaker):
        to_probe(breaker)
        lost = breaker.admit(T, 30)
        breaker.admit(T + 30, 30)
        breaker.settle(lost, "fail", T + 30.1)
        assert breaker.state(T + 30.1) is State.OPEN

    def test_a_probe_that_lost_its_place_neither_passes_nor_frees_its_successors(self, breaker):
        to_probe(breaker)
        lost = breaker.admit(T, 30)
        breaker.admit(T + 30, 30)
        breaker.commit(lost, T + 31)
        breaker.settle(lost, "ignored", T + 31)
        assert breaker.admit(T + 31, 30) is None

    def test_a_probe_that_commits_and_is_cut_later_has_passed(self, breaker):
        to_probe(breaker)
        cut = breaker.admit(T, 30)
        breaker.commit(cut, T)
        breaker.settle(cut, "fail", T + 1)
        assert breaker.state(T + 1) is State.PROBE
        breaker.commit(breaker.admit(T + 1, 30), T + 1)
        assert breaker.state(T + 1) is State.RAMP


class TestRamp:
    def test_it_admits_a_tenth_at_first(self, breaker):
        to_ramp(breaker)
        assert sum(breaker.admit(T, 30) is not None for _ in range(100)) in (9, 10)

    def test_it_admits_the_fraction_of_its_time_that_has_passed(self, breaker):
        to_ramp(breaker)
        assert breaker.snapshot(T + 15).ramp == 0.5
        given = [breaker.admit(T + 15, 30) is not None for _ in range(10)]
        assert given == [False, True] * 5

    def test_it_closes_when_its_time_is_up(self, breaker):
        to_ramp(breaker)
        assert breaker.state(T + 29.99) is State.RAMP
        seen = breaker.snapshot(T + 40)
        assert (seen.state, seen.reason, seen.changed_at) == (State.CLOSED, None, T + 30)

    def test_two_failures_in_a_row_open_it_again(self, breaker):
        to_ramp(breaker)
        breaker.settle(ramp_permit(breaker, T + 15), "fail", T + 15)
        assert breaker.state(T + 15) is State.RAMP
        breaker.settle(ramp_permit(breaker, T + 15), "fail", T + 15)
        seen = breaker.snapshot(T + 15)
        assert (seen.state, seen.reason, seen.openings) == (State.OPEN, Reason.RAMP, 2)

    def test_failures_with_a_success_between_do_not_open_it(self, breaker):
        to_ramp(breaker)
        for given in ("fail", "success", "fail"):
            breaker.settle(ramp_permit(breaker, T + 15), given, T + 15)
        assert breaker.state(T + 15) is State.RAMP

    def test_one_throttled_call_opens_it_until_the_upstream_wants_to_be_asked(self, breaker):
        to_ramp(breaker)
        breaker.settle(ramp_permit(breaker, T + 15), "throttled", T + 15, retry_at=T + 200)
        assert breaker.snapshot(T + 15).reason is Reason.RAMP
        assert breaker.next_admit(T + 15) == T + 200

    def test_an_ignored_call_changes_nothing(self, breaker):
        to_ramp(breaker)
        breaker.settle(ramp_permit(breaker, T + 15), "fail", T + 15)
        breaker.settle(ramp_permit(breaker, T + 15), "ignored", T + 15)
        assert (breaker.state(T + 15), breaker.snapshot(T + 15).failures) == (State.RAMP, 1)

    def test_a_failure_of_the_ramp_that_comes_after_it_still_counts(self, breaker):
        to_ramp(breaker)
        slow = ramp_permit(breaker, T + 20)
        for _ in range(5):
            breaker.settle(slow, "fail", T + 50)
        assert breaker.snapshot(T + 50).reason is Reason.CONSECUTIVE

    def test_it_is_never_laxer_than_the_closed_state(self, chance):
        breaker = Breaker(BreakerSettings(consecutive_failures=1), chance)
        fail(breaker, T)
        now = T + 30
        for _ in range(2):
            breaker.commit(breaker.admit(now, 30), now)
        breaker.settle(ramp_permit(breaker, now), "fail", now)
        assert breaker.state(now) is State.OPEN

    def test_a_ramp_of_no_length_closes_at_once(self, chance):
        breaker = Breaker(BreakerSettings(ramp_s=0.0), chance)
        to_open(breaker)
        for _ in range(2):
            breaker.commit(breaker.admit(T + 30, 30), T + 30)
        assert breaker.state(T + 30) is State.CLOSED


class TestForce:
    def test_a_refused_chain_still_makes_one_call_a_second(self, breaker):
        to_open(breaker)
        given = [breaker.force(T + tenth / 10) is not None for tenth in range(30)]
        assert sum(given) == 3

    def test_a_forced_call_that_is_answered_ends_the_wait_and_no_more(self, breaker):
        to_open(breaker)
        forced = breaker.force(T + 1)
        assert forced.role == "forced"
        breaker.commit(forced, T + 2)
        seen = breaker.snapshot(T + 2)
        assert (seen.state, seen.changed_at) == (State.PROBE, T + 2)
        for _ in range(2):
            breaker.commit(breaker.admit(T + 2, 30), T + 2)
        assert breaker.state(T + 2) is State.RAMP

    @pytest.mark.parametrize("given", ["fail", "throttled", "ignored"])
    def test_a_forced_call_that_fails_neither_prolongs_nor_counts(self, breaker, given):
        to_open(breaker)
        before = breaker.snapshot(T)
        breaker.settle(breaker.force(T), given, T + 1, retry_at=T + 500)
        assert breaker.snapshot(T + 1) == before

    def test_while_a_probe_is_under_way_one_call_a_second_goes_beside_it(self, breaker):
        to_probe(breaker)
        probe = breaker.admit(T, 30)
        forced = breaker.force(T)
        assert breaker.force(T + 0.5) is None
        breaker.settle(forced, "fail", T + 1)
        breaker.settle(breaker.force(T + 1), "success", T + 1)
        assert breaker.admit(T + 1, 30) is None
        breaker.commit(probe, T + 2)
        assert breaker.admit(T + 2, 30).role == "probe"

    def test_what_the_ramp_holds_back_never_becomes_an_error(self, breaker):
        to_ramp(breaker)
        assert all(breaker.force(T).role == "ramp" for _ in range(10))


def test_the_hook_is_told_every_change_with_its_reason_and_exact_moment(chance):
    seen = []
    breaker = Breaker(BreakerSettings(), chance, lambda *change: seen.append(change))
    to_ramp(breaker)
    breaker.state(T + 100)
    assert seen == [
        (State.CLOSED, State.OPEN, Reason.CONSECUTIVE, T - 30),
        (State.OPEN, State.PROBE, Reason.CONSECUTIVE, T),
        (State.PROBE, State.RAMP, Reason.CONSECUTIVE, T),
        (State.RAMP, State.CLOSED, None, T + 30),
    ]


def test_a_snapshot_of_a_new_breaker_knows_no_change(breaker):
    seen = breaker.snapshot(T)
    assert (seen.state, seen.reason, seen.changed_at, seen.reopens_at, seen.ramp) == (
        State.CLOSED, None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Kind.CONNECT, "fail"), (Kind.TIMEOUT, "fail"), (Kind.SERVER, "fail"), (Kind.OVERLOADED, "fail"),
        (Kind.PROTOCOL, "fail"), (Kind.THROTTLED, "throttled"), (Kind.QUOTA, "ignored"), (Kind.AUTH, "ignored"),
        (Kind.MISSING, "ignored"), (Kind.REFUSED, "success"), (Kind.TOO_LONG, "success"), (Kind.CONTENT, "success"),
        (Kind.CANCELLED, "ignored"), (Kind.DEADLINE, "ignored"), (Kind.SHED, "ignored"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_means_this_to_a_breaker(kind, given):
    assert verdict(Fault(kind=kind, message="")) == given


def test_an_attempt_without_fault_is_a_success():
    assert verdict(None) == "success"
