"""Who keeps records stays as long as the settings do."""

import asyncio
import subprocess
import sys

import pytest

from proxy.clock import SystemClock
from proxy.config.spending import LedgerSettings
from proxy.usage.sqlite import SqliteSource
from proxy.usage.writers import Writers


@pytest.fixture
async def writers():
    told = []
    made = Writers(SystemClock(), told.append)
    yield made
    made.keep(())
    await made.close()
    assert told == []


async def test_nobody_keeps_anything_where_nothing_is_to_be_kept(writers):
    for settings in (LedgerSettings(), LedgerSettings("sqlite:///x.db", usage=False), LedgerSettings("memory:")):
        assert writers.writers_for(settings) == ()


async def test_the_same_settings_have_the_same_writer_and_others_another(writers, tmp_path, record):
    settings = LedgerSettings(f"sqlite:///{tmp_path}/one.db", keep_days=3660)
    [first] = writers.writers_for(settings)
    writers.open(first)
    first.note(record())
    assert writers.writers_for(LedgerSettings(f"sqlite:///{tmp_path}/one.db", keep_days=3660)) == (first,)
    [other] = writers.writers_for(LedgerSettings(f"sqlite:///{tmp_path}/two.db"))
    assert other is not first
    writers.open(other)
    writers.keep((other,))
    assert writers.opened == (other,)
    await writers.close()
    kept = await asyncio.to_thread(lambda: list(SqliteSource(f"{tmp_path}/one.db").records(None, None)))
    assert kept == [record()]


async def test_beside_redis_a_file_is_kept_where_one_is_named(writers, tmp_path):
    found = writers.writers_for(LedgerSettings("redis://127.0.0.1:1/0", file=f"{tmp_path}/beside.db"))
    assert [one._sink.place for one in found] == [
        f"{tmp_path}/beside.db", "Redis at 127.0.0.1:1, stream sidestep:{ledger}:usage",
    ]  # fmt: skip


def test_a_process_that_keeps_nothing_loads_nothing_that_keeps():
    code = "import proxy.app, sys; print([name for name in sys.modules if 'sqlite' in name or 'usage.writer' == name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
