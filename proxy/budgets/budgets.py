"""The budgets of one configuration: which of them concern a request or a target, and in which balance they count.

They outlive no configuration; the balances, which the ledger keeps by their keys, outlive all.
"""

import asyncio
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from proxy.budgets.scopes import Cut, cut, key_of, of_request, of_target
from proxy.budgets.shown import NEVER
from proxy.budgets.windows import Span, moment, span_of
from proxy.config.spending import EACH, Budget, Unit, amount_of
from proxy.config.values import Target
from proxy.flow import Who
from proxy.ledger.balance import Balance, Seats
from proxy.ledger.ledger import Ledger

UNITS: Final[tuple[Unit, ...]] = ("usd", "tokens", "requests")
LOOK_S: Final = 1.0
"""People wait no longer for the store's word, and one that is no older is word enough."""
OLD_S: Final = 5.0
"""Where it is older than this, people are told from when it is."""
KEYS_CAP = 20_000
"""Keys remembered; who asks may be any number."""


class Plan(Struct, frozen=True, eq=False):
    """A budget, its scope taken apart."""

    budget: Budget
    cut: Cut


class Held(Struct, frozen=True, eq=False):
    """A budget's balance for one request."""

    plan: Plan
    values: tuple[str, ...]
    span: Span
    balance: Balance


class Found(Struct, frozen=True, eq=False):
    """Balances that were looked up together, and for how long they are the ones."""

    all: tuple[Held, ...]
    seats: Seats
    """The same for the ledger; amounts are told in the order of UNITS."""
    version: int
    """Of the ledger."""
    start: float
    end: float
    """Of the part of time that their windows have in common."""


