"""The table that ships: which row an id finds, and which of its prices holds when."""

import math

import msgspec
import pytest

from proxy.config.spending import Price
from proxy.pricing.table import Change, Content, Listed, Match, Row, Table, shipped

USUAL, DEARER, DEAREST = Price(1, 1), Price(2, 2), Price(3, 3)
HOUR = 3600


def table(vendors=("openai",), **lists):
    rest = {name: Listed(()) for name in ("openai", "azure", "anthropic") if name not in lists}
    raw = {name: msgspec.Raw(msgspec.json.encode(one)) for name, one in {**rest, **lists}.items()}
    return Table(msgspec.json.encode(Content("x 1", "2026-01-02", raw)), vendors)


@pytest.mark.parametrize(
    ("match", "fitting", "others"),
    [
        (Match(equals=("a", "b")), ["a", "b"], ["ab", ""]),
        (Match(starts=("gpt-4o",)), ["gpt-4o", "gpt-4o-mini"], ["my-gpt-4o"]),
        (Match(ends=(":free",)), ["m:free"], ["m:freed"]),
        (Match(contains=("laude",)), ["claude"], ["cloud"]),
        (Match(regex=(r"^m-\d{8}$",)), ["m-20260101"], ["m-2026", "xm-20260101"]),
        (Match(all=((Match(starts=("a",)), Match(ends=("z",))), (Match(equals=("q",)),))), ["abz", "q"], ["ab", "z"]),
        (Match(), [], ["", "a"]),
    ],
)
def test_a_match_is_any_of_its_parts(match, fitting, others):
    assert all(match.fits(model) for model in fitting)
    assert not any(match.fits(model) for model in others)


def test_the_first_row_that_fits_has_the_price():
    rows = (Row("mini", Match(starts=("gpt-mini",)), USUAL), Row("gpt", Match(starts=("gpt",)), DEARER))
    made = table(openai=Listed(rows))
    assert made.find("openai", "gpt-mini-2").price == USUAL
    assert made.find("openai", "GPT-5").price == DEARER
    assert made.find("openai", "o3") is None


def test_a_row_without_a_price_hides_the_rows_behind_it():
    """A model that is charged by the hour is not one of the family whose name it bears."""
    made = table(openai=Listed((Row("live", Match(equals=("gpt-live",))), Row("gpt", Match(starts=("gpt",)), USUAL))))
    assert made.find("openai", "gpt-live").at(0) is None


def test_who_resells_is_looked_at_first_and_then_whose_models_they_are():
    made = table(
        ("azure-openai",),
        azure=Listed((Row("own", Match(equals=("gpt",)), DEARER),), ("openai",)),
        openai=Listed((Row("gpt", Match(starts=("gpt",)), USUAL),)),
    )
    assert made.find("azure-openai", "gpt").price == DEARER
    assert made.find("azure-openai", "gpt-5").price == USUAL


def test_a_day_may_be_written_without_dashes():
    made = table(openai=Listed((Row("gpt", Match(equals=("gpt-5-2026-01-02",)), USUAL),)))
    assert made.find("openai", "gpt-5-20260102").price == USUAL
    assert made.find("openai", "gpt-5-20261302") is None


def test_a_vendor_without_a_list_or_that_was_not_asked_for_has_no_price():
    made = table(openai=Listed((Row("m", Match(equals=("m",)), USUAL),)))
    assert [made.find(vendor, "m") for vendor in ("", "ollama", "anthropic", "made-up")] == [None] * 4
    assert made.find("openai", "m") is not None


def test_a_price_may_be_announced_for_a_day():
    row = Row("m", Match(), USUAL, (Change(DEARER, since=1000),))
    assert (row.at(999), row.at(1000)) == (USUAL, DEARER)
    again = Row("m", Match(), USUAL, (Change(DEARER, since=1000), Change(DEAREST, since=2000)))
    assert (again.at(1999), again.at(2000)) == (DEARER, DEAREST)


def test_a_price_may_hold_for_some_hours_of_each_day():
    """From one to four, and over midnight; what stands later outranks."""
    row = Row("m", Match(), USUAL, (Change(DEARER, hours=(HOUR, 4 * HOUR)), Change(DEAREST, hours=(23 * HOUR, HOUR))))
    day = 20_000 * 24 * HOUR
    found = {hour: row.at(day + hour * HOUR) for hour in (0, 1, 3, 4, 22, 23)}
    assert found == {0: DEAREST, 1: DEARER, 3: DEARER, 4: USUAL, 22: USUAL, 23: DEAREST}


def test_it_tells_when_some_price_is_another_one_next():
    rows = (
        Row("a", Match(), USUAL, (Change(DEARER, since=5 * 24 * HOUR),)),
        Row("b", Match(), USUAL, (Change(DEARER, hours=(HOUR, 4 * HOUR)),)),
    )
    made = table(openai=Listed(rows))
    assert [made.turns(hour * HOUR) / HOUR for hour in (0, 1, 2, 4, 30)] == [1, 4, 4, 25, 49]
    assert table(openai=Listed(rows[:1])).turns(0) == 5 * 24 * HOUR
    assert table(openai=Listed(rows[:1])).turns(5 * 24 * HOUR) == math.inf


def test_what_ships_knows_the_models_of_today():
    made = shipped(["openai", "anthropic", "azure-foundry", "anthropic-vertex"])
    assert made.find("openai", "gpt-4o-mini").price.input == 150_000_000
    assert made.find("anthropic", "claude-sonnet-4-5-20250929").price.cache_write_1h == 6_000_000_000
    assert made.find("azure-foundry", "claude-sonnet-5") == made.find("anthropic-vertex", "claude-sonnet-5@20260101")
    assert made.source.startswith("genai-prices ")
    assert made.date >= "2026-11-21"
