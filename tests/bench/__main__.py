"""`python -m tests.bench [--quick] [--write FILE] [name ...]`: the figures of the performance document.

Proxy and baseline run on one core, the scripted provider and the load on the other. A whole run takes about five
minutes, a quick one one and a half. The exit code is 1 when a bar was missed or a figure could not be measured.
"""

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from tests.bench import servers
from tests.bench.figures import FIGURES, Bench
from tests.bench.machine import described
from tests.bench.report import Row, Speed, section, unmeasured, write


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument(
        "name", nargs="*", choices=[*FIGURES, []], help=f"figures to measure (all): {', '.join(FIGURES)}"
    )
    parser.add_argument("--quick", action="store_true", help="short measurements, in a minute and a half")
    parser.add_argument("--write", metavar="FILE", type=Path, help="put the table into the marked section of FILE")
    options = parser.parse_args(arguments)
    names = [name for name in FIGURES if not options.name or name in options.name]
    rows, tools, speed = measured(names, quick=options.quick)
    command = shlex.join(
        ["python", "-m", "tests.bench", *(one for one in arguments if one not in ("--write", str(options.write)))]
    )
    load = f"closed-loop load: {', '.join(sorted(tools))}"
    text = section(rows, [*described(), f"Command: `{command}`; {load}"], speed)
    print(text)
    if options.write:
        write(options.write, text)
    return 1 if any(row.verdict is False for row in rows) else 0


def measured(names: list[str], *, quick: bool) -> tuple[list[Row], set[str], Speed]:
    """The rows of all `names`, the tools that made load, and the machine's speed. A figure that cannot be measured
    is a failed row with the reason."""
    stream_s = 5.0 if quick else 9.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, key = servers.make_certificate(folder)
        with servers.upstream(certificate, key, stream_s) as urls:
            bench = Bench(
                folder=folder,
                certificate=certificate,
                urls=urls,
                seconds=1 if quick else 4,
                turns=3 if quick else 5,
                latency_s=3 if quick else 10,
                stream_s=stream_s,
                counts=(500,) if quick else (500, 1_000),
                starts=2 if quick else 5,
                pair_s=0 if quick else 2,
                rounds=1 if quick else 2,
            )
            rows = [row for one in names for row in attempted(one, bench)]
            speed = bench.speed()
    return rows, bench.tools, speed


def attempted(name: str, bench: Bench) -> list[Row]:
    print(f"measuring {name} ...", file=sys.stderr, flush=True)
    try:
        return FIGURES[name](bench)
    except (servers.NotReady, RuntimeError, ValueError, OSError) as error:
        return [unmeasured(name, error)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
