"""What one exchange reserves and is billed, over all of its attempts.

Before an attempt the most it can cost is reserved in every balance it counts in; a switch to another target extends
that by what is missing. The attempt's end turns its part into what it was billed, or into the most where nobody knows.
At the exchange's end, whatever that is, all is settled once.

A budget that gives way to a cheaper model goes on to count what that costs, and stops it no more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import structs

from proxy.budgets import refusals
from proxy.budgets.bills import Bill, bill_of
from proxy.budgets.budgets import Budgets, Found
from proxy.budgets.parts import Part, Wish, at_worst, beyond, charge, grows, lacking, side_by_side, stopping, untold
from proxy.config.spending import Price
from proxy.config.values import Target
from proxy.flow import NOBODY, Downgraded, Fared, Most, Refused, Who
from proxy.ledger.balance import Amounts, Denied, Line
from proxy.ledger.ledger import Ledger
from proxy.pricing.cost import cost, worst
from translators.faults import Fault
from translators.ir import Usage

USAGE: Final = Bill.USAGE
WORST: Final = Bill.WORST

_NOTHING: Final = (0, 0, 0)

Overrun = Callable[[str, str], None]
"""Is told the budget, and the target that cost more than it could."""


class Spend:
    """One exchange's. `begin` once it is known whose it is; then, for each attempt, `cover` before and `close` after
    it; `settle` at the end."""

    # What an exchange begins with stands here: nearly all of them change little of it.
    _who = NOBODY
    _limit: int | None = None
    _general: list[Part] | None = None
    """Of balances that all attempts count in; None before the first."""
    _plain: Found | None = None
    """Those of an only attempt, for which each holds what it may come to: nearly all requests make one, are billed less
    than that, and need no parts. None else."""
    _held: Amounts = ()
    """What each of these holds, by its unit."""
    _billed: Amounts | None = None
    """What that came to; None before the attempt's end."""
    _current: Sequence[Part] = ()
    """Those of the attempt under way."""
    _special: Mapping[str, Part] = {}
    """Of those that attempts at some targets count in, by the balance's key."""
    _target: Target | None = None
    _most: Most
    """Of the attempt's first call."""
    _calls = 0
    _usd = 0
    """As of each part `need`, and what follows as of each `last` and `lost`."""
    _last_usd = 0
    _lost_usd = 0
    _lost_calls = 0
    _worst = False
    """Whatever the attempt comes to, calls of it are not known to be free."""
    _total = 0
    """Nano-dollars of the attempts that have ended."""
    stays = False
    """No other model can answer it (vectors, stored answers, what passes through): nothing gives way."""

    def __init__(self, budgets: Budgets, ledger: Ledger, overrun: Overrun = lambda *_: None) -> None:
        """`overrun` is told where an attempt was billed more than the most it could cost: a bug, here or at the
        provider."""
        self._overrun = overrun
        self._budgets = budgets
        self._ledger = ledger
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

    def at_most(self, limit: int) -> None:
        """One more limit of what the request may cost; the least of them holds."""
        self._limit = limit if self._limit is None else min(self._limit, limit)

    async def cover(self, target: Target, most: Most, calls: int = 1) -> Refused | None:
        """Reserves what an attempt at `target` can cost. Gives why it may not be made; None where it may. Raises
        Downgraded."""
        first = self._general is None and self._plain is None
        if not first:
            self._unfold()
            self._calls = self._usd = self._last_usd = self._lost_usd = self._lost_calls = 0
            self._worst = False
        self._target, self._most = target, most
        if first and self._plainly(target, most, calls):
            return None
        self._current = self._counting(target)
        if self._budgets.may_stop and await self._ledger.look(stopping(self._current, stays=self.stays)):
            self._renew(self._current)
        wish = self._wish(target, most, calls)
        if not isinstance(wish, Refused) and self._taken(wish):
            return None
        return await self._obtained(wish)

    async def extend(self, most: Most, calls: int = 1) -> Refused | None:
        """The same for further calls of the attempt under way."""
        target = self._target
        self._unfold()
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
        self._unfold()
        told = usage if bill is USAGE else None
        price, usd = target.price, self._last_usd
        if told is not None:
            usd = 0 if price is None else cost(price, told)
        self._lost_usd += usd
        self._lost_calls += told is None
        return await self._obtained(Wish.anew(self._current, told, usd))

    def _plainly(self, target: Target, most: Most, calls: int) -> bool:
        """Whether what a first attempt may come to was in hand, where nothing has to be looked at but that."""
        price, output, budgets = target.price, most.output, self._budgets
        if price is None or output is None or not budgets.plain or most.hosted is not None:
            return False
        given = most.input
        usd = one = worst(price, given, output, most.tier)
        tokens = given + output
        if calls > 1:
            usd, tokens = usd * calls, tokens * calls
        # What nothing is held of may be dropped meanwhile.
        if not usd or (self._limit is not None and usd > self._limit):
            return False
        held = usd, tokens, 1
        found = budgets.of_request(self._who)
        if not self._ledger.hold(found.seats, held):
            return False
        self._plain, self._held = found, held
        self._usd, self._last_usd, self._calls = usd, one, calls
        return True

    def _unfold(self) -> None:
        """The exchange comes to more than its plain attempt: what that holds and was billed goes on as parts."""
        found, billed = self._plain, self._billed
        if found is None:
            return
        self._plain = None
        self._general = self._current = [Part(held) for held in found.all]
        for part, (_, unit) in zip(self._general, found.seats, strict=True):
            part.held = self._held[unit]
            if billed is None:
                part.need, part.last = part.held, part.held // self._calls
            else:
                part.charged, part.spare = billed[unit], part.held - billed[unit]

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
        new = {held.balance.key: Part(held) for held in some if held.balance.key not in self._special}
        if new:
            self._special = {**self._special, **new}
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
        self, fault: Fault | None, usage: Usage | None, status: int, *, content: bool, fared: Sequence[Fared] = ()
    ) -> int | None:
        """The attempt has ended; gives what it cost in nano-dollars, None where its price is not known. `fared` are its
        calls, where several were made side by side."""
        target, calls = self._target, self._calls
        if target is None:
            return None
        if calls == 1 and usage is not None and fault is None and self._plain is not None and not self._worst:
            price, held = target.price, self._held
            usd, tokens = 0 if price is None else cost(price, usage), usage.billed
            if usd <= held[0] and tokens <= held[1]:
                self._target, self._billed = None, (usd, tokens, 1)
                self._total += usd
                return usd
        if len(fared) == calls > 1 and not self._worst:
            bill, (usd, tokens) = USAGE, side_by_side(fared, target.price, self._most, self._last_usd)
        else:
            bill = WORST if self._worst else bill_of(fault, usage, status, content=content, calls=calls)
            bill, usd, tokens = self._billed_as(bill, target, usage)
        self._target = None
        self._total += usd
        if self._plain is None or not self._settled_for(self._held if bill is WORST else (usd, tokens, 1)):
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

    def _settled_for(self, billed: Amounts) -> bool:
        """Whether a plain attempt was billed no more than it held."""
        held = self._held
        if billed[0] <= held[0] and billed[1] <= held[1]:
            self._billed = billed
            return True
        self._unfold()
        return False

    def beside(self, tokens: int) -> None:
        """The attempt that was closed used so many tokens, which nothing had bounded."""
        self._unfold()
        for part in self._current:
            if part.unit == "tokens":
                part.charged += tokens

    def settle(self) -> None:
        """All of it, once: what is called again has nothing to settle."""
        plain, self._plain = self._plain, None
        parts, self._general, self._current = self._general or [], [], ()
        if plain is not None:
            self._ledger.release(plain.seats, self._held, self._billed or _NOTHING)
            return
        if self._special:
            parts = [*parts, *self._special.values()]
            self._special = {}
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
        gives_way = budget.when_spent == "downgrade" and not self.stays
        if gives_way and balance.spent_in_all >= budget.downgrade_from * balance.limit:
            self._give_way(part)
        if not budget.hard and budget.when_spent == "reject" and balance.spent_in_all >= balance.limit:
            return refusals.spent(part.whose, self._ledger.now())
        return None

    def _give_way(self, part: Part) -> None:
        part.loose = True
        self.notes.append(f"{part.budget.name};downgraded")
        raise Downgraded(part.budget.downgrade_to, refusals.spent(part.whose, self._ledger.now()))

    def _denied(self, denied: Denied, growing: Iterable[Part]) -> Refused:
        part = next(part for part in growing if part.balance is denied.balance)
        if denied.away:
            return refusals.away(part.whose, denied.away)
        if part.budget.when_spent == "downgrade" and not self._calls and not self.stays:
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
