"""What models cost, where the configuration says it, and how tokens are counted.

`[prices."provider/model"]` outranks the table that ships, and adds to it: a name without a provider holds wherever the
model is, `provider/*` for all else that this provider has. Amounts are dollars for a million tokens, exactly as
written.
"""

from itertools import pairwise
from typing import Final

from msgspec import structs

from proxy.config.spending import Price, Tier, TokenSettings
from proxy.config.table import Range, Table

DEAREST: Final = 1_000_000
"""Dollars for a million tokens, for one call, and for 1,000 searches."""
TIERS_MAX: Final = 8
KINDS: Final = ("input", "output", "cached", "cache_write", "cache_write_1h", "reasoning", "audio", "audio_output")
_LENGTH = Range(0, 1_000_000_000)


def read_prices(table: Table) -> dict[str, Price]:
    return {name: _price(block) for name, block in table.tables()}


def read_tokens(table: Table) -> TokenSettings:
    count = table.choice("count", ("estimate", "tiktoken"))
    table.finish()
    return TokenSettings("tiktoken" if count == "tiktoken" else "estimate")


def _price(block: Table) -> Price:
    for key in ("input", "output"):
        if key not in block:
            block.wrong(key, "is missing: a price in dollars for a million tokens, 0 where they are free")
    fee, search = block.decimal("request", DEAREST), block.decimal("search", DEAREST)
    once, any_kind = bool(block.flag("search_once")), search is not None
    base = Price(0, 0, request=fee or 0, search=search, search_once=once, search_any=any_kind)
    price = structs.replace(base, **_amounts(block))
    tiers = tuple(tier for one in block.blocks("tiers") if (tier := _tier(one, price)) is not None)
    block.finish()
    if len(tiers) > TIERS_MAX:
        block.wrong("tiers", f"must be at most {TIERS_MAX}")
    if any(first.above >= then.above for first, then in pairwise(tiers)):
        block.wrong("tiers", "must ascend by `above`")
    return structs.replace(price, tiers=tiers)


def _tier(block: Table, base: Price) -> Tier | None:
    """A tier says what differs from the price below it that stands in the block itself."""
    above = block.number("above", int, _LENGTH)
    if "above" not in block:
        block.wrong("above", "is missing: the tokens of input from which on the price is another one")
    amounts = _amounts(block)
    block.finish()
    return None if above is None else Tier(above, structs.replace(base, **amounts))


def _amounts(block: Table) -> dict[str, int]:
    return {name: amount for name in KINDS if (amount := block.decimal(name, DEAREST)) is not None}
