"""How a client is told of its rates: in headers, as its SDK reads them, and in a refusal. Pure.

OpenAI's clients read `x-ratelimit-limit-requests`, `-remaining-requests` and `-reset-requests`, the last as a length of
time (`20ms`, `1.5s`, `6m0s`), and the same of tokens. Anthropic's read `anthropic-ratelimit-requests-limit`,
`-remaining` and `-reset`, the last as a moment (RFC 3339), and the same of tokens. `reset` is when all is there again.

Of several rates the most pressing is told: the one of which the smallest part is left.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

from proxy.flow import Headers, Refused
from translators.faults import Fault, Kind, say
from translators.ir import Dialect

NANOS: Final = 1_000_000_000
SOON: Final = 120 * NANOS
"""The longest wait that a client is told to try again after: OpenAI's SDK gives up above two minutes."""

Kept = Literal["requests", "tokens"]
_NAMES: Final = {
    kept: (f"x-ratelimit-limit-{kept}", f"x-ratelimit-remaining-{kept}", f"x-ratelimit-reset-{kept}")
    for kept in ("requests", "tokens")
}


class Level(NamedTuple):
    """How much of one limit is left; `reset` in nanoseconds."""

    amount: int
    remaining: int
    reset: int


def pressing(levels: Sequence[Level]) -> Level | None:
    """The one that most of is used up; of equals the one that takes longest to be whole again."""
    if len(levels) < 2:
        return levels[0] if levels else None
    return min(levels, key=lambda one: (one.remaining / one.amount, -one.reset))


def headers(dialect: Dialect, kept: Kept, level: Level, wall: float) -> Headers:
    """`wall`: now, in Unix seconds."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        at = datetime.fromtimestamp(wall, UTC) + timedelta(microseconds=-(-level.reset // 1000))
        named = f"anthropic-ratelimit-{kept}-"
        reset = (at + timedelta(microseconds=-at.microsecond % 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [
            (f"{named}limit", str(level.amount)),
            (f"{named}remaining", str(level.remaining)),
            (f"{named}reset", reset),
        ]
    limit, remaining, reset = _NAMES[kept]
    return [(limit, str(level.amount)), (remaining, str(level.remaining)), (reset, duration(level.reset))]


def duration(nanos: int) -> str:
    """`0s`, `20ms`, `1.5s`, `6m0s`, `1h0m0s`: rounded up to a millisecond."""
    whole, thousandths = divmod(-(-nanos // 1_000_000), 1000)
    if not whole and thousandths:
        return f"{thousandths}ms"
    minutes, whole = divmod(whole, 60)
    seconds = f"{whole}.{thousandths:03}".rstrip("0") if thousandths else str(whole)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def refusal(name: str, allowed: str, wait: int | None) -> Refused:
    """`name` is the rate's, with whose it is; `allowed` what it allows; `wait` nanoseconds, None: it never fits."""
    if wait is None:
        message = f"The rate limit {name} allows {allowed}, and this request alone is more: ask for a shorter answer."
        return Refused(_fault(message))
    message = f"The rate limit {name} allows {allowed}; try again in {duration(wait)}."
    return Refused(_fault(message), retry_after_s=wait / NANOS, should_retry=wait <= SOON)


def crowded(name: str, concurrent: int) -> Refused:
    """As many are under way as may be; nobody knows when one ends."""
    requests = "1 request" if concurrent == 1 else f"{concurrent} requests"
    message = f"The rate limit {name} allows {requests} at once; try again when one has ended."
    return Refused(_fault(message), retry_after_s=1.0, should_retry=True)


def _fault(message: str) -> Fault:
    return Fault(kind=Kind.THROTTLED, status=429, code="rate_limit_exceeded", message=say(message))
