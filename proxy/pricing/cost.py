"""What a call cost, and the most it can cost: whole nano-dollars out of counts and a price, no fractions on the way.

A price is for a million tokens, so a sum is divided once, at its end, and rounded up: what is charged is never less
than the invoice, and more by less than a nano-dollar a call.

Counts are a provider's, who may say anything: none below nothing counts, the kinds are never more than the whole they
are part of, and no cost is above what a budget can hold. So what a call costs is at most what `worst` says of its
bounds.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import inf
from typing import Final

from proxy.config.spending import AMOUNT_MAX, Price
from proxy.memo import Memo
from translators.ir import Usage

MILLION: Final = 1_000_000
THOUSAND: Final = 1_000


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
    if usage.searches:
        total += fee(price, usage.searches)
    return total if total < AMOUNT_MAX else AMOUNT_MAX  # noqa: FURB136 - likewise


def fee(price: Price, searches: int) -> int:
    """What so many searches of one call cost, in nano-dollars; nothing where nobody knows."""
    if searches <= 0 or price.search is None:
        return 0
    return -(-(1 if price.search_once else searches) * price.search // THOUSAND)


Line = tuple[float, float, float, float]
"""What a price comes to for one length of input and one tier of service, in nano-dollars: for a token of input and how
much of that a cached one saves, for a token of output, and for a call."""
_UNPRICED: Final[Line] = 0.0, 0.0, 0.0, inf


class Lines:
    """Prices of several targets, for comparing what they come to: what does not change from request to request is
    reckoned once."""

    __slots__ = ("_bounds", "_known", "_prices")

    def __init__(self, prices: Sequence[Price | None]) -> None:
        self._prices = prices
        listed = [one for price in prices if price is not None for one in (price, *(at.price for at in price.served))]
        self._bounds = sorted({tier.above for price in listed for tier in price.tiers})
        self._known: dict[tuple[str | None, int], list[Line]] = {}
        """By the tier of service, and by how many bounds the input exceeds."""

    def about(self, entire: int, output: int, cached: Sequence[float], tier: str | None) -> list[float]:
        """What a call of text with about so many tokens costs by each price, in nano-dollars, to compare them; infinite
        where there is no price. `cached` are the parts of the input that are read from each one's cache, `tier` is one
        of service that may have a price of its own.

        All in one, and no exact integers: it is reckoned for every target of a chain before each request."""
        place = tier, bisect_left(self._bounds, entire)
        lines = self._known.get(place)
        if lines is None:
            lines = self._known[place] = [_line(price, entire, tier) for price in self._prices]
        return [
            entire * (read - part * saved) + output * said + call
            for (read, saved, said, call), part in zip(lines, cached, strict=True)
        ]


def _line(price: Price | None, entire: int, tier: str | None) -> Line:
    if price is None:
        return _UNPRICED
    if tier is not None and price.served:
        price = _as_served(price, tier)
    if price.tiers:
        price = _at(price, entire)
    saved = 0 if price.cached is None else price.input - price.cached
    return price.input / MILLION, saved / MILLION, price.output / MILLION, float(price.request)


def worst(price: Price, input_tokens: int, output_tokens: int, tier: str | None = None) -> int:
    """The most that a call with at most so many tokens can cost, in nano-dollars, when it asks for `tier` of service
    and may be answered without it. Every token is taken for one of its dearest kind, and the dearest of the prices that
    so long an input may have decides."""
    for_input, for_output = _DEAREST[price]
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


def _dearest(price: Price) -> tuple[int, int]:
    """The dearest kind of input, and of output."""
    return (
        max(price.input, price.cached or 0, price.cache_write or 0, price.cache_write_1h or 0, price.audio or 0),
        max(price.output, price.reasoning or 0, price.audio_output or 0),
    )


_DEAREST: Final = Memo(_dearest, 1024)
"""The same for the request's way."""


def _worst(price: Price, input_tokens: int, output_tokens: int) -> int:
    for_input, for_output = _DEAREST[price]
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
