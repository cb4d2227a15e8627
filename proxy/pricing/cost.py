"""What a call cost, and the most it can cost: whole nano-dollars out of counts and a price, no fractions on the way.

A price is for a million tokens, so a sum is divided once, at its end, and rounded up: what is charged is never less
than the invoice, and more by less than a nano-dollar a call.

Counts are a provider's, who may say anything: none below nothing counts, the kinds are never more than the whole they
are part of, and no cost is above what a budget can hold. So what a call costs is at most what `worst` says of its
bounds.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from proxy.config.spending import AMOUNT_MAX, Price
from translators.ir import Usage

MILLION: Final = 1_000_000


def cost(price: Price, usage: Usage) -> int:
    """What a call with these counts costs, in nano-dollars; several calls that made one answer cost what each does."""
    if usage.calls:
        return min(sum(cost(price, one) for one in usage.calls), AMOUNT_MAX)
    if price.served and usage.tier is not None:
        price = _as_served(price, usage.tier)
    entire, written = usage.input, usage.output
    if entire < 0:  # noqa: PLR1730 - a call costs as much as all of this
        entire = 0
    if price.tiers:
        price = _at(price, entire)
    kinds = usage.cached or usage.cache_write or usage.audio
    total = _input(price, usage, entire) if kinds else entire * price.input
    if written > 0:
        total += written * price.output
    if usage.reasoning or usage.audio_output:
        total += _kinds(price, usage)
    total = -(-total // MILLION) + price.request
    return total if total < AMOUNT_MAX else AMOUNT_MAX  # noqa: FURB136 - likewise


def about(
    prices: Sequence[Price | None], entire: int, output: int, cached: Sequence[float], tier: str | None
) -> list[float | None]:
    """What a call of text with about so many tokens costs by each price, in nano-dollars, to compare them; None where
    there is no price. `cached` are the parts of the input that are read from each one's cache.

    All in one, and no exact integers: it is reckoned for every target of a chain before each request."""
    found: list[float | None] = []
    for price, part in zip(prices, cached, strict=True):
        if price is None:
            found.append(None)
            continue
        if tier is not None and price.served:
            price = _as_served(price, tier)  # noqa: PLW2901 - the price that holds
        if price.tiers:
            price = _at(price, entire)  # noqa: PLW2901 - likewise
        for_input: float = entire * price.input
        if part and price.cached is not None:
            for_input -= part * entire * (price.input - price.cached)
        found.append((for_input + output * price.output) / MILLION + price.request)
    return found


def worst(price: Price, input_tokens: int, output_tokens: int, tier: str | None = None) -> int:
    """The most that a call with at most so many tokens can cost, in nano-dollars, when it asks for `tier` of service
    and may be answered without it. Every token is taken for one of its dearest kind, and the dearest of the prices that
    so long an input may have decides."""
    for_input, for_output = _dearest(price)
    most = -(-(input_tokens * for_input + output_tokens * for_output) // MILLION) + price.request
    if price.tiers:
        most = _reached(price, input_tokens, output_tokens)
    if price.served:
        # Who asks for no tier, or for whichever, gets the one that is set for its account.
        tiers = [one.tier for one in price.served] if tier in (None, "auto") else [tier]
        most = max(most, *(_reached(_as_served(price, one), input_tokens, output_tokens) for one in tiers if one))
    return most if most < AMOUNT_MAX else AMOUNT_MAX  # noqa: FURB136 - as above


def _reached(price: Price, input_tokens: int, output_tokens: int) -> int:
    most = _worst(price, input_tokens, output_tokens)
    for tier in price.tiers:
        if input_tokens > tier.above:
            most = max(most, _worst(tier.price, input_tokens, output_tokens))
    return most


@lru_cache(maxsize=1024)
def _dearest(price: Price) -> tuple[int, int]:
    """The dearest kind of input, and of output."""
    return (
        max(price.input, price.cached or 0, price.cache_write or 0, price.cache_write_1h or 0, price.audio or 0),
        max(price.output, price.reasoning or 0, price.audio_output or 0),
    )


def _worst(price: Price, input_tokens: int, output_tokens: int) -> int:
    for_input, for_output = _dearest(price)
    return -(-(input_tokens * for_input + output_tokens * for_output) // MILLION) + price.request


def _as_served(price: Price, tier: str) -> Price:
    for one in price.served:
        if one.tier == tier:
            return one.price
    return price


def _at(price: Price, entire: int) -> Price:
    """The price for an input of this length: that of the last tier below it."""
    found = price
    for tier in price.tiers:
        if entire > tier.above:
            found = tier.price
    return found


def _input(price: Price, usage: Usage, entire: int) -> int:
    """The input's kinds, each at its price. Sound that was read from a cache counts as sound."""
    written = _part(usage.cache_write or 0, entire)
    hour = _part(usage.cache_write_1h or 0, written)
    audio = _part(usage.audio or 0, entire - written) if price.audio is not None else 0
    cached = _part(usage.cached or 0, entire - written - audio)
    for_writing = price.input if price.cache_write is None else price.cache_write
    return (
        (entire - written - audio - cached) * price.input
        + cached * (price.input if price.cached is None else price.cached)
        + (written - hour) * for_writing
        + hour * (for_writing if price.cache_write_1h is None else price.cache_write_1h)
        + audio * (price.audio or 0)
    )


def _kinds(price: Price, usage: Usage) -> int:
    """What thinking and sound cost more than other output; negative where they cost less."""
    thought = _part(usage.reasoning or 0, usage.output)
    spoken = _part(usage.audio_output or 0, usage.output - thought)
    more = 0 if price.reasoning is None else thought * (price.reasoning - price.output)
    return more if price.audio_output is None else more + spoken * (price.audio_output - price.output)


def _part(count: int, of: int) -> int:
    """A count of something that is part of another."""
    return max(0, min(count, of))
