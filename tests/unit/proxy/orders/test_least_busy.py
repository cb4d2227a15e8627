"""The less busy of two."""

import heapq
import random  # noqa: TID251 - by its seed, the same each time

import pytest

from proxy.orders.least_busy import by_load, loads

SERVICE_S = 1.0


def play(limits, rate, seconds, out=None):
    """Calls that take about a second each; `out` is a target that serves nobody for the first half of the time. Gives
    the place and the moment of each call."""
    chance = random.Random(20_261_122)
    flying, pending, now, made = [0] * len(limits), [], 0.0, []
    while now < seconds:
        now += chance.expovariate(rate)
        while pending and pending[0][0] <= now:
            flying[heapq.heappop(pending)[1]] -= 1
        places = by_load(loads(flying, limits), chance.random(), chance.random())
        place = next(one for one in places if one != out or now > seconds / 2)
        flying[place] += 1
        heapq.heappush(pending, (now + chance.expovariate(1 / SERVICE_S), place))
        made.append((now, place))
    return made


def test_requests_are_spread_evenly_over_targets_that_are_alike():
    made = [place for _, place in play([0, 0, 0, 0], 100, 200)]
    for place in range(4):
        assert made.count(place) / len(made) == pytest.approx(1 / 4, abs=0.01)


def test_a_target_that_bears_more_gets_more():
    made = [place for _, place in play([100, 200], 100, 200)]
    assert made.count(1) / len(made) == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_one_that_comes_back_is_not_overrun(count):
    """Sending all to who is least busy would give it every request until it was as busy as the others."""
    made = play([0] * count, 60 * count, 40, out=0)
    burst = [place for now, place in made if 20 < now < 20.25]
    assert burst.count(0) / len(burst) < 1 - (1 - 1 / count) ** 2 + 0.12
    settled = [place for now, place in made if now > 25]
    assert settled.count(0) / len(settled) == pytest.approx(1 / count, abs=0.03)


def test_both_draws_may_fall_on_the_same_and_the_rest_stand_by_how_busy_they_are():
    assert by_load([5.0, 1.0, 3.0], 0.0, 0.2) == [0, 1, 2]
    assert by_load([5.0, 1.0, 3.0], 0.0, 0.99) == [2, 1, 0]
    assert by_load([5.0, 1.0, 3.0], 0.99, 0.5) == [1, 2, 0]


def test_busy_is_a_part_of_what_a_target_bears():
    assert loads([4, 4, 4], [10, 50, 0]) == [0.5, 0.1, 0.1]
    assert loads([0, 3], [0, 0]) == [1, 4]
