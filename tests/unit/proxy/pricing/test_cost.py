"""What a call cost, and the most that it can cost."""

from fractions import Fraction
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.spending import AMOUNT_MAX, NANOS, Price, Served, Tier
from proxy.pricing.cost import Lines, cost, worst
from translators.ir import Usage

CLAUDE = Price(
    input=3 * NANOS,
    output=15 * NANOS,
    cached=3 * NANOS // 10,
    cache_write=375 * NANOS // 100,
    cache_write_1h=6 * NANOS,
)


def test_input_and_output_each_have_their_price():
    assert cost(Price(input=2 * NANOS, output=8 * NANOS), Usage(1000, 500)) == 2_000_000 + 4_000_000


def test_what_was_read_from_and_written_to_a_cache_has_its_own_price():
    """2,000 of input, of which 600 were read, 400 were written for five minutes and 300 for an hour."""
    usage = Usage(2000, 100, cached=600, cache_write=700, cache_write_1h=300)
    plain, read, written, hour, said = 700 * 3000, 600 * 300, 400 * 3750, 300 * 6000, 100 * 15_000
    assert cost(CLAUDE, usage) == plain + read + written + hour + said


def test_a_kind_without_a_price_of_its_own_costs_what_the_rest_costs():
    price = Price(input=2 * NANOS, output=8 * NANOS)
    assert cost(price, Usage(1000, 500, 300, 200, 100, 50, 70, 20)) == cost(price, Usage(1000, 500))
    hour = Price(input=2 * NANOS, output=0, cache_write=3 * NANOS)
    assert cost(hour, Usage(100, 0, cache_write=100, cache_write_1h=60)) == 100 * 3000


def test_thinking_and_sound_are_charged_apart_where_they_have_a_price():
    price = Price(input=1 * NANOS, output=4 * NANOS, reasoning=2 * NANOS, audio=10 * NANOS, audio_output=20 * NANOS)
    usage = Usage(1000, 500, reasoning=200, audio=300, audio_output=100)
    assert cost(price, usage) == 700 * 1000 + 300 * 10_000 + 200 * 4000 + 200 * 2000 + 100 * 20_000


def test_a_longer_input_has_the_price_of_its_tier_for_all_of_the_call():
    """One token above the threshold, and the whole call costs more."""
    longer = Price(input=4 * NANOS, output=18 * NANOS)
    longest = Price(input=8 * NANOS, output=20 * NANOS)
    price = Price(input=2 * NANOS, output=12 * NANOS, tiers=(Tier(200_000, longer), Tier(400_000, longest)))
    assert cost(price, Usage(200_000, 10)) == 200_000 * 2000 + 10 * 12_000
    assert cost(price, Usage(200_001, 10)) == 200_001 * 4000 + 10 * 18_000
    assert cost(price, Usage(400_001, 10)) == 400_001 * 8000 + 10 * 20_000


def test_another_tier_of_service_has_another_price():
    fast = Price(input=4 * NANOS, output=16 * NANOS)
    price = Price(input=2 * NANOS, output=8 * NANOS, served=(Served("priority", fast),))
    assert cost(price, Usage(1000, 100, tier="priority")) == cost(fast, Usage(1000, 100))
    assert cost(price, Usage(1000, 100, tier="flex")) == cost(price, Usage(1000, 100))


def test_a_fee_for_the_call_is_added_once():
    assert cost(Price(input=0, output=0, request=5_000_000), Usage(10, 10)) == 5_000_000


def test_several_calls_cost_what_each_of_them_does():
    """Neither is above the threshold, though both together are; the fee is for each."""
    price = Price(2 * NANOS, 0, request=7, tiers=(Tier(1000, Price(4 * NANOS, 0)),))
    calls = (Usage(800, 1), Usage(900, 1))
    assert cost(price, Usage(1700, 2, calls=calls)) == 1700 * 2000 + 2 * 7


def test_a_sum_is_rounded_up_once():
    """A third of a nano-dollar for each kind is one nano-dollar, not two or three."""
    assert cost(Price(input=333_333, output=333_333), Usage(1, 1)) == 1
    assert cost(Price(input=500_000, output=500_001), Usage(1, 1)) == 2


def test_counts_below_nothing_give_nothing_back():
    usage = Usage(-5, -7, cached=-3, cache_write=-2, reasoning=-9, cache_write_1h=-1, audio=-4, audio_output=-1)
    assert cost(CLAUDE, usage) == 0


def test_no_cost_is_above_what_can_be_kept():
    assert cost(CLAUDE, Usage(10**40, 0)) == AMOUNT_MAX
    assert worst(CLAUDE, 1 << 50, 8192) == AMOUNT_MAX


def test_the_worst_takes_every_token_for_the_dearest():
    assert worst(CLAUDE, 1000, 100) == 1000 * 6000 + 100 * 15_000
    assert worst(Price(input=1 * NANOS, output=2 * NANOS, reasoning=5 * NANOS, request=7), 0, 10) == 50_000 + 7


def test_the_worst_looks_at_every_tier_that_the_input_may_reach():
    dear, cheap = Price(input=9 * NANOS, output=9 * NANOS), Price(input=1 * NANOS, output=1 * NANOS)
    price = Price(input=2 * NANOS, output=2 * NANOS, tiers=(Tier(100, dear), Tier(200, cheap)))
    assert worst(price, 100, 1) == 101 * 2000
    assert worst(price, 101, 1) == 102 * 9000
    assert worst(price, 300, 1) == 301 * 9000


