"""What an exchange reserves and is billed that comes to more than one plain attempt (`proxy.budgets.spend`): any number
of them, at several targets, of calls that are made again, side by side or one after another, under budgets of any kind.

Before an attempt the most it can cost is reserved in every balance it counts in; a switch to another target extends
that by what is missing. The attempt's end turns its part into what it was billed, or into the most where nobody knows.
At the exchange's end, whatever that is, all is settled once.

A budget that gives way to a cheaper model goes on to count what that costs, and stops it no more.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import structs

from proxy.budgets import refusals
from proxy.budgets.bills import Bill, bill_of
from proxy.budgets.budgets import Budgets, Found
from proxy.budgets.parts import Part, Wish, at_worst, beyond, charge, grows, lacking, side_by_side, stopping, untold
from proxy.config.spending import Price
from proxy.config.values import Target
from proxy.flow import Downgraded, Fared, Most, Refused, Who
from proxy.ledger.balance import Amounts, Denied, Line
from proxy.ledger.ledger import Ledger
from proxy.pricing.cost import cost
from translators.faults import Fault
from translators.ir import Usage

USAGE: Final = Bill.USAGE
WORST: Final = Bill.WORST

_NO_TOKENS: Final = Most(0, 0)

Overrun = Callable[[str, str], None]
"""Is told the budget, and the target that cost more than it could."""


class Reckoning:
    """One exchange's. For each attempt `cover` before and `close` after it; `settle` at the end."""

    def __init__(
        self,
        budgets: Budgets,
        ledger: Ledger,
        overrun: Overrun,
        who: Who,
        limit: int | None,
        notes: list[str],
        *,
        stays: bool,
    ) -> None:
        """`overrun` is told where an attempt was billed more than the most it could cost: a bug, here or at the
        provider. `limit`: nano-dollars that the exchange may cost at most; None for any. `notes` are added to. `stays`:
        no other model can answer it, so that nothing gives way."""
        self._budgets = budgets
        self._ledger = ledger
        self._overrun = overrun
        self._who = who
        self._limit = limit
        self._notes = notes
        self._stays = stays
        self._general: list[Part] | None = None
        """Of balances that all attempts count in; None before the first."""
        self._current: Sequence[Part] = ()
        """Those of the attempt under way."""
        self._special: dict[str, Part] = {}
        """Of those that attempts at some targets count in, by the balance's key."""
        self._target: Target | None = None
        self._most = _NO_TOKENS
        """Of the attempt's first call."""
        self._calls = 0
        self._usd = 0
        """As of each part `need`, and what follows as of each `last` and `lost`."""
        self._last_usd = 0
        self._lost_usd = 0
        self._lost_calls = 0
        self._worst = False
        """Whatever the attempt comes to, calls of it are not known to be free."""
        self._total = 0
        """Nano-dollars of the attempts that have ended."""

    def goes_on(self, found: Found, held: Amounts, billed: Amounts | None) -> None:
        """After a plain attempt, which held so much of each balance and was billed so much; None: it is under way."""
        self._general = self._current = [Part(one) for one in found.all]
        for part, (_, unit) in zip(self._general, found.seats, strict=True):
            part.held = held[unit]
            if billed is None:
                part.need = part.held
            else:
                part.charged, part.spare = billed[unit], part.held - billed[unit]
        if billed is not None:
            self._total = billed[0]

    def under_way(self, target: Target, most: Most, calls: int) -> None:
        """Such an attempt, and the most of each of its calls."""
        self._target, self._most, self._calls = target, most, calls
        if target.price is not None and most.output is not None:
            self._last_usd = at_worst(target.price, most, most.output)
            self._usd = calls * self._last_usd
        for part in self._current:
            part.last = part.need // calls

    async def cover(self, target: Target, most: Most, calls: int = 1) -> Refused | None:
        """Reserves what an attempt at `target` can cost. Gives why it may not be made; None where it may. Raises
        Downgraded."""
        if self._general is not None:
            self._calls = self._usd = self._last_usd = self._lost_usd = self._lost_calls = 0
            self._worst = False
        self._target, self._most = target, most
        self._current = self._counting(target)
        if self._budgets.may_stop and await self._ledger.look(stopping(self._current, stays=self._stays)):
            self._renew(self._current)
        wish = self._wish(target, most, calls)
        if not isinstance(wish, Refused) and self._taken(wish):
            return None
        return await self._obtained(wish)

    async def extend(self, most: Most, calls: int = 1) -> Refused | None:
        """The same for further calls of the attempt under way."""
        target = self._target
        return None if target is None else await self._obtained(self._wish(target, most, calls))

    async def further(self, more: int) -> Refused | None:
        """The same for a call that goes on from what the latest one said; its body is so many bytes longer."""
        if self._target is None:
            return None
        return await self.extend(structs.replace(self._most, input=self._most.input + max(0, more)))

    async def again(self, fault: Fault, usage: Usage | None, status: int) -> Refused | None:
        """The same where the latest call failed and is to be made again: what it told, or may have cost, is lost."""
        bill, target = bill_of(fault, usage, status, content=False), self._target
        if bill is Bill.NOTHING or target is None:
            return None
        told = usage if bill is USAGE else None
        price, usd = target.price, self._last_usd
        if told is not None:
            usd = 0 if price is None else cost(price, told)
        self._lost_usd += usd
        self._lost_calls += told is None
        return await self._obtained(Wish.anew(self._current, told, usd))

    def _counting(self, target: Target) -> Sequence[Part]:
        """What an attempt at `target` counts in."""
        parts = self._general
        if parts is None:
            parts = self._general = [Part(held) for held in self._budgets.of_request(self._who).all]
        else:
            self._renew(parts)
        some = self._budgets.of_target(self._who, target)
        if not some:
            return parts
        self._special.update({one.balance.key: Part(one) for one in some if one.balance.key not in self._special})
        special = [self._special[held.balance.key] for held in some]
        self._renew(special)
        return [*parts, *special]

    def _renew(self, parts: Iterable[Part]) -> None:
        """For another attempt. What nothing is held of may have been dropped meanwhile."""
        for part in parts:
            part.spare += part.need
            part.need = part.lost = 0
            self._refresh(part)

    def _refresh(self, part: Part) -> None:
        if not part.held:
            part.whose = held = self._budgets.fresh(part.whose)
            part.balance = held.balance

    def _wish(self, target: Target, most: Most, calls: int) -> Wish | Refused:
        """What further calls may come to, or why they may not be made. Raises Downgraded."""
        usd, tokens = None, None
        if most.output is not None:
            tokens = calls * (most.input + most.output)
            if target.price is not None:
                usd = calls * at_worst(target.price, most, most.output)
        limit, so_far = self._limit, self._total + self._usd
        if limit is not None and (refused := beyond(limit, so_far, target, usd, most.hosted)):
            return refused
        may_stop = self._budgets.may_stop
        lines = []
        for part in self._current:
            if may_stop and (refused := self._stopped(part)):
                return refused
            unit = part.unit
            if unit == "requests":
                part.wanted = 0 if part.charged or part.need else 1
            else:
                amount = usd if unit == "usd" else tokens
                if amount is None and (refused := lacking(part, target)):
                    return refused
                if most.hosted is not None and (refused := untold(part, target, most.hosted)):
                    return refused
                part.wanted = amount or 0
            if grows(part):
                lines.append(part)
        return Wish(calls, usd or 0, lines)

    def _taken(self, wish: Wish) -> bool:
        """Whether what is missing was in hand."""
        if wish.lines and not self._ledger.take(wish.lines):
            return False
        for part in self._current:
            part.need += part.wanted
            if wish.calls:
                part.last = part.wanted // wish.calls
            if part.spare:
                part.spare = max(0, part.spare - part.wanted)
        self._note(wish)
        return True

    def _note(self, wish: Wish) -> None:
        self._calls += wish.calls
        self._usd += wish.usd
        if wish.calls:
            self._last_usd = wish.usd // wish.calls

    async def _obtained(self, wish: Wish | Refused) -> Refused | None:
        """Takes what is missing, and waits for it."""
        if isinstance(wish, Refused):
            refused: Refused | None = wish
        elif self._taken(wish):
            return None
        else:
            refused = await self._waited(wish)
        if refused is not None:
            self._worst = self._calls > 0
        return refused

    async def _waited(self, wish: Wish) -> Refused | None:
        """It is noted at once, since other calls of the same attempt may want more meanwhile."""
        noted = [(part, part.wanted, min(part.spare, part.wanted)) for part in self._current]
        lines = [(part, Line(part.balance, part.amount)) for part in wish.lines]
        for part, wanted, spare in noted:
            part.need += wanted
            part.spare -= spare
        denied: Denied | None = None
        done = False
        try:
            denied = await self._ledger.obtain([line for _, line in lines])
            done = denied is None
        finally:
            if not done:
                for part, wanted, spare in noted:
                    part.need -= wanted
                    part.spare += spare
        if denied is not None:
            return self._denied(denied, wish.lines)
        for part, line in lines:
            part.held += line.held
        if wish.calls:
            for part, wanted, _ in noted:
                part.last = wanted // wish.calls
        self._note(wish)
        return None

    def close(
        self, fault: Fault | None, usage: Usage | None, status: int, content: bool, fared: Sequence[Fared] = ()
    ) -> int | None:
        """The attempt has ended; gives what it cost in nano-dollars, None where its price is not known. `fared` are its
        calls, where several were made side by side."""
        target, calls = self._target, self._calls
        if target is None:
            return None
        if len(fared) == calls > 1 and not self._worst:
            bill, (usd, tokens) = USAGE, side_by_side(fared, target.price, self._most, self._last_usd)
        else:
            bill = WORST if self._worst else bill_of(fault, usage, status, content=content, calls=calls)
            bill, usd, tokens = self._billed_as(bill, target, usage)
        self._target = None
        self._total += usd
        for name in charge(self._current, bill, usd, tokens):
            self._overrun(name, target.name)
        return None if target.price is None else usd

    def _billed_as(self, bill: Bill, target: Target, usage: Usage | None) -> tuple[Bill, int, int]:
        """What the attempt as a whole comes to, nano-dollars and tokens."""
        if bill is WORST or (bill is USAGE and self._calls > 1 and self._untold(usage) > 0):
            return WORST, self._usd, 0
        if bill is not USAGE or usage is None:
            return bill, self._lost_usd, 0
        priced = 0 if target.price is None else self._cost(target.price, usage)
        return bill, self._lost_usd + priced, usage.billed

    def beside(self, tokens: int) -> None:
        """The attempt that was closed used so many tokens, which nothing had bounded."""
        for part in self._current:
            if part.unit == "tokens":
                part.charged += tokens

    def settle(self) -> None:
        """All of it, once: what is called again has nothing to settle."""
        parts = [*(self._general or ()), *self._special.values()]
        self._general, self._current, self._special = [], (), {}
        for part in parts:
            if part.charged:
                self._refresh(part)
            if part.charged or part.held:
                self._ledger.settle(part, part.charged)

    def _stopped(self, part: Part) -> Refused | None:
        """Why a balance that has come so far stops the request. Raises Downgraded."""
        budget, balance = part.budget, part.balance
        if part.loose or self._calls:  # an answer that has begun is stopped by nothing but what is left
            return None
        gives_way = budget.when_spent == "downgrade" and not self._stays
        if gives_way and balance.spent_in_all >= budget.downgrade_from * balance.limit:
            self._give_way(part)
        if not budget.hard and budget.when_spent == "reject" and balance.spent_in_all >= balance.limit:
            return refusals.spent(part.whose, self._ledger.now())
        return None

    def _give_way(self, part: Part) -> None:
        part.loose = True
        self._notes.append(f"{part.budget.name};downgraded")
        raise Downgraded(part.budget.downgrade_to, refusals.spent(part.whose, self._ledger.now()))

    def _denied(self, denied: Denied, growing: Iterable[Part]) -> Refused:
        part = next(part for part in growing if part.balance is denied.balance)
        if denied.away:
            return refusals.away(part.whose, denied.away)
        if part.budget.when_spent == "downgrade" and not self._calls and not self._stays:
            self._give_way(part)
        if denied.held:
            return refusals.taken(part.whose)
        self._budgets.emptied(part.whose)
        return refusals.spent(part.whose, self._ledger.now(), denied.balance.lost)

    def _untold(self, usage: Usage | None) -> int:
        """Calls that told no counts, where all that were made again are known to be lost."""
        return self._calls - self._lost_calls - (max(1, len(usage.calls)) if usage is not None else 0)

    def _cost(self, price: Price, usage: Usage) -> int:
        """Of calls that did not tell their counts only the fee is known."""
        untold = self._calls - (len(usage.calls) or 1)
        one = cost(price, usage)
        return one if untold <= 0 else min(one + untold * price.request, self._usd - self._lost_usd)