class Budgets:
    """Used from the loop's thread alone."""

    def __init__(
        self, budgets: Sequence[Budget], ledger: Ledger, emptied: Callable[[Held], None] = lambda _: None
    ) -> None:
        """`emptied` is told of a balance that had too little left."""
        self._ledger = ledger
        self.emptied = emptied
        plans = [Plan(budget, cut(budget.scope)) for budget in budgets]
        self._general = [plan for plan in plans if not plan.cut.served]
        self._special = [plan for plan in plans if plan.cut.served]
        self._spans: dict[tuple[str, str], Span] = {}
        self._keys: dict[tuple[str, tuple[str, ...], str], str] = {}
        self._known: dict[str, Held] = {}
        """By the balance's key."""
        self._found: dict[Hashable, Found] = {}
        """By who asks, with the target where it matters."""
        self.may_stop = any(not budget.hard or budget.when_spent == "downgrade" for budget in budgets)
        """Whether any of them looks at how far it has come before a request, rather than at what is left alone."""
        self.none = not plans
        self.plain = not self.may_stop and not self._special
        """Whether all there is to do before any request is to reserve what it may come to."""
        self.bounded = any(budget.hard and budget.unit != "requests" for budget in budgets)
        """Whether any of them needs to know the most an answer can cost."""

    def of_request(self, who: Who) -> Found:
        """The balances that all of a request's attempts count in."""
        found, ledger = self._found.get(who), self._ledger
        if found is not None and found.version == ledger.version and found.start <= ledger.now() < found.end:
            return found
        return self._look_up(who, self._asked(who))

    def of_target(self, who: Who, target: Target) -> tuple[Held, ...]:
        """Those that its attempts at `target` count in beside them."""
        if not self._special:
            return ()
        key = who, target.provider.name, target.model
        found = self._found.get(key)
        return found.all if found is not None and self._holds(found) else self._look_up(key, self._served(*key)).all

    def fresh(self, held: Held) -> Held:
        """The same, with the balance as the ledger has it now: what nobody used for a while may have been dropped."""
        budget = held.plan.budget
        balance = self._ledger.balance(held.balance.key, budget.amount, held.span.end, hard=budget.hard)
        return held if balance is held.balance else Held(held.plan, held.values, held.span, balance)

    def known(self, balance: Balance) -> Held | None:
        """Whose it is, where a request of late counted in it."""
        held = self._known.get(balance.key)
        return held if held is not None and held.balance is balance else None

    def fractions(self) -> Mapping[str, float]:
        """The part of each budget that is spent; of several balances, where it is the largest."""
        now = self._ledger.now()
        found: dict[str, float] = {}
        for held in self._known.values():
            if held.span.end > now:
                budget = held.plan.budget
                part = held.balance.spent_in_all / budget.amount
                found[budget.name] = max(part, found.get(budget.name, 0.0))
        return found

    def state(self) -> Iterator[dict[str, Any]]:
        """What people are shown of balances that requests of late counted in, those of past windows aside."""
        now = self._ledger.now()
        for held in self._known.values():
            if held.span.end > now:
                yield _shown(held, now)

    async def look(self, *, each: bool = True) -> None:
        """Asks the store how far the budgets are that are one balance for all whom they concern, and with `each` those
        of `state`, which may be many; after LOOK_S it is as last heard."""
        whole = [
            self._held(plan, tuple(value for _, value in plan.cut.whole))
            for plan in (*self._general, *self._special)
            if all(value != EACH for _, value in plan.cut.whole)
        ]
        now = self._ledger.now()
        some = [held.balance for held in (self._known.values() if each else whole) if held.span.end > now]
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._ledger.look(some, LOOK_S)

    def _holds(self, found: Found) -> bool:
        """Whether nothing has changed since."""
        ledger = self._ledger
        return found.version == ledger.version and found.start <= ledger.now() < found.end

    def _look_up(self, key: Hashable, some: Iterable[Held]) -> Found:
        held = tuple(some)
        self._known.update((one.balance.key, one) for one in held)  # the last of them may have made room for itself
        if len(self._found) >= KEYS_CAP:
            self._found.clear()
        found = self._found[key] = Found(
            held,
            tuple((one.balance, UNITS.index(one.plan.budget.unit)) for one in held),
            self._ledger.version,
            max((one.span.start for one in held), default=-math.inf),
            min((one.span.end for one in held), default=math.inf),
        )
        return found

    def _asked(self, who: Who) -> Iterator[Held]:
        for plan in self._general:
            values = of_request(plan.cut, who)
            if values is not None:
                yield self._held(plan, values)

    def _served(self, who: Who, provider: str, model: str) -> Iterator[Held]:
        for plan in self._special:
            asked = of_request(plan.cut, who)
            if asked is None:
                continue
            served = of_target(plan.cut, provider, model)
            if served is not None:
                yield self._held(plan, (*asked, *served))

    def _held(self, plan: Plan, values: tuple[str, ...]) -> Held:
        budget = plan.budget
        span = self._span(budget)
        named = (budget.name, values, span.id)
        key = self._keys.get(named)
        if key is None:
            if len(self._keys) >= KEYS_CAP:
                self._keys.clear()
                self._known.clear()
                self._found.clear()
            key = self._keys[named] = key_of(budget, values, span.id)
        balance = self._ledger.balance(key, budget.amount, span.end, hard=budget.hard)
        held = self._known.get(key)
        if held is None or held.balance is not balance:
            held = self._known[key] = Held(plan, values, span, balance)
            balance.heed = 0  # who looks after it by this budget has not looked yet
        return held

    def _span(self, budget: Budget) -> Span:
        kind, now = (budget.window, budget.timezone), self._ledger.now()
        span = self._spans.get(kind)
        if span is None or not span.start <= now < span.end:
            span = self._spans[kind] = span_of(budget.window, budget.timezone, now)
        return span


def _shown(held: Held, now: float) -> dict[str, Any]:
    budget, balance = held.plan.budget, held.balance
    said = NEVER if math.isinf(balance.said_at) else moment(balance.said_at)
    # What was charged beyond its bound, or lost and told since, is in nobody's hand.
    reserved = max(0, balance.taken_in_all - balance.spent_in_all - balance.lost)
    return {
        "budget": budget.name,
        "scope": held.plan.cut.by_dimension(held.values),
        "unit": budget.unit,
        "limit": amount_of(budget, balance.limit),
        "spent": amount_of(budget, balance.spent_in_all),
        "reserved": amount_of(budget, reserved),
        "lost": amount_of(budget, balance.lost),
        "fraction": round(balance.spent_in_all / balance.limit, 4),
        "window": budget.window,
        "window_end": held.span.until,
        "mode": "hard" if budget.hard else "soft",
        "when_spent": budget.when_spent,
        "told_at": said if balance.said_at + OLD_S <= now else None,
    }
