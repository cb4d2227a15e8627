"""`python -m tests.soak soak|overload`: runs of minutes, behind `make soak` and `make overload`.

The exit code is 1 when a claim was broken. Both run a real `sidestep serve` and scripted providers, the proxy on one
core and all else on the others.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import uvloop

from tests.bench.machine import described
from tests.bench.servers import NotReady
from tests.soak import overload, soak
from tests.soak.verdict import Claim, document, lines, ok

Found = tuple[dict[str, Any], list[str], list[Claim]]
"""Facts, the same in words, and the claims."""


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    overload.allow_files()
    machine = [*described(), f"Load average: {os.getloadavg()[0]:.1f} at the start"]
    try:
        facts, told, claims = options.play(options)
    except (NotReady, RuntimeError) as error:
        print(f"tests.soak: {error}", file=sys.stderr)
        return 1
    machine[-1] += f", {os.getloadavg()[0]:.1f} at the end, of the run itself among others"
    if options.json:
        print(document({"machine": machine, **facts}, claims))
    else:
        print("\n".join([*machine, "", *told, "", *lines(claims)]))
    return 0 if ok(claims) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n\n")[2])
    runs = parser.add_subparsers(required=True)
    soaking = _run(runs, "soak", "half of the capacity, with faults", 5.0, _soak)
    soaking.add_argument("--seed", type=int, default=1, help="of faults and clients (1)")
    overloading = _run(runs, "overload", "three times the capacity", 1.0, _overload)
    overloading.add_argument("--scene", choices=[scene.name for scene in overload.SCENES], help="this one alone")
    return parser


def _run(
    runs: Any, name: str, help_: str, minutes: float, play: Callable[[argparse.Namespace], Found]
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = runs.add_parser(name, help=help_)
    one.add_argument("--minutes", type=float, default=minutes, help=f"of load ({minutes:g})")
    one.add_argument("--json", action="store_true")
    one.set_defaults(play=play)
    return one


def _soak(options: argparse.Namespace) -> Found:
    run = uvloop.run(soak.played(options.minutes * 60, options.seed, _say))
    return soak.facts(run), soak.told(run), soak.claims(run)


def _overload(options: argparse.Namespace) -> Found:
    scenes = [scene for scene in overload.SCENES if options.scene in (None, scene.name)]
    runs = []
    for scene in scenes:
        _say(f"{scene.name} ...")
        runs.append(uvloop.run(overload.played(scene, options.minutes * 60)))
    told = [line for run in runs for line in overload.told(run)]
    return (
        {"scenes": [overload.facts(run) for run in runs]},
        told,
        [one for run in runs for one in overload.claims(run)],
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
