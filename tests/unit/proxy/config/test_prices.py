"""Prices of the configuration: exact, and every mistake with its path."""

import pytest

from proxy.config.spending import NANOS, Price, Tier, TokenSettings


def test_without_prices_none_is_configured(load_text):
    spending = load_text("").config.spending
    assert spending.prices == {}
    assert spending.tokens == TokenSettings("estimate")


def test_prices_are_exact_whatever_a_float_would_make_of_them(load_text):
    """2.675 and 0.1 have no exact float; neither has a price of many digits, which may stand as text."""
    found = load_text("""
[prices."alpha/gpt-4o"]
input = 2.675
output = "0.100000001"
cached = 1e-9
cache_write = 1_000.5
cache_write_1h = 3
reasoning = "0"
audio = 123456.123456789
audio_output = 4.0
request = 0.01
search = 2.5
search_once = true
""").config.spending.prices
    assert found == {
        "alpha/gpt-4o": Price(
            input=2_675_000_000,
            output=100_000_001,
            cached=1,
            cache_write=1_000_500_000_000,
            cache_write_1h=3 * NANOS,
            reasoning=0,
            audio=123_456_123_456_789,
            audio_output=4 * NANOS,
            request=10_000_000,
            search=2_500_000_000,
            search_once=True,
            search_any=True,
        )
    }


def test_a_tier_says_what_differs(load_text):
    found = load_text("""
[prices.m]
input = 1
output = 4
cached = 0.5
request = 0.001
tiers = [{above = 200_000, input = 2, output = 6}, {above = 400_000, cached = 1}]
""").config.spending.prices["m"]
    base = {"input": NANOS, "output": 4 * NANOS, "cached": NANOS // 2, "request": 1_000_000}
    assert found == Price(
        **base,
        tiers=(
            Tier(200_000, Price(**{**base, "input": 2 * NANOS, "output": 6 * NANOS})),
            Tier(400_000, Price(**{**base, "cached": NANOS})),
        ),
    )


def test_counting_can_be_exact(load_text):
    assert load_text('[tokens]\ncount = "tiktoken"').config.spending.tokens == TokenSettings("tiktoken")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[prices.m]\noutput = 1", "prices.m.input: is missing: a price in dollars for a million tokens, 0 where they"),
        ("[prices.m]\ninput = 1", "prices.m.output: is missing"),
        ("[prices.m]\ninput = -1\noutput = 1", "prices.m.input: must be a decimal number from 0 to 1000000, such as"),
        ('[prices.m]\ninput = "a lot"\noutput = 1', "prices.m.input: must be a decimal number"),
        ("[prices.m]\ninput = nan\noutput = 1", "prices.m.input: must be a decimal number"),
        ("[prices.m]\ninput = inf\noutput = 1", "prices.m.input: must be a decimal number"),
        ("[prices.m]\ninput = true\noutput = 1", "prices.m.input: must be a number, not true or false"),
        ("[prices.m]\ninput = [1]\noutput = 1", "prices.m.input: must be a number, not a list"),
        ("[prices.m]\ninput = 1000001\noutput = 1", "prices.m.input: must be at most 1000000, not 1000001"),
        (
            "[prices.m]\ninput = 0.0000000001\noutput = 1",
            "prices.m.input: must not have more than 9 decimals, as 0.0000000001 has",
        ),
        ("[prices.m]\ninput = 1\noutput = 1\nrequest = 1e99", "prices.m.request: must be at most 1000000, not 1e99"),
        ("[prices.m]\ninput = 1\noutput = 1\ninptu = 2", 'prices.m.inptu: is not a known key; did you mean "input"?'),
        ('[prices."alpha/gpt-4o"]\ninput = 1\noutput = x', "is not valid TOML"),
        ('[prices."a/b"]\ninput = 1\noutput = "x"', 'prices."a/b".output: must be a decimal number'),
        ("[prices]\nm = 3", "prices.m: must be a table, not a whole number"),
        ("[prices.m]\ninput=1\noutput=1\ntiers = [{input = 2}]", "prices.m.tiers[1].above: is missing"),
        ("[prices.m]\ninput=1\noutput=1\ntiers = [{above = 1.5}]", "prices.m.tiers[1].above: must be a whole number"),
        ("[prices.m]\ninput=1\noutput=1\ntiers = [{above=1, x=1}]", "prices.m.tiers[1].x: is not a known key"),
        ("[prices.m]\ninput=1\noutput=1\ntiers = [3]", "prices.m.tiers: entry 1 must be a table, not a whole number"),
        ("[prices.m]\ninput=1\noutput=1\ntiers = [{above=2}, {above=2}]", "prices.m.tiers: must ascend by `above`"),
        (
            f"[prices.m]\ninput=1\noutput=1\ntiers = [{', '.join(f'{{above={n}}}' for n in range(9))}]",
            "prices.m.tiers: must be at most 8",
        ),
        ('[tokens]\ncount = "guess"', 'tokens.count: "guess" is not known; known: estimate and tiktoken'),
        ("[tokens]\ncuont = 1", 'tokens.cuont: is not a known key; did you mean "count"?'),
    ],
)
def test_mistakes_are_told_with_their_path(mistakes, text, told):
    found = mistakes(text)
    assert len(found) == 1
    assert told in found[0]


def test_numbers_elsewhere_are_what_they_were(load_text):
    """Defaults of a model go into requests, and settings are floats."""
    config = load_text("""
[timeouts]
connect_s = 1.5
[models.m]
chain = ["alpha/m"]
defaults = {temperature = 0.5, stop = ["x"], metadata = {weight = 0.25}}
""").config
    assert config.timeouts.connect_s == 1.5
    assert type(config.timeouts.connect_s) is float
    defaults = config.models["m"].defaults
    assert type(defaults["temperature"]) is float
    assert type(defaults["metadata"]["weight"]) is float
