"""Who has something free left comes first."""

import pytest

from proxy.config.orders import Free
from proxy.orders.free_first import by_allowance, has_left
from proxy.resilience.observed import Observed, Spent
from translators.usage import Usage


def test_those_with_something_left_come_first_each_in_the_chains_order():
    assert by_allowance([False, True, False, True]) == [1, 3, 0, 2]
    assert by_allowance([False, False]) == [0, 1]


@pytest.mark.parametrize(
    ("free", "left"),
    [
        (None, False),
        (Free(requests_per_minute=3), True),
        (Free(requests_per_minute=2), False),
        (Free(requests_per_day=8), False),
        (Free(requests_per_day=9, tokens_per_day=900), False),
        (Free(requests_per_day=9, tokens_per_day=901), True),
        (Free(tokens_per_minute=100), False),
        (Free(requests_per_minute=3, requests_per_day=9, tokens_per_minute=101, tokens_per_day=901), True),
    ],
)
def test_every_limit_that_is_stated_must_have_room(free, left):
    spent = Spent()
    spent.minute_requests, spent.day_requests, spent.minute_tokens, spent.day_tokens = 2, 8, 100, 900
    assert has_left(free, spent) is left


def test_over_a_day_exactly_what_is_free_is_used_of_each_before_what_is_paid():
    """Two a minute, each minute, of one target; 400 a day of another; a third is paid for."""
    allowances = [None, Free(requests_per_minute=2, requests_per_day=1_000), Free(requests_per_day=400)]
    observed, served = [Observed() for _ in allowances], [0, 0, 0]
    for second in range(0, 86_400, 15):
        for one in observed:
            one.spent.turn(second)
        pairs = zip(allowances, observed, strict=True)
        place = by_allowance([has_left(free, one.spent) for free, one in pairs])[0]
        observed[place].begun(second, second, 1)
        observed[place].used(second, second, Usage(10, 10))
        served[place] += 1
    assert served == [86_400 // 15 - 1_400, 1_000, 400]
