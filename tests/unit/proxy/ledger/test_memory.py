"""Balances in memory."""

import pytest

from proxy.clock import SystemClock
from proxy.ledger.memory import SWEEP_EVERY, MemoryStore
from proxy.ledger.store import Ask
from tests.unit.proxy.ledger.contract import Contract, ask, standing, told, wish


class InMemory:
    """Its stores are one."""

    def __init__(self):
        self._store = MemoryStore(SystemClock())

    def store(self):
        return self._store

    async def forget(self):
        self._store.forget("another")


class TestMemoryStore(Contract):
    @pytest.fixture
    def place(self):
        return InMemory()

    async def test_what_has_expired_is_forgotten(self, store):
        old = Ask(key="old", limit=10, least=10, need=10, expires=1)
        await told(store, "one", old, wish(10, "b"))
        for _ in range(SWEEP_EVERY):
            await told(store, "one")
        assert (await standing(store, "two", ask("old"))).total == 0
        assert (await standing(store, "two", ask("b"))).total == 10
