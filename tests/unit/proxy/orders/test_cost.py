"""The cheapest for this request first."""

import itertools
import random  # noqa: TID251 - by its seed, the same each time
from math import inf

import pytest

from proxy.config.spending import Price, Tier
from proxy.orders.cost import USUAL_OUTPUT, by_cost, shape
from proxy.pricing.cost import Lines, cost
from translators.usage import Usage

M = 1_000_000


def test_the_order_is_by_cost_with_equals_as_they_stand_and_those_of_no_price_last():
    assert by_cost([inf, 30, 10, inf, 10, 0]) == [5, 2, 4, 1, 0, 3]


def test_a_long_input_may_change_who_is_cheapest():
    flat, tiered = Price(2 * M, 2 * M), Price(M, 2 * M, tiers=(Tier(1_000, Price(3 * M, 6 * M)),))
    costs = [Lines([flat, tiered]).about(size, 0, [0.0, 0.0], None) for size in (1_000, 1_001)]
    assert [by_cost(one) for one in costs] == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("said", "tier"), [("flex", "flex"), ("auto", None), (3, None)])
def test_a_tier_of_service_that_may_have_a_price_counts(said, tier):
    assert shape({"service_tier": said}, 100, []).tier == tier


@pytest.mark.parametrize(
    ("payload", "known", "output"),
    [
        ({}, [], USUAL_OUTPUT),
        ({}, [100.0, 300.0], 200),
        ({"max_tokens": 50}, [100.0], 50),
        ({"max_completion_tokens": 500}, [100.0], 100),
        ({"max_output_tokens": 20}, [], 20),
        ({"max_tokens": "many"}, [], USUAL_OUTPUT),
        ({"max_tokens": -5}, [], USUAL_OUTPUT),
        ({"n": 3}, [100.0], 300),
        ({"n": 10**9}, [100.0], 100),
    ],
)
def test_an_answer_is_expected_to_be_as_long_as_they_were_and_as_the_request_allows(payload, known, output):
    assert shape(payload, 10, known).output == output


def test_over_many_requests_it_costs_what_choosing_the_cheapest_after_the_fact_would_have_cost():
    """Prices cross: one is cheap for long inputs, one for long answers. Lengths of answers are known on average."""
    chance = random.Random(20_261_122)
    prices = [Price(1_000 * M, 20_000 * M), Price(4_000 * M, 8_000 * M), Price(2_000 * M, 16_000 * M)]
    lines = Lines(prices)
    spent, best, fixed = 0, 0, [0, 0, 0]
    known: list[float] = []
    for size in itertools.islice(itertools.cycle((100, 400, 2_000, 9_000)), 4_000):
        answer = max(1, int(chance.gauss(600, 150)))
        asked = shape({}, size, known)
        place = by_cost(lines.about(asked.input, asked.output, [0.0, 0.0, 0.0], asked.tier))[0]
        billed = [cost(price, Usage(size, answer)) for price in prices]
        known = [answer if not known else known[0] + 0.05 * (answer - known[0])]
        spent, best = spent + billed[place], best + min(billed)
        fixed = [total + one for total, one in zip(fixed, billed, strict=True)]
    assert spent < 1.01 * best
    assert spent < 0.9 * min(fixed)
