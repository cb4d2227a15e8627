"""What a model costs at a provider: what the configuration says, or else the table that ships.

The configuration is asked for `provider/model`, then for the model alone, then for `provider/*`. The table knows
vendors, so a provider that names none has no price but a configured one. A price that nobody knows is None, which is
not free.
"""

from collections.abc import Callable, Mapping

from proxy.config.spending import Price
from proxy.config.table import join
from proxy.config.values import Config, Provider
from proxy.pricing.table import Table, shipped


class Prices:
    """Prices as they are now, by the wall clock."""

    def __init__(self, configured: Mapping[str, Price], table: Table, wall: Callable[[], float]) -> None:
        self._configured = configured
        self._table = table
        self._wall = wall

    def price_for(self, provider: Provider, model: str) -> Price | None:
        name = self._named(provider, model)
        if name is not None:
            return self._configured[name]
        row = self._table.find(provider.vendor, model)
        return None if row is None else row.at(self._wall())

    def source(self, provider: Provider, model: str) -> str:
        """Where the price is from: a path of the configuration, or the table's row and date; empty where there is
        none."""
        name = self._named(provider, model)
        if name is not None:
            return join("prices", name)
        row = self._table.find(provider.vendor, model)
        if row is None or row.at(self._wall()) is None:
            return ""
        return f"{row.id} in the table of {self._table.date} ({self._table.source})"

    def turns(self) -> float:
        """Unix seconds: when some price is another one than now."""
        return self._table.turns(self._wall())

    def _named(self, provider: Provider, model: str) -> str | None:
        for name in (f"{provider.name}/{model}", model, f"{provider.name}/*"):
            if name in self._configured:
                return name
        return None


def prices_of(config: Config, wall: Callable[[], float]) -> Prices:
    """The prices under this configuration."""
    return Prices(config.spending.prices, shipped({one.vendor for one in config.providers.values()}), wall)
