"""The table that ships is what the locked package gives, and finds what the package finds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import resources
from types import SimpleNamespace

import msgspec
import pytest
from genai_prices import types
from genai_prices.data import providers

from proxy.config.profiles import vendors
from proxy.config.spending import NANOS, Price, Served, Tier
from proxy.pricing import build
from proxy.pricing.cost import cost
from proxy.pricing.table import FILE, VENDORS, Content, Match, shipped
from translators.ir import Usage

DAY = date(2026, 11, 21)
OWN_MACHINE = {"ollama", "vllm", "llamacpp", "lmstudio"}
SHIPPED = resources.files("proxy.pricing").joinpath(FILE).read_bytes()
TABLE = shipped(VENDORS)
BY_ID = {provider.id: provider for provider in providers}


def ids(clause):
    """Some ids that a clause is about, and some beside them."""
    for part in getattr(clause, "or_", None) or getattr(clause, "and_", None) or [clause]:
        if part is not clause:
            yield from ids(part)
            continue
        word = next(iter(vars(part).values()))
        if not hasattr(part, "regex"):
            yield from (word, word.upper(), f"{word}-20260102", f"{word}-2026-01-02", f"x{word}", word[:-1])


def test_the_shipped_file_is_what_the_locked_package_gives_for_its_day():
    assert build.built(date.fromisoformat(msgspec.json.decode(SHIPPED, type=Content).date)) == SHIPPED


def test_every_vendor_of_the_profiles_has_a_price_list_or_none_on_purpose():
    assert set(vendors()) - set(VENDORS) == OWN_MACHINE


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_table_finds_the_rows_that_the_package_finds(vendor):
    """By each of the clauses of each of the models, in any case, with a day behind it, and for ids that none has."""
    own = BY_ID[VENDORS[vendor]]
    lists = [own, *(BY_ID[name] for name in own.fallback_model_providers or () if name in VENDORS.values())]
    asked = sorted({model for one in lists for row in one.models for model in (row.id, *ids(row.match))})
    assert len(asked) > 40
    kept = [one for one in providers if one.id in VENDORS.values()]
    for model in asked[:: len(asked) // 120 + 1]:
        found, told = TABLE.find(vendor, model), own.find_model(model, all_providers=kept)
        assert (None if found is None else found.id) == (None if told is None else told.id), model


@pytest.mark.parametrize("at", [datetime(2026, 11, 22, 2, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC)])
def test_costs_are_those_that_the_package_calculates(at):
    """For every model of every vendor that has a price, at hours and on days when prices change, short and long."""
    for vendor in VENDORS:
        for model in BY_ID[VENDORS[vendor]].models:
            found = TABLE.find(vendor, model.id)
            price = found and found.id == model.id and found.at(at.timestamp())
            if not price:
                continue
            prices = model.get_prices(at)
            for size in (1000, 300_000) if vendor != "openrouter" else (1000,):
                usage = Usage(size, 100, cached=size // 4, cache_write=size // 4, cache_write_1h=size // 8)
                exact = prices.calc_price(told(prices, usage))["total_price"] * NANOS
                assert 0 <= cost(price, usage) - exact < 2, (vendor, model.id)


def told(prices, usage):
    """The counts as the package wants them: a kind without a price of its own is not told."""
    kinds = {"cache_read": usage.cached, "cache_write": usage.cache_write, "cache_write_1h": usage.cache_write_1h}
    priced = {f"{kind}_tokens": count for kind, count in kinds.items() if getattr(prices, f"{kind}_mtok") is not None}
    if "cache_write_tokens" not in priced:
        priced.pop("cache_write_1h_tokens", None)
    return types.Usage(input_tokens=usage.input, output_tokens=usage.output, **priced)


def model(prices, name="m", variants=None, clause=None):
    match = clause or types.ClauseEquals(equals=name)
    return types.ModelInfo(id=name, match=match, prices=prices, price_variants=variants)


def row(prices, name="m", variants=None):
    return build._row(model(prices, name, variants), DAY)


def dollars(**prices):
    return types.ModelPrice(**{f"{name}_mtok": Decimal(value) for name, value in prices.items()})


def test_tiers_of_length_are_whole_prices():
    def tiered(first, then):
        return types.TieredPrices(base=Decimal(first), tiers=[types.Tier(start=1000, price=Decimal(then))])

    given = types.ModelPrice(input_mtok=tiered("1", "2"), output_mtok=tiered("3", "4"), cache_read_mtok=Decimal("0.5"))
    longer = Price(input=2 * NANOS, output=4 * NANOS, cached=NANOS // 2)
    assert row(given).price == Price(input=1 * NANOS, output=3 * NANOS, cached=NANOS // 2, tiers=(Tier(1000, longer),))


def test_tiers_of_service_take_over_what_they_do_not_say():
    variants = [
        types.PriceVariant(when={"service_tier": "priority"}, prices=dollars(input="2")),
        types.PriceVariant(when={"speed": "fast"}, prices=dollars(output="9")),
        types.PriceVariant(when={"service_tier": "default"}, prices=types.ModelPrice()),
        types.PriceVariant(when={"processing": "batch"}, prices=dollars(input="0.5")),
    ]
    assert row(dollars(input="1", output="3"), variants=variants).price.served == (
        Served("priority", Price(input=2 * NANOS, output=3 * NANOS)),
        Served("fast", Price(input=1 * NANOS, output=9 * NANOS)),
    )


def test_prices_that_were_left_before_the_day_are_not_kept():
    def since(day, price):
        return types.ConditionalPrice(types.StartDateConstraint(day), prices=dollars(input=price, output=price))

    first = types.ConditionalPrice(prices=dollars(input="1", output="1"))
    found = row([first, since(date(2026, 1, 1), "2"), since(DAY, "3"), since(date(2027, 1, 1), "4")])
    assert found.price == Price(input=3 * NANOS, output=3 * NANOS)
    assert [(change.since, change.price.input) for change in found.changes] == [
        (int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()), 4 * NANOS)
    ]


def test_a_price_that_is_finer_than_a_nano_dollar_is_rounded_up():
    assert row(dollars(input="0.0833333333333", output="1")).price.input == 83_333_334


def test_what_is_charged_by_something_else_than_tokens_has_no_price():
    assert row(types.ModelPrice(audio_hours=Decimal(1))).price is None
    assert (
        row(types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), output_image_mtok=Decimal(9))).price is None
    )
    assert row(types.ModelPrice(input_mtok=Decimal(1), input_image_mtok=Decimal(9))).price == Price(NANOS, 0)
    assert row(types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), web_searches_kcount=Decimal(9))).price


def test_what_has_no_price_is_free_only_where_its_name_says_so():
    assert row(types.ModelPrice(), "kind-model:free").price == Price(0, 0)
    assert row(types.ModelPrice(), "mystery").price is None


def test_logic_becomes_data():
    clause = types.ClauseOr(
        or_=[
            types.ClauseEquals(equals="A"),
            types.ClauseOr(or_=[types.ClauseStartsWith(starts_with="B"), types.ClauseEndsWith(ends_with="c")]),
            types.ClauseAnd(and_=[types.ClauseContains(contains="d"), types.ClauseRegex(regex="e$")]),
        ]
    )
    assert build.match(clause) == Match(
        equals=("a",), starts=("b",), ends=("c",), all=((Match(contains=("d",)), Match(regex=("e$",))),)
    )


def test_only_lists_that_sidestep_knows_are_in_the_table():
    lists = {name: SimpleNamespace(id=name, models=[], fallback_model_providers=None) for name in VENDORS.values()}
    lists["azure"].fallback_model_providers = ["openai", "moonshotai"]
    lists["moonshotai"] = SimpleNamespace(id="moonshotai", models=[], fallback_model_providers=None)
    told = msgspec.json.decode(build.render(lists.values(), "x 1", DAY))
    assert set(told["lists"]) == set(VENDORS.values())
    assert told["lists"]["azure"]["also"] == ["openai"]
    assert (told["source"], told["date"]) == ("x 1", "2026-11-21")


def test_searches_cost_by_the_search_but_at_google_s_earlier_models_by_the_prompt():
    given = types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2), web_searches_kcount=Decimal("2.5"))
    assert row(given).price == Price(1 * NANOS, 2 * NANOS, search=2_500_000_000)
    assert row(given, "gemini-2.5-pro").price == Price(NANOS, 2 * NANOS, search=2_500_000_000, search_once=True)
    assert not row(given, "gemini-3.5-flash").price.search_once
    found = TABLE.find("gemini", "gemini-2.5-pro").price
    assert (found.search, found.search_once, [one.price.search_once for one in found.tiers]) == (
        35 * NANOS,
        True,
        [True],
    )
    assert TABLE.find("anthropic", "claude-sonnet-4-5").price.search == 10 * NANOS
