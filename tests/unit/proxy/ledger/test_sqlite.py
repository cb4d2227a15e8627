"""Balances in a file."""

import pytest

from proxy.clock import SystemClock
from proxy.ledger.sqlite import SqliteStore
from tests.unit.proxy.ledger.contract import Contract


class InFile:
    def __init__(self, path):
        self._path = path
        self.opened = []

    def store(self):
        self.opened.append(SqliteStore(self._path, SystemClock()))
        return self.opened[-1]

    async def forget(self):
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


class TestSqliteStore(Contract):
    @pytest.fixture
    async def place(self, tmp_path):
        place = InFile(tmp_path / "state" / "ledger.db")
        yield place
        for store in place.opened:
            await store.close()
