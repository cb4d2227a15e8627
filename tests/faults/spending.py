"""Processes that spend one budget from one file, killed at any moment.

Each life writes its bills down before it settles them, so what the file says afterwards can be held against what was
really spent.
"""

import contextlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.faults.spender import KEY

ROOT = Path(__file__).parents[2]


class Life:
    """One process."""

    def __init__(self, folder, number, limit):
        self.name = f"life {number}"
        self.code = None
        self._bills = folder / f"{self.name}.bills"
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.spender", str(folder), self.name, str(limit)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def busy(self):
        """Waits until it has spent a hundred times more, or has ended."""
        self.child.stdout.readline()

    def kill(self):
        self.child.kill()
        self.end()

    def end(self):
        if self.code is None:
            self.child.stdout.read()
            self.child.stdout.close()
            self.code = self.child.wait(60)

    @property
    def killed(self):
        return self.code == -signal.SIGKILL

    @property
    def billed(self):
        return sum(map(int, self._bills.read_text().split())) if self._bills.exists() else 0


class Ordeal:
    """`processes` at a time spend `limit`; `kills` of them are killed, each as soon as it is busy, and replaced. One
    more is stopped for a while in the middle of what it does."""

    def __init__(self, folder, *, limit, processes, kills):
        self.limit = limit
        self.lives = [Life(folder, number, limit) for number in range(processes)]
        stopped = self.lives[-1]
        for number in range(kills):
            one = self.lives[number if number < processes - 1 else number + 1]
            one.busy()
            if number == 1:
                stopped.child.send_signal(signal.SIGSTOP)
            one.kill()
            self.lives.append(Life(folder, len(self.lives), limit))
        self.lives[-1].busy()
        stopped.child.send_signal(signal.SIGCONT)
        for one in self.lives:
            one.end()
        with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as connection:
            rows = connection.execute("SELECT owner, granted - returned, spent FROM counts WHERE balance = ?", (KEY,))
            self.kept = {owner: (held, spent) for owner, held, spent in rows}
            self.sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    @property
    def charged(self):
        return sum(held for held, _ in self.kept.values())

    @property
    def billed(self):
        return sum(one.billed for one in self.lives)

    @property
    def killed(self):
        return [one for one in self.lives if one.killed]

    def broken(self):
        """Every claim that does not hold."""
        if codes := {one.code for one in self.lives} - {0, -signal.SIGKILL}:
            yield f"processes ended with {codes}"
        if not self.sound:
            yield "the file is damaged"
        if not self.billed <= self.charged <= self.limit:
            yield f"billed {self.billed}, charged {self.charged}, limit {self.limit}"
        if self.charged != self.limit:
            yield f"{self.limit - self.charged} could not be spent"
        for one in self.lives:
            held, spent = self.kept.get(one.name, (0, 0))
            if one.killed and not held >= one.billed >= spent:
                yield f"{one.name} was killed: billed {one.billed}, charged {held}, told {spent}"
            if not one.killed and not held == one.billed == spent:
                yield f"{one.name} ended well: billed {one.billed}, charged {held}, told {spent}"
