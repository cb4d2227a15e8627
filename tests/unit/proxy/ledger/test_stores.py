"""An address names its store."""

import pytest

from proxy.config.spending import LedgerSettings
from proxy.ledger.memory import MemoryStore
from proxy.ledger.redis import RedisStore
from proxy.ledger.sqlite import SqliteStore
from proxy.ledger.stores import store_for


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("", MemoryStore),
        ("memory:", MemoryStore),
        ("sqlite:////tmp/x.db", SqliteStore),
        ("redis://127.0.0.1:6379/0", RedisStore),
        ("rediss://127.0.0.1:6379/0", RedisStore),
    ],
)
async def test_an_address_names_its_store_and_nothing_is_opened(url, kind):
    assert type(store_for(LedgerSettings(url), None, hard=True)) is kind
