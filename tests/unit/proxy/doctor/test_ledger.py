"""The doctor says whether budgets can be kept, and what to do where they cannot."""

import pytest

from proxy.clock import SystemClock
from proxy.config.spending import Budget, LedgerSettings, Spending
from proxy.doctor.ledger import look

DAILY = (Budget("daily", "usd", 1, "day"),)


async def found(url):
    return await look(Spending(DAILY, ledger=LedgerSettings(url)), SystemClock())


async def test_where_nothing_is_kept_there_is_nothing_to_look_at():
    finding = await look(Spending(), SystemClock())
    assert (finding.verdict, finding.detail) == ("skip", "nothing is kept")


async def test_a_file_that_can_be_written_is_told_to_be_well(tmp_path):
    finding = await found(f"sqlite:///{tmp_path}/ledger.db")
    assert finding.verdict == "ok" and "can be written to" in finding.detail
    assert finding.ms is not None


@pytest.mark.parametrize("content", [b"this is no database, whatever it is called" * 50])
async def test_a_file_that_is_none_is_told_with_what_to_do(tmp_path, content):
    (tmp_path / "ledger.db").write_bytes(content)
    finding = await found(f"sqlite:///{tmp_path}/ledger.db")
    assert finding.verdict == "fail" and finding.fix and "ledger.db" in finding.detail


async def test_a_store_that_is_not_there_is_told_with_what_to_do():
    finding = await found("redis://127.0.0.1:1/0")
    assert finding.verdict == "fail" and "[ledger] url" in finding.fix
