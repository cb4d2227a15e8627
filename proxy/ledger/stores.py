"""Which store an address names."""

from urllib.parse import unquote

from proxy.clock import Clock
from proxy.config.spending import LedgerSettings
from proxy.ledger.memory import MemoryStore
from proxy.ledger.sqlite import SqliteStore
from proxy.ledger.store import Store

SQLITE = "sqlite:///"


def store_for(settings: LedgerSettings, clock: Clock, *, hard: bool) -> Store:
    """`hard`: something that is kept there may not be lost or exceeded. Loads what the kind of store needs, and nothing
    else; connects to nothing."""
    url = settings.url
    if url.startswith(SQLITE):
        return SqliteStore(unquote(url.removeprefix(SQLITE)), clock)
    if url.startswith(("redis://", "rediss://")):
        from proxy.ledger.redis import RedisStore  # noqa: PLC0415 - most ledgers are files

        return RedisStore(settings, hard=hard)
    return MemoryStore(clock)
