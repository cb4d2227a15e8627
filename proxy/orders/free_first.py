"""Those that have something free left first, then the chain's order: pure."""

from collections.abc import Sequence

from proxy.config.orders import Free
from proxy.resilience.observed import Spent


def has_left(free: Free | None, spent: Spent) -> bool:
    """Whether another call is within what is free; `spent` is of this minute and this day. How many tokens a call will
    have nobody knows, so one that begins within the allowance is."""
    if free is None:
        return False
    return (
        _within(spent.minute_requests, free.requests_per_minute)
        and _within(spent.day_requests, free.requests_per_day)
        and _within(spent.minute_tokens, free.tokens_per_minute)
        and _within(spent.day_tokens, free.tokens_per_day)
    )


def _within(used: int, limit: int) -> bool:
    return not limit or used < limit


def by_allowance(left: Sequence[bool]) -> list[int]:
    """The places in their order."""
    return sorted(range(len(left)), key=lambda place: not left[place])
