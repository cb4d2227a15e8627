"""Which store an address names."""

from pathlib import Path

from proxy.clock import Clock
from proxy.config.ledger import REDIS, sqlite_file
from proxy.config.spending import LedgerSettings
from proxy.ledger.memory import MemoryStore
from proxy.ledger.store import Store


def store_for(settings: LedgerSettings, clock: Clock, *, hard: bool) -> Store:
    """`hard`: something that is kept there may not be lost or exceeded. Loads what the kind of store needs, and nothing
    else; connects to nothing."""
    if file := sqlite_file(settings.url):
        from proxy.ledger.sqlite import SqliteStore  # noqa: PLC0415 - most processes keep nothing

        return SqliteStore(Path(file), clock)
    if settings.url.startswith(REDIS):
        from proxy.ledger.redis import RedisStore  # noqa: PLC0415 - likewise

        return RedisStore(settings, hard=hard)
    return MemoryStore(clock)
