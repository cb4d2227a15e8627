"""A rate's arithmetic, held against a bucket that remembers everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.budgets.gcra import MINUTE, Cell

SECOND = MINUTE // 60
amounts = st.integers(1, 10**9)
pauses = st.one_of(st.integers(0, 3 * MINUTE), st.sampled_from([0, 1, SECOND, MINUTE]))


def test_a_whole_minutes_amount_may_come_at_once_and_then_one_by_one():
    cell = Cell(60)
    for _ in range(60):
        assert cell.wait(1, 0) == 0
        cell.take(1, 0)
    assert (cell.wait(1, 0), *cell.left(0)) == (SECOND, 0, MINUTE)
    assert cell.wait(1, SECOND - 1) == 1
    assert (cell.wait(1, SECOND), cell.left(SECOND)[0]) == (0, 1)


def test_what_is_more_than_the_amount_never_fits():
    assert Cell(10).wait(11, 0) is None
    assert Cell(10).wait(10, 0) == 0


def test_what_was_estimated_too_high_comes_back():
    cell = Cell(100)
    taken = cell.take(80, 0)
    cell.correct(taken, 80, 30, 0)
    assert cell.left(0)[0] == 70


def test_what_was_estimated_too_low_is_owed():
    cell = Cell(100)
    taken = cell.take(80, 0)
    cell.correct(taken, 80, 160, 0)
    assert (cell.left(0)[0], cell.wait(1, 0)) == (0, 61 * MINUTE // 100)


def test_what_has_leaked_meanwhile_does_not_come_back():
    """Else what was taken after it would have room it never had."""
    cell = Cell(60)
    taken = cell.take(60, 0)
    cell.take(30, MINUTE)
    cell.correct(taken, 60, 1, MINUTE)
    assert cell.left(MINUTE)[0] == 30


@given(amounts, st.lists(st.tuples(pauses, st.integers(0, 10**9)), max_size=30))
def test_no_stretch_of_time_sees_more_than_a_bucket_and_what_leaks(amount, asked):
    cell, now, let = Cell(amount), 0, []
    for pause, units in asked:
        now += pause
        if cell.wait(units, now) == 0:
            cell.take(units, now)
            let.append((now, units))
    for first, (begin, _) in enumerate(let):
        total = 0
        for end, units in let[first:]:
            total += units
            assert total * MINUTE <= amount * (MINUTE + end - begin)


@given(amounts, st.lists(st.tuples(pauses, st.integers(0, 10**9)), max_size=12), pauses, st.integers(1, 10**9))
def test_what_is_told_is_so(amount, asked, pause, units):
    """As many as remain fit and no more; after the wait it fits and not before; after the reset all is there."""
    cell, now = Cell(amount), 0
    for before, some in asked:
        now += before
        cell.take(min(some, amount), now)
    now += pause
    (left, reset), wait = cell.left(now), cell.wait(units, now)
    assert (left == 0 or cell.wait(left, now) == 0) and cell.wait(left + 1, now) != 0
    assert cell.left(now + reset)[0] == amount and (reset == 0 or cell.left(now + reset - 1)[0] < amount)
    if wait is None:
        assert units > amount
    else:
        assert cell.wait(units, now + wait) == 0 and (wait == 0 or cell.wait(units, now + wait - 1) != 0)


class Naive:
    """Remembers all that was taken, and looks at every stretch of time."""

    def __init__(self, amount):
        self.amount, self.taken = amount, []

    def level(self, now):
        found = 0
        for first, (begin, _) in enumerate(self.taken):
            found = max(found, sum(units for _, units in self.taken[first:]) * MINUTE - (now - begin) * self.amount)
        return found


@given(
    st.integers(1, 100),
    st.lists(
        st.tuples(st.integers(0, MINUTE), st.integers(1, 100), st.integers(0, 150), st.integers(0, 5)), max_size=14
    ),
)
def test_corrections_never_make_more_room_than_the_truth_has(amount, steps):
    """However takings and corrections interleave; and nobody waits for more than what was taken by estimate."""
    cell, truth, worst, now, open_ = Cell(amount), Naive(amount), Naive(amount), 0, []
    for pause, estimated, real, later in steps:
        now += pause
        for due in [one for one in open_ if one[0] <= 0]:
            _, place, taken, guess, billed = due
            cell.correct(taken, guess, billed, now)
            truth.taken[place] = (truth.taken[place][0], billed)
            worst.taken.append((now, max(0, billed - guess)))
        open_ = [(left - 1, *rest) for left, *rest in open_ if left > 0]
        assert truth.level(now) <= cell._level(now) <= worst.level(now)
        if cell.wait(min(estimated, amount), now) == 0:
            units = min(estimated, amount)
            open_.append((later, len(truth.taken), cell.take(units, now), units, real))
            truth.taken.append((now, units))
            worst.taken.append((now, units))


@pytest.mark.parametrize("amount", [7, 10**9])
def test_nothing_is_rounded_away(amount):
    """A rate that no whole number of nanoseconds divides holds over a long time all the same."""
    cell, now = Cell(amount), 0
    cell.take(amount, now)
    for _ in range(1000):
        now += cell.wait(1, now)
        cell.take(1, now)
    assert now - 1000 <= 1000 * MINUTE // amount <= now
