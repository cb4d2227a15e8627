"""What one exchange reserves and is billed, in the way that nearly all of them go.

They make one attempt, under hard budgets alone, and are billed no more than that could cost: it is held and given back
in plain numbers. Where no budget and no limit concerns an exchange, nothing is held at all, and the most that its
attempt can cost is looked at only if nobody tells what it did. Whatever comes to more goes on as a `Reckoning`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from proxy.budgets.budgets import Budgets, Found
from proxy.budgets.most import most_of
from proxy.budgets.reckoning import Overrun, Reckoning
from proxy.config.values import Target
from proxy.flow import Fared, Most, Refused, Who
from proxy.ledger.balance import Amounts
from proxy.ledger.ledger import Ledger
from proxy.pricing.cost import cost, worst
from translators.faults import Fault
from translators.ir import Usage

_NOTHING: Final = (0, 0, 0)
_NOWHERE: Final = Found((), (), 0, 0.0, 0.0)
"""What an exchange counts in that no budget concerns, or that is settled."""


class Spend(Struct, eq=False):
    """One exchange's. `bears` or `cover` before each attempt and `close` after it; `settle` at the end."""

    _budgets: Budgets
    _ledger: Ledger
    _overrun: Overrun
    """See `Reckoning`."""
    _who: Who
    _limit: int | None
    """Nano-dollars that the request may cost at most; None for any."""
    bounded: bool
    """Whether the most an answer can cost must be known."""
    stays: bool = False
    """No other model can answer it (vectors, stored answers, what passes through): nothing gives way. Set before the
    first attempt."""
    notes: list[str] = []
    """What the answer says of budgets: `NAME;downgraded`."""
    _found: Found | None = None
    """What the only attempt counts in; None before it."""
    _held: Amounts = _NOTHING
    """What each of these balances holds for it, by its unit."""
    _billed: Amounts | None = None
    """What that came to; None before the attempt's end."""
    _target: Target | None = None
    """The attempt's, while it is under way."""
    _sent: tuple[bytes, Mapping[str, Any]] | None = None
    """Its call's body, where what that can cost is not looked at yet."""
    _most: Most = Most(0, 0)
    """The most of it, else."""
    _calls: int = 0
    _reckoning: Reckoning | None = None

    def at_most(self, limit: int) -> None:
        """One more limit of what the request may cost, before its first attempt; the least of them holds."""
        self._limit = limit if self._limit is None else min(self._limit, limit)
        self.bounded = True

    def bears(self, target: Target, body: bytes, fields: Mapping[str, Any], calls: int) -> bool:
        """Whether a conversation's only attempt is paid for by what is in hand. Where it is not, nothing has happened,
        and `cover` says whether and why."""
        if self._found is not None or self._reckoning is not None:
            return False
        budgets = self._budgets
        if budgets.none and self._limit is None:
            self._found, self._target, self._calls, self._sent = _NOWHERE, target, calls, (body, fields)
            return True
        if not budgets.plain or target.price is None:
            return False
        return self._plainly(target, most_of(target, body, fields), calls)

    async def cover(self, target: Target, most: Most, calls: int = 1) -> Refused | None:
        """Reserves what an attempt at `target` can cost. Gives why it may not be made; None where it may. Raises
        Downgraded."""
        first = self._found is None and self._reckoning is None
        if first and self._budgets.plain and self._plainly(target, most, calls):
            return None
        return await self._more().cover(target, most, calls)

    async def further(self, more: int) -> Refused | None:
        """The same for a call that goes on from what the latest one said; its body is so many bytes longer."""
        return await self._more().further(more)

    async def again(self, fault: Fault, usage: Usage | None, status: int) -> Refused | None:
        """The same where the latest call failed and is to be made again: what it told, or may have cost, is lost."""
        return await self._more().again(fault, usage, status)

    def close(
        self, fault: Fault | None, usage: Usage | None, status: int, content: bool, fared: Sequence[Fared] = ()
    ) -> int | None:
        """The attempt has ended; gives what it cost in nano-dollars, None where its price is not known. `fared` are its
        calls, where several were made side by side."""
        target = self._target
        if target is not None and fault is None and usage is not None and self._calls == 1:
            price = target.price
            usd = 0 if price is None else cost(price, usage)
            if self._sent is not None:
                self._target = None
                return None if price is None else usd
            held, tokens = self._held, usage.billed if usage.calls else usage.input + usage.output
            if usd <= held[0] and tokens <= held[1]:
                self._target, self._billed = None, (usd, tokens, 1)
                return usd
        return self._more().close(fault, usage, status, content, fared)

    def beside(self, tokens: int) -> None:
        """The attempt that was closed used so many tokens, which nothing had bounded."""
        self._more().beside(tokens)

    def settle(self) -> None:
        """All of it, once: what is called again has nothing to settle."""
        if self._reckoning is not None:
            self._reckoning.settle()
            return
        found, self._found = self._found, _NOWHERE
        if found is not None and found.seats:
            self._ledger.release(found.seats, self._held, self._billed or _NOTHING)

    def _plainly(self, target: Target, most: Most, calls: int) -> bool:
        """Whether what a first attempt may come to was in hand, where nothing has to be looked at but that."""
        price, output = target.price, most.output
        if price is None or output is None or most.hosted is not None:
            return False
        usd, tokens = worst(price, most.input, output, most.tier), most.input + output
        if calls > 1:
            usd, tokens = usd * calls, tokens * calls
        # What nothing is held of may be dropped meanwhile.
        if not usd or (self._limit is not None and usd > self._limit):
            return False
        held = usd, tokens, 1
        found = self._budgets.of_request(self._who)
        if not self._ledger.hold(found.seats, held):
            return False
        self._found, self._held = found, held
        self._target, self._most, self._calls = target, most, calls
        return True

    def _more(self) -> Reckoning:
        """The exchange comes to more than its plain attempt: what that holds and was billed goes on in parts."""
        more = self._reckoning
        if more is None:
            more = self._reckoning = Reckoning(
                *(self._budgets, self._ledger, self._overrun, self._who, self._limit, self.notes), stays=self.stays
            )
            if self._found is not None:
                more.goes_on(self._found, self._held, self._billed)
            target, self._target = self._target, None
            if target is not None:
                most = self._most if self._sent is None else most_of(target, *self._sent)
                more.under_way(target, most, self._calls)
        return more


def spend_of(budgets: Budgets, ledger: Ledger, overrun: Overrun, who: Who, limit: int | None) -> Spend:
    """An exchange's, once it is known whose it is."""
    return Spend(budgets, ledger, overrun, who, limit, limit is not None or budgets.bounded)
