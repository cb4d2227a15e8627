"""The whole matrix: every fault in every way at every pair of dialects, one after the other in this process.

    python -m tests.faults [--engine httpx2] [FAULT ...]

Prints a line a fault, what is not as specified, and what the process holds at the end. Exits with 1 where anything is
wrong or was left behind. A fault that is named is played alone.
"""

import argparse
import gc
import resource
import sys
import time
from pathlib import Path

from tests.faults.cells import every
from tests.faults.playing import Played
from tests.faults.rows import ROWS

SHOWN = 5
"""Of the wrong cells of a fault."""


def resident_mb() -> int:
    """What the process holds now, where the system says; the most it ever held elsewhere."""
    gc.collect()
    told = Path("/proc/self/statm")
    if told.exists():
        return int(told.read_text().split()[1]) * resource.getpagesize() >> 20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def play(faults: list[str], engine: str = "native") -> int:
    """How many cells were wrong, and how many faults left something behind."""
    wrong = count = 0
    with Played(engine) as world:
        for fault in faults:
            began = time.perf_counter()
            cells = list(every(fault))
            found = world.wrong(cells)
            held = world.held()
            left = "" if held == world.before else f", left behind: {held} instead of {world.before}"
            seconds = time.perf_counter() - began
            print(f"{fault:24} {len(cells):5} cells, {len(found)} wrong, {seconds:5.1f} s, {resident_mb()} MB{left}")
            for cell, why in list(found.items())[:SHOWN]:
                print(f"    {cell}: {why}")
            wrong, count = wrong + len(found) + bool(left), count + len(cells)
    print(f"{count} cells, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="python -m tests.faults")
    options.add_argument("--engine", choices=("native", "httpx2"), default="native")
    options.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(ROWS))
    asked = options.parse_args()
    if unknown := set(asked.faults) - set(ROWS):
        options.error(f"no such fault: {', '.join(sorted(unknown))}; there are: {', '.join(ROWS)}")
    sys.exit(1 if play(asked.faults or list(ROWS), asked.engine) else 0)
