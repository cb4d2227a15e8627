"""Real processes at one file, some of them killed at any moment."""

from tests.faults.spending import Ordeal


def test_processes_that_are_killed_while_they_spend_lose_nothing_and_overspend_nothing(tmp_path):
    ordeal = Ordeal(tmp_path, limit=2_000_000, processes=4, kills=2)
    assert list(ordeal.broken()) == []
    assert len(ordeal.killed) == 2
    assert all(one.billed for one in ordeal.killed)
