"""What is kept of one request, once it has ended.

Names and numbers alone: no header, no body, nothing that was said. Names that a client may choose (user, task, model)
are cut to `NAME_CAP` characters.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from proxy.flow import NO_CHOICE, Exchange
from proxy.usage.tried import tried
from translators.faults import OUTCOMES, Kind
from translators.ir import Usage

NAME_CAP: Final = 200
"""Characters of a name."""
OK: Final = "ok"
FAILED: Final = frozenset(
    kind.value
    for kind, outcome in OUTCOMES.items()
    if outcome.breaker in {"fail", "neutral"} and kind is not Kind.MISSING
)
"""Outcomes that are the providers' failures. What the client did wrong or gave up is not, nor what ended for want of
time, room or money."""


class Record(Struct, frozen=True, gc=False):
    """One request. Money is in nano-dollars, tokens count as in `translators.ir.Usage`; empty where it is not known."""

    id: str
    """The exchange's own, which no client chooses: never twice."""
    at: float
    """When it ended, in Unix seconds."""
    client: str = ""
    team: str = ""
    user: str = ""
    task: str = ""
    tags: Mapping[str, str] = {}
    """The client's, of its configuration."""
    asked: str = ""
    """The model it asked for."""
    route: str = ""
    """One of `proxy.edge.routes.ROUTES`."""
    provider: str = ""
    model: str = ""
    """Who answered."""
    stream: bool = False
    input: int | None = None
    """Tokens, those read from a cache or written to it among them; None where nobody says."""
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None
    estimated: bool = False
    """Whether the tokens are an estimate, for want of the provider's word."""
    cost: int | None = None
    """Of all its attempts; None where no price is known."""
    attempts: int = 0
    ms: int = 0
    """From its first byte to its answer's end."""
    first_token_ms: int | None = None
    """To a stream's first content."""
    outcome: str = OK
    """`ok`, or the fault's kind."""
    status: int = 0
    """As the client was told it."""
    code: str = ""
    """The error code it was told."""
    strategy: str = ""
    experiment: str = ""
    arm: str = ""
    """Why this model, where the client left it open."""
    complexity: float | None = None
    """How hard it looked, 0 to 1."""
    signal: str = ""
    """How its answer looked, one of `proxy.usage.signals.SIGNALS`; empty where nothing is learned of it."""
    cache_write_1h: int | None = None
    """What of `cache_write` is kept for an hour."""
    searches: int | None = None
    """Searches of the web that the provider ran."""
    tried: str = ""
    """The targets that were called and what came of that, as `proxy.usage.tried` tells it; empty where the first call
    answered, or none was made."""
    audio_in: int | None = None
    """What of `input` is sound, and of `output`: it has prices of its own."""
    audio_out: int | None = None
    tier: str = ""
    """The tier of service that answered, where it may have a price of its own."""


def record_of(exchange: Exchange, at: float, now: float, estimate: int | None = None, signal: str = "") -> Record:
    """The record of `exchange`, which ended at `at` by the wall's clock and `now` by the loop's. `estimate` is how many
    input tokens it had about, where its provider did not say; `signal` how its answer looked."""
    who, client, fault, usage, envelope = (
        exchange.who,
        exchange.client,
        exchange.fault,
        exchange.usage,
        exchange.envelope,
    )
    first, choice, attempts = exchange.first_token, exchange.choice or NO_CHOICE, exchange.attempts
    counts = _UNTOLD if usage is None else usage
    return Record(  # by place, since names cost as much again
        exchange.id,
        at,
        who.client or (client.name if client is not None else ""),
        who.team or (client.team if client is not None else ""),
        who.user[:NAME_CAP],
        who.task[:NAME_CAP] or choice.task,
        client.tags if client is not None else {},
        exchange.asked[:NAME_CAP],
        exchange.route,
        exchange.provider,
        exchange.model[:NAME_CAP],
        envelope.stream if envelope is not None else False,
        estimate if usage is None else usage.input,
        counts.cached,
        counts.cache_write,
        counts.output,
        counts.reasoning,
        usage is None and estimate is not None,
        exchange.cost,
        len(attempts),
        int((now - exchange.started) * 1000 + 0.5),
        int((first - exchange.started) * 1000 + 0.5) if first else None,
        OK if fault is None else fault.kind.value,
        exchange.status,
        "" if fault is None else (fault.code or fault.outcome.code or "")[:NAME_CAP],
        choice.strategy,
        choice.experiment,
        choice.arm,
        choice.score,
        signal,
        counts.cache_write_1h,
        counts.searches,
        "" if fault is None and len(attempts) == 1 else tried(attempts, f"{exchange.provider}/{exchange.model}"),
        None if usage is None else usage.audio,
        None if usage is None else usage.audio_output,
        "" if usage is None else usage.tier or "",
    )


_UNTOLD: Final = Usage(input=0, output=None)  # type: ignore[arg-type]  # nobody knows how much it was
