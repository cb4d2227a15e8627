"""What of money matters outlives a configuration: the ledger and the rates.

A ledger stays as long as its settings do, over reloads; one that is replaced gives back what it has in hand once its
last request has ended. Where no budget asks for one, as where rates alone are configured, it is kept in memory.

What counts, with its ledger and its stores, is loaded once a configuration asks for it.
"""

import os
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from proxy.clock import Clock
from proxy.config.spending import Spending
from proxy.config.values import Config
from proxy.lasting import Lasting

if TYPE_CHECKING:
    from proxy.budgets.budgets import Held
    from proxy.budgets.paying import Emptied, Kept, Paying
    from proxy.budgets.rates import Rates
    from proxy.budgets.reckoning import Overrun
    from proxy.ledger.balance import Balance

Looked = Callable[["Held"], None]
"""Is told a balance whose spending has moved."""


class Till(Lasting["Kept"]):
    """Used in one running loop."""

    def __init__(self, clock: Clock, looked: Looked, overrun: "Overrun", emptied: "Emptied" = lambda _: None) -> None:
        """`looked` is told whatever moved the spending of a budget, `emptied` whatever had too little left."""
        super().__init__()
        self._clock = clock
        self._looked = looked
        self._overrun = overrun
        self._emptied = emptied
        self._rates: Rates | None = None
        self._serving: Paying | None = None

    def paying_for(self, config: Config) -> "Paying | None":
        """For exchanges under this configuration; None where nothing is limited and nothing is kept."""
        spending = config.spending
        limits = [spending.max_cost_per_request, *(one.max_cost_per_request for one in config.clients.values())]
        limits += [one.max_cost_per_request for one in config.selection.strategies.values()]
        if not (spending.budgets or spending.rates or spending.ledger.url) and all(limit is None for limit in limits):
            return None
        return self._paying(spending)

    def follow(self, paying: "Paying | None") -> None:
        """Who comes now comes under this."""
        self._serving = paying
        if self._rates is not None:
            self._rates.follow(() if paying is None else paying.spending.rates)
        if paying is not None:
            self.open(paying.kept)

    async def ready(self) -> None:
        """Returns once the store has been looked for, found or not."""
        if self._serving is not None:
            await self._serving.kept.ready()

    def keep(self, used: Collection["Paying | None"]) -> None:
        """Nobody asks the other ledgers any more. Waits for nothing."""
        kept = [paying.kept for paying in used if paying is not None]
        for one in self.opened:
            if one not in kept:
                self.end(one)

    @property
    def unfit(self) -> str:
        """Why requests under a hard budget cannot be served until somebody does something; empty where they can."""
        paying = self._serving
        return paying.kept.ledger.unfit if paying is not None and _holds(paying.spending) else ""

    async def mark(self, name: str, expires: int) -> bool:
        """Whether the store hears this name for the first time; forgotten from `expires` on. Raises Away or Unfit."""
        paying = self._serving
        return paying is None or await paying.kept.ledger.mark(name, expires)

    def fractions(self) -> Mapping[str, float]:
        """How much of each budget is spent, as a part of it."""
        return {} if self._serving is None else self._serving.budgets.fractions()

    async def looked_up(self) -> dict[str, Any]:
        """What `/budgets` shows: `state` as the store has it now, where it answers in time."""
        if self._serving is not None:
            await self._serving.budgets.look()
        return self.state()

    async def watched(self) -> None:
        """The same for whoever looks every second: of the budgets that are one balance the store is asked."""
        if self._serving is not None:
            await self._serving.budgets.look(each=False)

    def state(self) -> dict[str, Any]:
        """How far budgets are, as last heard."""
        paying = self._serving
        if paying is None:
            return {"budgets": [], "store": None}
        return {"budgets": [*paying.budgets.state()], "store": paying.kept.ledger.trouble or "ok"}

    def _paying(self, spending: Spending) -> "Paying":
        from proxy.budgets import paying, rates  # noqa: PLC0415 - most processes limit nothing and keep nothing
        from proxy.ledger.ledger import Ledger  # noqa: PLC0415 - likewise
        from proxy.ledger.stores import store_for  # noqa: PLC0415 - likewise

        if self._rates is None:
            self._rates = rates.Rates((), self._clock)
        settings, hard = spending.ledger, _holds(spending)
        kept: Kept | None = next((one for one in self.opened if one.serves(settings, hard=hard)), None)
        if kept is None:
            store = store_for(settings, self._clock, hard=hard)
            kept = paying.Kept(settings, hard=hard, ledger=Ledger(store, self._clock, os.urandom(8).hex(), self._moved))
        return paying.Paying(spending, kept, self._rates, self._overrun, self._emptied)

    def _moved(self, balance: "Balance") -> None:
        held = self._serving and self._serving.budgets.known(balance)
        if held:
            self._looked(held)


def _holds(spending: Spending) -> bool:
    """Whether anything is limited hard."""
    return any(budget.hard for budget in spending.budgets)
