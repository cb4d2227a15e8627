"""What one exchange reserves and is billed, over all of its attempts.

Before an attempt the most it can cost is reserved in every balance it counts in; a switch to another target extends
that by what is missing. The attempt's end turns its part into what it was billed, or into the most where nobody knows.
At the exchange's end, whatever that is, all is settled once.

A budget that gives way to a cheaper model goes on to count what that costs, and stops it no more.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, structs

from proxy.budgets import refusals
from proxy.budgets.bills import Bill, bill_of
from proxy.budgets.budgets import Budgets, Held
from proxy.budgets.refusals import Downgraded
from proxy.config.spending import Budget, Price
from proxy.config.values import Target
from proxy.flow import NOBODY, Most, Refused, Who
from proxy.ledger.balance import Denied, Line
from proxy.ledger.ledger import Ledger
from proxy.pricing.cost import cost, worst
from translators.faults import Fault
from translators.ir import Usage

Overrun = Callable[[str, str], None]
"""Is told the budget, and the target that cost more than it could."""


class _Part(Struct, eq=False):
    """What the exchange has of one balance."""

    held: Held
    line: Line
    reserved: int = 0
    """With what is just being asked for."""
    charged: int = 0
    need: int = 0
    """The most that the attempt under way can add."""
    last: int = 0
    """Of that, what the latest call can add."""
    lost: int = 0
    """What calls of it that were made again may have cost."""
    loose: bool = False
    """It is counted, and stops nothing."""

    @property
    def budget(self) -> Budget:
        return self.held.plan.budget


class Spend:
    """One exchange's. `begin` once it is known whose it is; then, for each attempt, `cover` before and `close` after
    it; `settle` at the end."""

    __slots__ = (
        "_budgets",
        "_calls",
        "_current",
        "_general",
        "_last_usd",
        "_ledger",
        "_limit",
        "_lost_calls",
        "_lost_usd",
        "_most",
        "_overrun",
        "_parts",
        "_target",
        "_total",
        "_usd",
        "_who",
        "_worst",
        "notes",
        "stays",
    )

    def __init__(self, budgets: Budgets, ledger: Ledger, overrun: Overrun = lambda *_: None) -> None:
        """`overrun` is told where an attempt was billed more than the most it could cost: a bug, here or at the
        provider."""
        self._overrun = overrun
        self._budgets = budgets
        self._ledger = ledger
        self._who = NOBODY
        self._limit: int | None = None
        self._general: list[_Part] = []
        self._parts: dict[str, _Part] = {}
        """By the balance's key."""
        self._current: list[_Part] = []
        """Those of the attempt under way."""
        self._target: Target | None = None
        self._calls = 0
        self._usd = self._last_usd = self._lost_usd = 0
        """As of each part: `need`, `last`, `lost`."""
        self._lost_calls = 0
        self._total = 0
        """Nano-dollars of the attempts that have ended."""
        self._most = Most(0, 0)
        """Of the attempt's first call."""
        self._worst = False
        """Whatever the attempt comes to, calls of it are not known to be free."""
        self.stays = False
        """No other model can answer it (vectors, stored answers, what passes through): nothing gives way."""
        self.notes: list[str] = []
        """What the answer says of budgets: `NAME;downgraded`."""

    @property
    def bounded(self) -> bool:
        """Whether the most an answer can cost must be known."""
        return self._limit is not None or self._budgets.bounded

    def begin(self, who: Who, limit: int | None) -> None:
        """`limit`: nano-dollars that the request may cost at most; None for any."""
        self._who = who
        self._limit = limit
        self._general = [self._part(held) for held in self._budgets.of_request(who)]

    def at_most(self, limit: int) -> None:
        """One more limit of what the request may cost; the least of them holds."""
        self._limit = limit if self._limit is None else min(self._limit, limit)

    async def cover(self, target: Target, most: Most, calls: int = 1) -> Refused | None:
        """Reserves what an attempt at `target` can cost. Gives why it may not be made; None where it may. Raises
        Downgraded."""
        special = [self._part(held) for held in self._budgets.of_target(self._who, target)]
        self._current = [*self._general, *special] if special else self._general
        self._target, self._most, self._calls, self._worst = target, most, 0, False
        self._usd = self._last_usd = self._lost_usd = self._lost_calls = 0
        for part in self._current:
            part.need = part.last = part.lost = 0
            self._refresh(part)
        return await self.extend(most, calls)

    async def extend(self, most: Most, calls: int = 1) -> Refused | None:
        """The same for further calls of the attempt under way."""
        target = self._target
        if target is None:
            return None
        usd = None
        if target.price is not None and most.output is not None:
            usd = calls * worst(target.price, most.input, most.output, most.tier)
        if self._limit is not None and (refused := self._beyond(self._limit, target, usd)):
            self._worst = self._calls > 0
            return refused
        wanted: list[tuple[_Part, int]] = []
        for part in self._current:
            amount = self._stopped(part) or self._amount(part, target, most, usd, calls)
            if isinstance(amount, Refused):
                self._worst = self._calls > 0
                return amount
            wanted.append((part, amount))
        return await self._reserve(wanted, usd or 0, calls)

    async def further(self, more: int) -> Refused | None:
        """The same for a call that goes on from what the latest one said; its body is so many bytes longer."""
        return await self.extend(structs.replace(self._most, input=self._most.input + max(0, more)))

    async def again(self, fault: Fault, status: int) -> Refused | None:
        """The same where the latest call failed and is to be made again: what it may have cost is lost."""
        if bill_of(fault, None, status, content=False) is not Bill.WORST:
            return None
        self._lost_usd += self._last_usd
        self._lost_calls += 1
        for part in self._current:
            part.lost += part.last
        return await self._reserve([(part, part.last) for part in self._current], self._last_usd, 1)

    async def _reserve(self, wanted: list[tuple[_Part, int]], usd: int, calls: int) -> Refused | None:
        """Takes what is missing. It is noted at once, since other calls of the same attempt may want more meanwhile."""
        missing = [(part, part.charged + part.need + amount - part.reserved) for part, amount in wanted]
        taken = [(part, more) for part, more in missing if more > 0 and not part.loose]
        for part, amount in wanted:
            part.need += amount
        for part, more in taken:
            part.reserved += more
        lines = [Line(part.held.balance, more) for part, more in taken]
        denied: Denied | None = None
        done = False
        try:
            if lines and not self._ledger.take(lines):
                denied = await self._ledger.obtain(lines)
            done = denied is None
        finally:
            if not done:
                for part, amount in wanted:
                    part.need -= amount
                for part, more in taken:
                    part.reserved -= more
        if denied is not None:
            self._worst = self._calls > 0
            return self._denied(denied, (part for part, _ in taken))
        for part, more in taken:
            part.line.held += more
        self._usd, self._last_usd, self._calls = self._usd + usd, usd // calls, self._calls + calls
        for part, amount in wanted:
            part.last = amount // calls
        return None

    def close(self, fault: Fault | None, usage: Usage | None, status: int, *, content: bool) -> int | None:
        """The attempt has ended; gives what it cost in nano-dollars, None where its price is not known."""
        target, calls = self._target, self._calls
        if target is None:
            return None
        bill = Bill.WORST if self._worst else bill_of(fault, usage, status, content=content, calls=calls)
        if bill is Bill.USAGE and usage is not None and max(1, len(usage.calls)) + self._lost_calls < calls:
            bill = Bill.WORST  # some of its calls told no counts
        usd = self._usd if bill is Bill.WORST else self._lost_usd
        if bill is Bill.USAGE and usage is not None and target.price is not None:
            usd += self._cost(target.price, usage, calls)
        for part in self._current:
            billed = self._billed(part, bill, usage, usd)
            if billed > part.need and part.budget.hard and not part.loose:
                self._overrun(part.budget.name, target.name)
            part.charged += billed
            part.need = 0
        self._target = None
        self._total += usd
        return None if target.price is None else usd

    def settle(self) -> None:
        """All of it, once: what is called again has nothing to settle."""
        parts, self._parts, self._general, self._current = self._parts, {}, [], []
        for part in parts.values():
            self._refresh(part)
            self._ledger.settle(part.line, part.charged)

    def _part(self, held: Held) -> _Part:
        part = self._parts.get(held.balance.key)
        if part is None:
            part = self._parts[held.balance.key] = _Part(held, Line(held.balance, 0))
        return part

    def _refresh(self, part: _Part) -> None:
        """Nothing is held of it, so that it may have been dropped meanwhile."""
        if not part.line.held:
            held = self._budgets.fresh(part.held)
            if held is not part.held:
                part.held, part.line = held, Line(held.balance, 0)

    def _beyond(self, limit: int, target: Target, usd: int | None) -> Refused | None:
        """Why an attempt may cost more than one may, or nobody can say."""
        if usd is None:
            return (
                refusals.unpriced(None, target.name) if target.price is None else refusals.unbounded(None, target.name)
            )
        most = self._total + self._usd + usd
        return refusals.too_dear(target.name, most, limit) if most > limit else None

    def _stopped(self, part: _Part) -> Refused | None:
        """Why a balance that has come so far stops the request. Raises Downgraded."""
        budget, balance = part.budget, part.held.balance
        if part.loose or self._calls:  # an answer that has begun is stopped by nothing but what is left
            return None
        gives_way = budget.when_spent == "downgrade" and not self.stays
        if gives_way and balance.spent_in_all >= budget.downgrade_from * balance.limit:
            self._give_way(part)
        if not budget.hard and budget.when_spent == "reject" and balance.spent_in_all >= balance.limit:
            return refusals.spent(part.held, self._ledger.now())
        return None

    def _give_way(self, part: _Part) -> None:
        part.loose = True
        self.notes.append(f"{part.budget.name};downgraded")
        raise Downgraded(part.budget.downgrade_to, refusals.spent(part.held, self._ledger.now()))

    def _amount(self, part: _Part, target: Target, most: Most, usd: int | None, calls: int) -> int | Refused:
        """The most that the calls can add to what the balance must bear."""
        budget = part.budget
        if budget.unit == "requests":
            return 0 if part.charged or part.need else 1
        if budget.unit == "usd":
            if target.price is None:
                return 0 if budget.unpriced == "allow" else refusals.unpriced(part.held, target.name)
            amount = usd
        else:
            amount = None if most.output is None else calls * (most.input + most.output)
        if amount is None:
            return refusals.unbounded(part.held, target.name) if budget.hard and not part.loose else 0
        return amount

    def _denied(self, denied: Denied, growing: Iterable[_Part]) -> Refused:
        part = next(part for part in growing if part.held.balance is denied.balance)
        if denied.away:
            return refusals.away(part.held, denied.away)
        if part.budget.when_spent == "downgrade" and not self._calls and not self.stays:
            self._give_way(part)
        if denied.held:
            return refusals.taken(part.held)
        self._budgets.emptied(part.held)
        return refusals.spent(part.held, self._ledger.now())

    def _cost(self, price: Price, usage: Usage, calls: int) -> int:
        """Of calls that did not tell their counts only the fee is known."""
        told = len(usage.calls) or 1
        one = cost(price, usage)
        return one if calls <= told else min(one + (calls - told) * price.request, self._usd - self._lost_usd)

    def _billed(self, part: _Part, bill: Bill, usage: Usage | None, usd: int) -> int:
        if part.budget.unit == "requests":
            return part.need
        if part.budget.unit == "usd":
            return usd
        if bill is Bill.WORST:
            return part.need
        return part.lost + (usage.billed if bill is Bill.USAGE and usage is not None else 0)
