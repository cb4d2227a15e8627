"""What the live page and `sidestep top` show: one picture of the moment, and what has changed since another. Pure.

Targets come in the order of the configuration, each with the words of `sidestep health`, so that both say the same.
Whatever a client or a provider names is text here, cut and told as text; nothing of a header or a body is in it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Raw, Struct

from proxy.budgets.shown import Balance
from proxy.resilience.window import SLOT_S
from proxy.routing.live import (
    Live,
    LiveBreaker,
    LiveHealth,
    LiveProbe,
    LiveSlot,
    LiveTarget,
    breaker_notes,
    in_order,
    stood,
    told,
)

if TYPE_CHECKING:
    from proxy.filters.observe import Seen

TARGETS: Final = 50
"""Shown; of more, those that were called last."""
BUDGETS: Final = 50
"""Balances shown; of more, those of which most is spent."""


class Row(Struct, frozen=True):
    """A target."""

    target: str
    called: bool
    """Whether it ever was."""
    blocked: str
    """What keeps it from being called now, as a clause; empty where nothing does."""
    notes: list[str]
    """What else is to be known of it."""
    next_s: float | None
    """In how many seconds it may be called again; None where it may be now, or where nobody knows."""
    in_flight: int
    breaker: LiveBreaker
    health: LiveHealth
    course: list[LiveSlot]


class Tried(Struct, frozen=True):
    """An attempt of a request."""

    target: str
    kind: str
    status: int
    ms: int


class Passed(Struct, frozen=True):
    """A target that was not tried."""

    target: str
    reason: str


class Chosen(Struct, frozen=True):
    """By what a request's model was chosen."""

    reason: str
    strategy: str
    task: str
    score: float | None


class Request(Struct, frozen=True):
    """One that ended; `Told` says what each is."""

    id: str
    time: str
    client: str | None
    route: str
    asked: str
    provider: str
    model: str
    status: int
    kind: str | None
    code: str | None
    stream: bool
    ms: float
    first_token_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    own_error: bool
    attempts: list[Tried]
    skipped: list[Passed]
    choice: Chosen | None


class Choosing(Struct, frozen=True):
    """By which strategy models are chosen, as `/api/v1/models/settings` tells it."""

    current_strategy: str | None
    available_strategies: list[str]
    experiment: dict[str, Any] | None
    """Its `name`, and its `strategies` with their shares."""
    kept: bool
    """Whether that would be so after a restart."""
    note: str
    """What a switch changes, and what it does not."""


class Overview(Struct, frozen=True):
    """All of it."""

    at: float
    """Unix seconds."""
    slot: float
    """The number of the half minute that it is, with its part that is over."""
    version: str
    uptime_s: float
    in_flight: int
    draining: bool
    source: str
    """What the configuration was read from."""
    demo: bool
    example: str
    """A request to try it with."""
    more: int
    """Targets that are not shown."""
    targets: list[Row]
    keys: list[str]
    """Those that are not in use, as clauses."""
    probes: dict[str, LiveProbe]
    store: str | None
    """Where budgets are kept: `ok`, or what is wrong with it; None without budgets."""
    budgets: list[Balance]
    requests: list[Request]
    """The latest first."""
    pages: list[str] = []
    """What else the admin port answers."""
    strategy: Choosing | None = None


class State(Live, frozen=True):
    """`/state`, as far as it is shown."""

    version: str = ""
    uptime_s: float = 0.0
    in_flight: int = 0
    draining: bool = False
    demo: bool = False


def overview(
    state: Mapping[str, Any],
    budgets: Mapping[str, Any],
    recent: Sequence["Seen"],
    *,
    example: str,
    now: float,
    wall: float,
) -> Overview:
    """Of what `/state` and `/budgets` tell, and the last exchanges, the latest at the end."""
    live = msgspec.convert(state, State)
    rows = in_order(live)
    balances = msgspec.convert(budgets["budgets"], list[Balance])
    balances.sort(key=lambda one: one.fraction, reverse=True)
    return Overview(
        at=wall,
        slot=now / SLOT_S,
        version=live.version,
        uptime_s=live.uptime_s,
        in_flight=live.in_flight,
        draining=live.draining,
        source=live.source,
        demo=live.demo,
        example=example,
        more=max(0, len(rows) - TARGETS),
        targets=[_row(one, live, called=called) for one, called in rows[:TARGETS]],
        keys=[f"{name}: {told(key)}" for name, keys in live.providers.items() for key in keys if not key.free],
        probes=live.probes,
        store=budgets["store"],
        budgets=balances[:BUDGETS],
        requests=[_request(*seen) for seen in reversed(recent)],
    )


def _row(one: LiveTarget, live: Live, *, called: bool) -> Row:
    stands = stood(one, live.providers.get(one.provider))
    notes = breaker_notes(one.breaker)
    wait = stands.free_in_s if stands.blocked and stands.free_in_s else None
    return Row(one.target, called, stands.blocked, notes, wait, one.in_flight, one.breaker, one.health, one.course)


def _request(told: Any, attempts: Any, skipped: Any, choice: Any) -> Request:
    """Of what is `Seen`."""
    return Request(
        told.id,
        told.time,
        told.client,
        told.route,
        told.asked,
        told.provider,
        told.model,
        told.status,
        told.kind,
        told.code,
        told.stream,
        told.ms,
        told.first_token_ms,
        told.tokens_in,
        told.tokens_out,
        None if told.cost_usd is None else float(bytes(told.cost_usd)),
        told.own_error,
        [Tried(one.target, one.kind, one.status, one.ms) for one in attempts],
        [Passed(target, reason) for target, reason in skipped],
        choice and Chosen(choice.reason, choice.strategy, choice.task, choice.score),
    )


_encode = msgspec.json.Encoder().encode
_MOVING: Final = ("at", "slot", "uptime_s", "in_flight")
"""Told in every change."""
_KEPT: Final = (
    "draining",
    "source",
    "demo",
    "example",
    "more",
    "keys",
    "probes",
    "store",
    "budgets",
    "pages",
    "strategy",
)
"""Told where they have changed."""


class Changes:
    """What is to be told of each picture to who has seen the one before, or one since."""

    def __init__(self, first: Overview) -> None:
        self._kept: dict[str, bytes] = {}
        self._rows: dict[str, bytes] = {}
        self._last = ""
        self.since(first)

    def since(self, seen: Overview) -> bytes:
        """As JSON: what moves all the time, fields that are others now, targets whose row is another, the names of all
        of them where these are others (`order`), requests that ended since."""
        change: dict[str, Any] = {name: getattr(seen, name) for name in _MOVING}
        kept = {name: _encode(getattr(seen, name)) for name in _KEPT}
        kept["order"] = _encode([row.target for row in seen.targets])
        rows = {row.target: _encode(row) for row in seen.targets}
        change |= {name: Raw(data) for name, data in kept.items() if self._kept.get(name) != data}
        moved = [Raw(data) for name, data in rows.items() if self._rows.get(name) != data]
        ended = seen.requests[: self._unseen(seen.requests)]
        if moved:
            change["targets"] = moved
        if ended:
            change["requests"], self._last = ended, ended[0].id
        self._kept, self._rows = kept, rows
        return _encode(change)

    def _unseen(self, requests: Sequence[Request]) -> int:
        """How many of them came after the last that was told."""
        return next((place for place, one in enumerate(requests) if one.id == self._last), len(requests))


def snapshot(seen: Overview) -> bytes:
    """As JSON."""
    return _encode(seen)


def read(data: bytes) -> Overview:
    """Raises msgspec.DecodeError for what is no snapshot."""
    return msgspec.json.decode(data, type=Overview)
