"""The most tokens that a call can have, by what is about to be sent. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from proxy import tokens
from proxy.flow import Most
from proxy.jobs import Prepared
from translators.bounds import output_bound


def most_of(prepared: Prepared, *, vectors: bool = False) -> Most:
    """`vectors`: what is asked for is no text, so that none is written."""
    target, fields = prepared.target, prepared.fields
    dialect, profile = target.provider.dialect, target.profile
    given = tokens.worst_input(prepared.body, fields, dialect, profile)
    if vectors:
        return Most(given, 0)
    bound, answers = output_bound(dialect, fields)
    if bound is None:
        bound = profile.max_output
    if given >= tokens.UNSEEN:
        bound = None
    tier = None if _TIERED.isdisjoint(fields) else _tier(fields)
    return Most(given, None if bound is None else bound * answers, tier)


def _tier(fields: Mapping[str, Any]) -> str | None:
    said = next((word for name in _TIERS if (word := fields.get(name)) is not None), None)
    return said if isinstance(said, str) else None


_TIERS: Final = ("service_tier", "serviceTier", "speed")
"""Where dialects ask for a tier of service; Anthropic's `fast` is a speed."""
_TIERED: Final = frozenset(_TIERS)