def test_the_worst_of_a_call_that_asks_for_a_tier_of_service_is_the_dearer_one():
    price = Price(input=2 * NANOS, output=2 * NANOS, served=(Served("priority", Price(4 * NANOS, 4 * NANOS)),))
    cheaper = Price(input=2 * NANOS, output=2 * NANOS, served=(Served("flex", Price(NANOS, NANOS)),))
    assert worst(cheaper, 10, 0, "flex") == worst(price, 10, 0, "unknown") == worst(price, 10, 0, "default") == 20_000
    assert worst(price, 10, 0, "priority") == 40_000
    assert worst(price, 10, 0) == worst(price, 10, 0, "auto") == 40_000, "the account's own tier may be the dearer one"


amounts = st.integers(0, 200 * NANOS)
maybe = st.none() | amounts
flat = st.builds(
    Price,
    input=amounts,
    output=amounts,
    cached=maybe,
    cache_write=maybe,
    cache_write_1h=maybe,
    reasoning=maybe,
    audio=maybe,
    audio_output=maybe,
    request=st.integers(0, NANOS),
)


@st.composite
def prices(draw):
    above = sorted(draw(st.sets(st.integers(0, 500_000), max_size=3)))
    base = draw(flat)
    return Price(
        **{name: getattr(base, name) for name in base.__struct_fields__ if name not in ("tiers", "served")},
        tiers=tuple(Tier(start, draw(flat)) for start in above),
        served=tuple(Served(word, draw(flat)) for word in draw(st.sets(st.sampled_from(["priority", "flex"])))),
    )


counts = st.integers(0, 1_000_000)
parts = st.none() | counts
usages = st.builds(
    Usage, counts, counts, parts, parts, parts, parts, parts, parts, st.sampled_from([None, "priority", "flex"])
)


@given(prices(), usages, counts, counts)
def test_no_call_within_its_bounds_costs_more_than_its_worst(price, usage, more_input, more_output):
    """Whatever kinds of tokens the provider counts, and however the kinds overlap."""
    assert cost(price, usage) <= worst(price, usage.input + more_input, usage.output + more_output, usage.tier)


@st.composite
def consistent(draw):
    """Counts whose kinds are parts of their whole, each token of one kind."""
    plain, cached, short, hour, sound = (draw(counts) for _ in range(5))
    said, thought, spoken = (draw(counts) for _ in range(3))
    return (plain, cached, short, hour, sound), (said, thought, spoken)


@given(flat, consistent())
def test_the_cost_is_the_sum_of_all_kinds_to_the_nano_dollar(price, kinds):
    """Against the same sum in fractions."""
    (plain, cached, short, hour, sound), (said, thought, spoken) = kinds
    usage = Usage(
        plain + cached + short + hour + sound,
        said + thought + spoken,
        cached,
        short + hour,
        thought,
        hour,
        sound,
        spoken,
    )

    def either(first, second):
        return second if first is None else first

    writing = either(price.cache_write, price.input)
    exact = Fraction(
        plain * price.input
        + cached * either(price.cached, price.input)
        + short * writing
        + hour * either(price.cache_write_1h, writing)
        + sound * either(price.audio, price.input)
        + said * price.output
        + thought * either(price.reasoning, price.output)
        + spoken * either(price.audio_output, price.output),
        1_000_000,
    )
    found = cost(price, usage) - price.request
    assert found == AMOUNT_MAX - price.request or 0 <= found - exact < 1


def test_what_a_call_is_expected_to_cost_is_what_it_would_cost_by_each_price():
    """To the nano-dollar that `cost` rounds up."""
    prices = [
        Price(2_500_000_000, 10_000_000_000, request=7),
        Price(3_000_000_000, 15_000_000_000, cached=300_000_000),
        Price(1_000_000, 2_000_000, tiers=(Tier(1_000, Price(3_000_000, 6_000_000)),)),
        Price(1_000_000, 2_000_000, served=(Served("flex", Price(500_000, 1_000_000)),)),
    ]
    lines = Lines([*prices, None])
    asked = (
        (1_000, 200, None),
        (1_002, 0, "flex"),
        (400_000, 8_000, "priority"),
        (1_000, 200, "flex"),
        (1_002, 0, None),
    )
    for entire, output, tier in asked:
        found = lines.about(entire, output, [0.5] * 5, tier)
        wanted = [cost(one, Usage(entire, output, cached=entire // 2, tier=tier)) for one in prices]
        assert found[:-1] == [pytest.approx(one, abs=1) for one in wanted]
        assert found[-1] == inf


def test_searches_cost_by_the_thousand_and_are_rounded_up_by_themselves():
    price = Price(0, 0, search=10 * NANOS)
    assert cost(price, Usage(0, 0, searches=3)) == 30_000_000
    assert cost(Price(0, 0, search=1), Usage(0, 0, searches=3)) == 1
    assert cost(Price(0, 0, search=35 * NANOS, search_once=True), Usage(0, 0, searches=3)) == 35_000_000
    assert cost(Price(0, 0), Usage(0, 0, searches=3)) == cost(price, Usage(0, 0, searches=-3)) == 0


def test_each_call_that_searched_is_charged_for():
    once = Price(0, 0, search=1000, search_once=True)
    assert cost(once, Usage(0, 0, searches=5, calls=(Usage(0, 0, searches=2), Usage(0, 0, searches=3)))) == 2
