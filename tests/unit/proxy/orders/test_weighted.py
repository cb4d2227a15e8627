"""Shares by weight."""

import random  # noqa: TID251 - by its seed, the same each time

import pytest

from proxy.orders.weighted import by_weight

REQUESTS = 20_000


@pytest.mark.parametrize("weights", [(3, 1), (25, 50, 20, 5), (1, 1, 1), (0.9, 0.1)])
def test_shares_are_within_a_hundredth_of_their_weights_over_many_requests(weights):
    chance = random.Random(20_261_122).random
    served = [0] * len(weights)
    for _ in range(REQUESTS):
        served[by_weight(weights, [chance() for _ in weights])[0]] += 1
    wanted = [weight / sum(weights) for weight in weights]
    assert [count / REQUESTS for count in served] == pytest.approx(wanted, abs=0.01)


def test_those_after_a_target_that_fails_share_by_their_weights_too():
    chance = random.Random(7).random
    orders = [by_weight((6, 3, 1), [chance() for _ in range(3)]) for _ in range(REQUESTS)]
    after = [order[1] for order in orders if order[0] == 0]
    assert after.count(1) / len(after) == pytest.approx(0.75, abs=0.02)


def test_a_target_of_no_weight_is_last_whatever_is_drawn():
    assert by_weight((0, 1, 0, 2), [0.0, 0.999, 0.5, 0.9]) == [3, 1, 0, 2]
