"""`python -m tests.fuzz [--seconds N] [--target NAME ...] [--replay FILE ...]`: fuzzes the targets, one after another.

NAME is a target, or what several begin with (`reader`). Inputs that were worth keeping stay in `.fuzz/NAME`, where the
next run goes on. The exit code is 1 when an invariant was broken: the input is told, and `--replay` shows what breaks.
Put it into `tests/fuzz/corpus/NAME` under a name that says what is wrong, and mend the code.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.catalog import TARGETS

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".fuzz"
SECONDS = 60
BROKEN = ("crash-", "timeout-", "oom-", "leak-")
SPENT = re.compile(r"stat::number_of_executed_units: +(\d+)")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"for each target ({SECONDS})")
    parser.add_argument("--target", action="append", metavar="NAME", help="a target, or what several begin with (all)")
    parser.add_argument(
        "--replay", action="append", metavar="FILE", type=Path, help="run the target on this input only"
    )
    options = parser.parse_args(arguments)
    names = [name for name in TARGETS if name.startswith(tuple(options.target or [""]))]
    if not names:
        parser.error(f"no such target; there are {', '.join(TARGETS)}")
    if options.replay:
        for path in options.replay:
            for name in names:
                TARGETS[name](path.read_bytes())
        return 0
    return 1 if [name for name in names if not fuzzed(name, options.seconds)] else 0


def fuzzed(name: str, seconds: int) -> bool:
    """Whether the target held; what was done is told in one line."""
    kept, began = KEPT / name, time.monotonic()  # noqa: TID251 - how long it took is all that is told
    before = set(broken(kept))
    command = [sys.executable, "-m", "tests.fuzz.drive", name, str(seconds), str(kept)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    runs = SPENT.search(child.stderr)
    new = sorted(set(broken(kept)) - before)
    took = time.monotonic() - began  # noqa: TID251 - likewise
    told = f"{int(runs[1]):,} inputs" if runs else child.stderr.strip().rpartition("\n")[2] or "nothing was run"
    verdict = "held" if child.returncode == 0 and not new else "BROKEN"
    print(f"{name:28} {verdict:7} {told} in {took:.0f} s", *new, sep="\n  ", flush=True)
    return verdict == "held"


def broken(kept: Path) -> list[str]:
    """Inputs that broke an invariant, as paths to copy."""
    return [str(path.relative_to(ROOT)) for path in kept.glob("*") if path.name.startswith(BROKEN)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
