"""The most tokens that a call can have, by what is about to be sent. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from proxy.config.values import Target
from proxy.flow import Most
from proxy.tokens.bound import UNSEEN, searches_unasked, worst_input
from proxy.tokens.hosted import hosted
from translators.bounds import output_bound


def most_of(target: Target, body: bytes, fields: Mapping[str, Any], vectors: bool = False) -> Most:
    """`fields` are the body before it became bytes; `vectors`: no text is asked for, so that none is written."""
    dialect, profile = target.provider.dialect, target.profile
    given = worst_input(body, fields, dialect, profile)
    if vectors:
        return Most(given, 0)
    bound, answers = output_bound(dialect, fields)
    if bound is None:
        bound = profile.max_output
    if bound is not None:
        bound = bound * answers if given < UNSEEN else None
    tier = None if _TIERED.isdisjoint(fields) else _tier(fields)
    if given < (profile.context_window or UNSEEN):  # which tools of the provider's own fill, each time anew
        return Most(given, bound, tier)
    return Most(given, bound, tier, hosted(dialect, fields, unasked=searches_unasked(profile)))


def _tier(fields: Mapping[str, Any]) -> str | None:
    said = next((word for name in _TIERS if (word := fields.get(name)) is not None), None)
    return said if isinstance(said, str) else None


_TIERS: Final = ("service_tier", "serviceTier", "speed")
"""Where dialects ask for a tier of service; Anthropic's `fast` is a speed."""
_TIERED: Final = frozenset(_TIERS)
