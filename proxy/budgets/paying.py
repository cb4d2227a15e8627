"""Where an exchange's money matters begin and end: whose it is, how fast it may come, what it may cost.

A request begins once its body is read, for that may say whose it is, and ends with the exchange, however that ends.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from proxy.budgets.budgets import Budgets, Held
from proxy.budgets.identity import who
from proxy.budgets.rates import Rates
from proxy.budgets.reckoning import Overrun
from proxy.budgets.spend import spend_of
from proxy.config.ledger import REDIS
from proxy.config.spending import LedgerSettings, Spending
from proxy.config.values import Client
from proxy.flow import Exchange, Service, Who
from proxy.ledger.ledger import Ledger
from translators.faults import Kind
from translators.ir import Usage

Emptied = Callable[[Held], None]
"""Is told a balance that had too little left for a request."""
_NEVER_SENT = (Kind.CONNECT, Kind.SHED)
_NOTHING = Usage(input=0, output=0)


class Kept:
    """A ledger, and the settings it was made by."""

    dropped = 0
    """It loses nothing (`proxy.lasting.Closing`)."""

    def __init__(self, settings: LedgerSettings, *, hard: bool, ledger: Ledger) -> None:
        self.settings = settings
        self.hard = hard
        """Whether the store is as safe as hard budgets want it, where that is looked at."""
        self.ledger = ledger
        self._opening: asyncio.Task[None] | None = None

    def serves(self, settings: LedgerSettings, *, hard: bool) -> bool:
        """Whether these settings are kept here too: in the same place, and as safely where that is looked at."""
        own = self.settings
        if own.url != settings.url:
            return False
        if not own.url.startswith(REDIS):
            return True
        return (own.password, own.timeout_s, self.hard) == (settings.password, settings.timeout_s, hard)

    def open(self) -> None:
        self._opening = asyncio.create_task(self.ledger.open())

    async def ready(self) -> None:
        if self._opening is not None:
            await self._opening

    async def close(self) -> None:
        await self.ready()
        await self.ledger.close()


class Paying:
    """For one configuration; what is kept and the rates outlive it."""

    def __init__(self, spending: Spending, kept: Kept, rates: Rates, overrun: Overrun, emptied: Emptied) -> None:
        self.spending = spending
        self.kept = kept
        self._ledger = kept.ledger
        self._rates = rates
        self._paced = bool(spending.rates)
        self._overrun = overrun
        self.budgets = Budgets(spending.budgets, kept.ledger, emptied)

    @property
    def settles(self) -> bool:
        """Whether anything is taken that is to be given back."""
        return self._paced or not self.budgets.none

    def begin(self, exchange: Exchange, payload: Any) -> None:
        """Called once, when `payload` is parsed. Raises Refused where it comes too fast or says what it may not."""
        client, said = exchange.client, exchange.said.whose
        whose = said[1] if said is not None and said[0] is client else _whose(exchange, client, payload)
        exchange.who = whose
        if self._paced and self._rates:
            exchange.pace = self._rates.enter(exchange, whose, exchange.asked)
        limit = client.max_cost_per_request if client is not None else None
        if limit is None:
            limit = self.spending.max_cost_per_request
        spend = exchange.spend = spend_of(self.budgets, self._ledger, self._overrun, whose, limit)
        exchange.budgets = spend.notes

    async def __call__(self, exchange: Exchange, service: Service) -> None:
        """The filter: settles what `begin` opened at the exchange's real end."""
        try:
            await service(exchange)
        finally:
            spend, pace = exchange.spend, exchange.pace
            if spend is not None:
                spend.settle()
            if pace is not None:
                idle = all(one.status >= 300 or one.kind in _NEVER_SENT for one in exchange.attempts)
                pace.settle(_NOTHING if idle else exchange.usage)


def _whose(exchange: Exchange, client: Client | None, payload: Any) -> Who:
    """On whose account it goes; for most clients that is the same whatever their bodies say. Raises as `who` does."""
    found = who(client, exchange.headers, payload, exchange.codec.dialect)
    if client is not None and not client.speaks_for:
        exchange.said.whose = client, found
    return found
