"""One call all the same, where nobody could be called: what stands in the way is a guess, and a guess is worth a call
where all else is certain to fail. So a chain is never worse than no proxy.

Keys that are off come first, the one that comes back soonest before the others, then long waits, each at its own rate
(`proxy.resilience.forced`): what is asked so seldom must have its turn. Then the breakers' guesses, once a second at
the target nearest its probe (`Breaker.force`). An answer puts the key back into use and ends the wait, at its first
content. A failure cuts neither short; a key is off no longer for it, and a new wait that it asks for is kept.

What is no guess is never forced: calls in flight up to the limit, a budget, a request that cannot be expressed.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from proxy.chain.account import Account
from proxy.chain.engagement import Engagement
from proxy.chain.ready import Ready, Tools, Try, callers_key, key_for
from proxy.chain.verdict import Skip
from proxy.config.values import Target
from proxy.flow import Exchange
from proxy.jobs import Job
from proxy.resilience.keys import KeyState
from proxy.resilience.targets import TargetState
from proxy.upstream.timings import AttemptTimes
from proxy.upstream.trial import Seen
from translators.faults import Fault

GUESSES = frozenset({"breaker", "keys", "throttled"})
"""Reasons of `Skip.why` that a call may find out to be over."""


class Shut(Struct, frozen=True):
    """A target that such a guess keeps from being called, its request ready."""

    turn: Try
    skip: Skip


def in_turn(tools: Tools, shut: Sequence[Shut], now: float) -> Iterator[Try]:
    """Those that may be asked all the same, first to last: those with keys that are off or long waits that are due now,
    then of those that only their breakers shut the nearest its probe."""
    others = [one for one in shut if one.skip.why in {"keys", "throttled"}]
    for one in sorted(others, key=lambda one: _back_at(tools, one, now)):
        if (due := _due_at(tools, one.turn.target, one.turn.state, now)) is not None and due <= now:
            yield one.turn
    open_ = [one for one in shut if one.skip.why == "breaker"]
    if open_:
        yield min(open_, key=lambda one: one.skip.wait_s or 0.0).turn


def leave(
    tools: Tools,
    target: Target,
    state: TargetState,
    headers: Mapping[str, str],
    times: AttemptTimes,
    now: float,
    calls: int = 1,
) -> Ready | None:
    """Key and permit for a call all the same. None: none may be made now."""
    found = key_for(tools, target, state, headers, now, (), calls)
    if isinstance(found, KeyState):
        key = found
    elif found.why not in GUESSES or (nearest := _nearest(tools, target, state, now)) is None or nearest[1] > now:
        return None
    else:
        key = callers_key(headers) if target.provider.client_key else nearest[0]
    permit = state.breaker.admit(now, times.first_s) or state.breaker.force(now)
    if permit is None:
        return None
    state.forced.take(state.throttle, key, now)
    return Ready(key, permit, times, now)


def when(tools: Tools, target: Target, state: TargetState, skip: Skip, now: float) -> Skip:
    """`skip` with the time to the next such call as its wait, where that comes before its end."""
    due = _due_at(tools, target, state, now) if skip.why in {"keys", "throttled"} else None
    if due is None:
        return skip
    wait = max(1.0, due - now)
    return structs.replace(skip, wait_s=wait if skip.wait_s is None or wait < skip.wait_s else skip.wait_s)


def told(tools: Tools, shut: Sequence[Shut], skips: Sequence[Skip], now: float) -> list[Skip]:
    """`skips`, each with the time to the next such call at its target."""
    found = {(one.skip.target, one.skip.why): one.turn for one in shut}
    turns = [found.get((skip.target, skip.why)) for skip in skips]
    return [
        skip if turn is None else when(tools, turn.target, turn.state, skip, now)
        for skip, turn in zip(skips, turns, strict=True)
    ]


class ForcedAccount(Account):
    """That of a call all the same: its answer ends what stood in the way."""

    _kept: bool = False
    """Whether it was made against a wait."""

    def open(self) -> None:
        self._kept = max(self._state.throttle.until, self._ready.key.throttle.until) > self._began
        Account.open(self)

    def begun(self) -> None:
        self._freed()
        Account.begun(self)

    def served(self, status: int = 200) -> None:
        self._freed()
        Account.served(self, status)

    def _settle(self, fault: Fault | None) -> None:
        if fault is not None and fault.outcome.breaker == "success" and self._ready.key.off_kind == "auth":
            self._accepted()  # who finds fault with the request itself has taken the key
        Account._settle(self, fault)  # noqa: SLF001 - its own base

    def _freed(self) -> None:
        key = self._ready.key
        if self._kept:
            self._state.throttle.clear()
            key.throttle.clear()
        self._accepted()

    def _accepted(self) -> None:
        key = self._ready.key
        if self._pool.free(key, self._tools.clock.now()):
            self._tools.key_back(self._target.provider.name, key)


def forced_account(
    tools: Tools, exchange: Exchange, target: Target, state: TargetState, ready: Ready, calls: int = 1
) -> "ForcedAccount":
    """That of a call all the same."""
    pool = tools.registry.keys(target.provider)
    return ForcedAccount(Seen(), tools, exchange, target, state, ready, pool, ready.at, calls)


def forced_engagement(tools: Tools, exchange: Exchange, job: Job, turn: Try, ready: Ready, left: int) -> Engagement:
    """The one attempt that such a turn has."""
    target, state, prepared = turn.target, turn.state, turn.prepared
    account = forced_account(tools, exchange, target, state, ready, prepared.calls)
    return Engagement(tools, exchange, job, target, state, prepared, ready, account, left)


def _nearest(tools: Tools, target: Target, state: TargetState, now: float) -> tuple[KeyState, float] | None:
    return state.forced.soonest(state.throttle, tools.registry.keys(target.provider), now)


def _due_at(tools: Tools, target: Target, state: TargetState, now: float) -> float | None:
    nearest = _nearest(tools, target, state, now)
    return None if nearest is None else nearest[1]


def _back_at(tools: Tools, one: Shut, now: float) -> tuple[bool, float]:
    """Keys before waits, then by when it is over by itself."""
    if one.skip.why == "keys":
        pool = tools.registry.keys(one.turn.target.provider)
        return False, min((key.off_until for key in pool.each()), default=now)
    return True, now + (one.skip.wait_s or 0.0)
