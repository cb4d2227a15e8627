"""The most tokens that a call can have, by what is about to be sent. Pure."""

from collections.abc import Mapping
from typing import Any

from proxy import tokens
from proxy.budgets.spend import Most
from proxy.jobs import Prepared


def most_of(prepared: Prepared, *, vectors: bool = False) -> Most:
    """`vectors`: what is asked for is no text, so that none is written."""
    given = tokens.PER_REQUEST + len(prepared.body) + 16 * prepared.body.count(b'"role"')
    if vectors:
        return Most(given, 0)
    bound, answers = output_bound("", prepared.fields)
    if bound is None:
        bound = prepared.target.profile.max_output
    return Most(given, None if bound is None else bound * answers)


def output_bound(_: str, fields: Mapping[str, Any]) -> tuple[int | None, int]:
    """For the time being."""
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        if isinstance(fields.get(name), int):
            return fields[name], fields.get("n") or 1
    return None, fields.get("n") or 1
