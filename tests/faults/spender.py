"""A process that spends from one budget, with many tasks, until nothing is left: a module to be run.

Each bill is on the disk, in a file of this life's name, before it is settled; a line goes out for every HUNDRED.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from proxy.clock import SystemClock
from proxy.ledger import ledger as lasting
from proxy.ledger.balance import Line
from proxy.ledger.ledger import Ledger
from proxy.ledger.sqlite import SqliteStore

TASKS = 20
MOST = 1_000
LONGEST_S = 0.03
PATIENCE = 15
"""Refusals of the smallest amount, after which nothing is left."""
PAUSE_S = 0.1
HUNDRED = 100
KEY = "everyone||today"


lasting.CLOSE_S = 30.0  # on a machine that is busy with other tests, too


async def main(folder, life, limit):
    clock = SystemClock()
    ledger = Ledger(SqliteStore(Path(folder) / "ledger.db", clock, timeout_s=5.0), clock, life)
    await ledger.open()
    bills = os.open(Path(folder) / f"{life}.bills", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def dice(most):
        return 1 + int(clock.uniform() * most)

    written = 0

    async def spend():
        nonlocal written
        amount, denied = dice(MOST), 0
        while denied < PATIENCE:
            line = Line(ledger.balance(KEY, limit, clock.wall() + 3_600), amount)
            if not ledger.take([line]) and await ledger.obtain([line]):
                denied += amount == 1
                amount = max(1, amount // 2)
                await clock.sleep(PAUSE_S)
                continue
            spent = dice(amount)
            os.write(bills, f"{spent}\n".encode())
            await clock.sleep(LONGEST_S * clock.uniform())
            ledger.settle(line, spent)
            written += 1
            amount, denied = dice(MOST), 0
            if written % HUNDRED == 0:
                print(written, flush=True)

    await asyncio.gather(*(spend() for _ in range(TASKS)))
    await ledger.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
