"""What orders go by."""

import pytest

from proxy.resilience.observed import FADE_S, FEW, LEAST, MOST, Decayed, Observed, Spent, Told, restored
from translators.usage import Usage


def test_the_first_values_are_averaged_as_they_are():
    one = Decayed()
    for value in (1.0, 2.0, 3.0):
        one.note(100.0, value)
    assert (one.mean, one.count) == (pytest.approx(2.0), 3)


@pytest.mark.parametrize(("later_s", "part"), [(0.0, LEAST), (FADE_S / 10, 0.1), (FADE_S, MOST), (1e9, MOST)])
def test_a_value_counts_by_the_time_since_the_last_within_bounds(later_s, part):
    one = Decayed()
    for _ in range(100):
        one.note(0.0, 1.0)
    one.note(later_s, 2.0)
    assert one.mean == pytest.approx(1.0 + part)


def test_streams_and_whole_answers_are_timed_apart():
    one = Observed()
    for _ in range(FEW):
        one.served(1.0, 0.2, stream=True)
        one.served(2.0, 5.0, stream=False)
    assert (one.pace(stream=True), one.pace(stream=False)) == (pytest.approx(0.2), pytest.approx(5.0))


def test_one_that_answered_only_a_few_times_is_not_judged():
    one = Observed()
    for _ in range(FEW - 1):
        one.served(1.0, 0.2, stream=True)
    assert one.pace(stream=True) is None


def test_who_fails_half_of_its_calls_takes_twice_as_long():
    one = Observed()
    for _ in range(FEW):
        one.served(1.0, 0.2, stream=True)
        one.fell(1.0, 0.001, stream=True)
    assert one.pace(stream=True) == pytest.approx(0.4)


def test_a_failure_that_took_long_counts_by_its_time_and_a_quick_one_is_not_quick():
    one = Observed()
    one.served(1.0, 1.0, stream=True)
    one.served(1.0, 1.0, stream=True)
    one.fell(1.0, 4.0, stream=True)
    one.fell(1.0, 0.1, stream=True)
    assert one.first.mean == pytest.approx(2.0)
    assert one.pace(stream=True) == pytest.approx(4.0)


def test_who_was_never_answered_has_no_pace_and_who_always_fails_a_bounded_one():
    one = Observed()
    one.fell(1.0, 9.0, stream=True)
    assert one.pace(stream=True) is None
    for _ in range(FEW):
        one.served(1.0, 1.0, stream=True)
    for _ in range(200):
        one.fell(1.0, 0.0, stream=True)
    assert one.pace(stream=True) == pytest.approx(10.0)


def test_lengths_of_answers_and_what_caches_held_are_averaged():
    one = Observed()
    one.used(1.0, 60.0, Usage(100, 40, cached=50))
    one.used(1.0, 60.0, Usage(0, 60))
    assert (one.output.mean, one.cached.mean, one.cached.count) == (50.0, 0.5, 1)
    one.used(1.0, 60.0, Usage(10, 50, cached=5_000))
    assert one.cached.mean <= 1.0


def test_calls_and_tokens_are_counted_by_the_minute_and_the_day():
    one = Observed()
    one.begun(1.0, 86_399.0, 2)
    one.used(1.0, 86_399.5, Usage(3, 4))
    assert told(one.spent) == (2, 7, 2, 7)
    one.begun(2.0, 86_400.0, 1)
    assert told(one.spent) == (1, 0, 1, 0)
    one.begun(2.0, 86_460.0, 1)
    assert told(one.spent) == (1, 0, 2, 0)
    assert one.asked_at == 2.0


def test_a_wall_clock_that_was_set_back_gives_nothing_back():
    spent = Spent()
    spent.turn(86_400.0)
    spent.minute_requests = spent.day_requests = 5
    spent.turn(3_600.0)
    assert told(spent) == (5, 0, 5, 0)


def test_several_calls_that_made_an_answer_count_each():
    one = Observed()
    one.used(1.0, 0.0, Usage(10, 2, calls=(Usage(10, 1), Usage(12, 1))))
    assert one.spent.day_tokens == 24


def told(spent):
    return spent.minute_requests, spent.minute_tokens, spent.day_requests, spent.day_tokens


def test_what_is_told_can_be_noted_again():
    """So that what a running proxy knows decides elsewhere as it does there."""
    one = Observed()
    for _ in range(FEW):
        one.begun(1.0, 90_000.0, 2)
        one.served(1.0, 0.25, stream=True)
        one.fell(1.0, 0.0, stream=True)
        one.used(1.0, 90_000.0, Usage(100, 40, cached=50))
    told = one.told(90_000.0)
    again = restored(told, 90_000.0)
    assert again.told(90_000.0) == told == Told(0.25, None, 0.5, 40.0, 0.5, 6, 420, 6, 420)
    assert again.pace(stream=True) == one.pace(stream=True) == 0.5
    assert again.pace(stream=False) is None
    assert one.told(90_060.0).minute_requests == 0
