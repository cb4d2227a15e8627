"""Real processes at one file, some of them killed at any moment: nothing is overspent, nothing spent is forgotten."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from proxy.clock import SystemClock
from proxy.ledger.sqlite import SqliteStore
from tests.faults.spender import KEY

LIMIT = 3_000_000
ROOT = Path(__file__).parents[2]


class Process:
    def __init__(self, folder, life):
        self.life = life
        self.bills = folder / f"{life}.bills"
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.spender", str(folder), life, str(LIMIT)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def busy(self, hundreds):
        """Waits until it has spent so many times."""
        for _ in range(hundreds):
            self.child.stdout.readline()

    def end(self, number=None):
        if number is not None:
            self.child.send_signal(number)
        self.child.stdout.read()
        self.child.stdout.close()
        return self.child.wait(20)

    @property
    def billed(self):
        return sum(map(int, self.bills.read_text().split())) if self.bills.exists() else 0


@contextlib.contextmanager
def file_of(folder):
    connection = sqlite3.connect(folder / "ledger.db")
    yield connection
    connection.close()


async def test_processes_that_are_killed_while_they_spend_lose_nothing_and_overspend_nothing(tmp_path):
    lives = [Process(tmp_path, f"life {number}") for number in range(4)]
    killed, stopped = lives[:2], lives[3]
    for number, one in enumerate(killed):
        one.busy(1 + number)
        assert one.end(signal.SIGKILL) == -signal.SIGKILL
        lives.append(Process(tmp_path, f"life {len(lives)}"))
    stopped.child.send_signal(signal.SIGSTOP)
    lives[-1].busy(1)
    stopped.child.send_signal(signal.SIGCONT)
    survivors = [one for one in lives if one not in killed]
    assert [one.end() for one in survivors] == [0] * len(survivors)

    store = SqliteStore(tmp_path / "ledger.db", SystemClock(), timeout_s=1.0)
    await store.open()
    await store.close()
    with file_of(tmp_path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT owner, granted - returned, spent FROM counts WHERE balance = ?", (KEY,))
        kept = {owner: (held, spent) for owner, held, spent in rows}
    for one in survivors:
        assert kept.get(one.life, (0, 0)) == (one.billed, one.billed)
    for one in killed:
        held, spent = kept[one.life]
        assert held >= one.billed >= spent
        assert one.billed > 0
    assert sum(one.billed for one in lives) <= sum(held for held, _ in kept.values()) == LIMIT
