"""Whose word on a price counts."""

import math

from proxy.config.spending import NANOS, Price, Spending
from proxy.config.values import Config, Provider
from proxy.pricing.prices import prices_of
from translators.ir import Dialect

OPENAI = Provider("main", Dialect.OPENAI_CHAT, "https://api.openai.com/v1", vendor="openai")
LOCAL = Provider("box", Dialect.OPENAI_CHAT, "http://127.0.0.1/v1")
DEEPSEEK = Provider("deep", Dialect.OPENAI_CHAT, "https://api.deepseek.com/v1", vendor="deepseek")


def prices(wall=lambda: 1_800_000_000.0, **configured):
    told = {name.replace("__", "/").replace("_any", "*"): price for name, price in configured.items()}
    config = Config({one.name: one for one in (OPENAI, LOCAL, DEEPSEEK)}, {}, spending=Spending(prices=told))
    return prices_of(config, wall)


def test_the_configuration_outranks_the_table_and_the_nearest_name_the_others():
    one, two, three = Price(1, 1), Price(2, 2), Price(3, 3)
    found = prices(main__o3=one, o3=two, main___any=three)
    assert found.price_for(OPENAI, "o3") == one
    assert found.price_for(LOCAL, "o3") == two
    assert found.price_for(OPENAI, "gpt-4o") == three
    assert [found.source(at, name) for at, name in ((OPENAI, "o3"), (LOCAL, "o3"), (OPENAI, "gpt-4o"))] == [
        'prices."main/o3"',
        "prices.o3",
        'prices."main/*"',
    ]


def test_the_table_goes_by_the_vendor_whatever_the_provider_is_called():
    found = prices()
    assert found.price_for(OPENAI, "gpt-4o").output == 10 * NANOS
    assert found.source(OPENAI, "gpt-4o").startswith("gpt-4o in the table of 20")


def test_what_nobody_knows_has_no_price_and_no_source():
    found = prices()
    assert (found.price_for(LOCAL, "gpt-4o"), found.source(LOCAL, "gpt-4o")) == (None, "")
    assert (found.price_for(OPENAI, "gpt-none"), found.source(OPENAI, "gpt-none")) == (None, "")
    assert (found.price_for(OPENAI, "whisper-1"), found.source(OPENAI, "whisper-1")) == (None, "")


def test_a_price_is_that_of_the_hour():
    """DeepSeek charges double at some hours of the day."""
    day = 20_800 * 86_400
    now = {"at": day + 2 * 3600}
    found = prices(lambda: now["at"])
    dear = found.price_for(DEEPSEEK, "deepseek-v4-pro")
    assert found.turns() == day + 4 * 3600
    now["at"] = found.turns()
    assert found.price_for(DEEPSEEK, "deepseek-v4-pro").input * 2 == dear.input


def test_where_nothing_is_announced_no_price_turns():
    config = Config({"main": OPENAI}, {})
    assert prices_of(config, lambda: 1_800_000_000.0).turns() == math.inf
