"""Counts of tokens, with one meaning everywhere, and all that is wanted to price them."""

from typing import Final

from msgspec import Struct

PRICED: Final = frozenset({"priority", "flex", "fast"})
"""Tiers of service that may have a price of their own."""


class Usage(Struct, frozen=True):
    """`input` includes what was read from a cache, what was written to it and what is sound; `output` includes
    reasoning and sound. None means the provider did not say, which is not zero."""

    input: int
    output: int
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    cache_write_1h: int | None = None
    """What of `cache_write` is kept for an hour, which costs more."""
    audio: int | None = None
    """What of `input` is sound."""
    audio_output: int | None = None
    """What of `output` is sound."""
    tier: str | None = None
    """The tier of service that answered, where it is one of PRICED."""
    searches: int | None = None
    """Searches of the web that the provider ran for it, where it says how many: most charge for each."""
    calls: "tuple[Usage, ...]" = ()
    """The counts of each call, where several made the answer: each is billed on its own. The rest is then what a client
    is told of the whole answer."""

    @property
    def total(self) -> int:
        return self.input + self.output

    @property
    def billed(self) -> int:
        """The tokens of all calls: a prompt counts as often as it was sent."""
        return sum(one.total for one in self.calls) if self.calls else self.total


def priced(tier: object) -> str | None:
    """The tier, where it is one that may have a price of its own."""
    return tier if isinstance(tier, str) and tier in PRICED else None
