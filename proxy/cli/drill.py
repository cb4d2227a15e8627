"""`sidestep drill`: puts a fault in front of a target of one's own configuration, and tells whether the chain holds."""

import argparse
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.cli.options import Stop, add_config, add_json, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from proxy.cli.options import Commands
    from proxy.config.values import Config
    from proxy.drill.exercise.choice import Choice
    from proxy.drill.exercise.run import StartProxy
    from proxy.upstream.engines import EngineFor

FAULTS = (
    "429", "500", "503", "529", "quota", "auth", "timeout", "stall", "cut", "truncate", "refuse", "garbage", "slow",
)  # fmt: skip
FAULT = "503"
SECONDS, OFFLINE_RATE, RATE = 10.0, 10.0, 5.0


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "drill",
        help="put a fault in front of a target of your own configuration, and see whether its chain holds",
        description="Runs your configuration on free ports, sends a small load, makes one target fail for some seconds "
        "by a scripted provider in front of it, and tells who served, what it cost and when the target was back. "
        "Other calls go to the real providers, unless --offline. Exit code 0 only when the chain held.",
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="provider/model, or a provider (default: the head of the first chain with a second target)",
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--fault", choices=FAULTS, help=f"what the target does (default: {FAULT})")
    faults.add_argument("--all", action="store_true", help="every fault, for whole answers and for streams: a table")
    parser.add_argument(
        "--rate",
        type=_number(0.2, 100),
        metavar="N",
        help=f"requests a second (default: {RATE:g}; {OFFLINE_RATE:g} with --offline)",
    )
    parser.add_argument(
        "--seconds",
        type=_number(1, 3600),
        metavar="N",
        help=f"how long the fault lasts (default: {SECONDS:g}; 1.5 with --all); breaker times shrink to fit",
    )
    parser.add_argument(
        "--client-timeout",
        type=_number(0.5, 3600),
        metavar="SECONDS",
        help="the timeout of your own clients: those of the drill say it as the official SDKs do, and leave, which is "
        "an error, when nothing has come for so long (default: they wait)",
    )
    parser.add_argument("--offline", action="store_true", help="script every provider: needs no key, costs nothing")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def _number(least: float, most: float) -> "Callable[[str], float]":
    def number(text: str) -> float:
        value = float(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}")
        return value

    return number


def run(arguments: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    config = _loaded(arguments)
    choice = _chosen(config, arguments)
    return asyncio.run((_all if arguments.all else _one)(arguments, config, choice))


def _loaded(arguments: argparse.Namespace) -> "Config":
    from proxy.config.errors import ConfigErrors, NoKeys  # noqa: PLC0415 - see the package's docstring
    from proxy.config.load import load  # noqa: PLC0415 - likewise

    try:
        return load(arguments.config, os.environ, offline=arguments.offline).config
    except NoKeys as error:
        raise Stop(
            *(str(one) for one in error.errors), "or drill without any: sidestep drill --offline", code=2
        ) from None
    except ConfigErrors as error:
        raise refusal(error) from None


def _chosen(config: "Config", arguments: argparse.Namespace) -> "Choice":
    from proxy.drill.exercise.choice import NoChoice, choose  # noqa: PLC0415 - see the package's docstring

    try:
        choice = choose(config, arguments.target)
    except NoChoice as error:
        raise Stop(str(error), code=2) from None
    callers = [target.name for target in choice.targets if target.provider.client_key]
    if callers and not arguments.offline:
        raise Stop(f"{callers[0]} is called with the caller's own key, and a drill has none: add --offline", code=2)
    return choice


async def _one(arguments: argparse.Namespace, config: "Config", choice: "Choice") -> int:
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.drill.exercise import telling  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.asking import KINDS  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.judging import judge  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.menu import CASES  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.pace import pace  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.run import exercise  # noqa: PLC0415 - likewise

    case, offline = CASES[arguments.fault or FAULT], arguments.offline
    seconds, client_s = arguments.seconds or SECONDS, arguments.client_timeout
    at = pace(choice.target, case, rate=_rate(arguments), seconds=seconds, offline=offline, client_s=client_s)
    opening = telling.opening(choice, case, at, source=config.source, offline=offline)
    _say(arguments, [*opening, *telling.aside(config)])
    with _proxy() as start:
        seen = await exercise(start, config, choice, case, at, kinds=KINDS, offline=offline, clock=SystemClock())
    found = judge(seen)
    if arguments.json:
        _print_json(telling.data(seen, found))
    else:
        print("", *telling.picture(seen), "", *telling.result(seen, found), sep="\n")
    return 0 if found.held else 1


async def _all(arguments: argparse.Namespace, config: "Config", choice: "Choice") -> int:
    from proxy.clock import SystemClock  # noqa: PLC0415 - see the package's docstring
    from proxy.drill.exercise import matrix, telling  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.menu import CASES  # noqa: PLC0415 - likewise
    from proxy.drill.exercise.pace import pace  # noqa: PLC0415 - likewise

    cases = tuple(CASES.values())
    rate, seconds, offline = _rate(arguments), arguments.seconds or matrix.SECONDS, arguments.offline
    load: dict[str, Any] = {"rate": rate, "seconds": seconds, "offline": offline, "client_s": arguments.client_timeout}
    paces = [pace(choice.target, case, **load) for case in cases]
    opening = matrix.opening(choice, paces, source=config.source, offline=offline)
    _say(arguments, [*opening, *telling.aside(config)])
    with _proxy() as start:
        cells = await matrix.matrix(start, config, choice, clock=SystemClock(), cases=cases, **load)
    if arguments.json:
        _print_json([{"kind": cell.kind, **telling.data(cell.seen, cell.found)} for cell in cells])
    else:
        print("", *matrix.table(cells), sep="\n")
    return 0 if all(cell.found.held for cell in cells) else 1


def _rate(arguments: argparse.Namespace) -> float:
    rate: float = arguments.rate or (OFFLINE_RATE if arguments.offline else RATE)
    return rate


def _say(arguments: argparse.Namespace, lines: "Iterable[str]") -> None:
    """What is about to happen, before it does; beside JSON it goes to stderr."""
    print(*lines, sep="\n", file=sys.stderr if arguments.json else sys.stdout, flush=True)


def _print_json(data: object) -> None:
    import json  # noqa: PLC0415 - see the package's docstring

    print(json.dumps(data, indent=2))


@contextmanager
def _proxy() -> "Iterator[StartProxy]":
    """What starts the proxy that is drilled; its log would stand between the lines, so it goes nowhere."""
    from pathlib import Path  # noqa: PLC0415 - see the package's docstring

    from proxy.app import build  # noqa: PLC0415 - likewise
    from proxy.server import serving  # noqa: PLC0415 - likewise
    from proxy.server.lifecycle import load_the_rest  # noqa: PLC0415 - likewise

    load_the_rest()  # or the first fault would pay for it
    with Path(os.devnull).open("wb") as nowhere:

        @asynccontextmanager
        async def start(
            config: "Config", engine_for: "EngineFor"
        ) -> "AsyncIterator[tuple[str, Callable[[], Mapping[str, Any]]]]":
            async with serving(config, partial(build, log=nowhere, engine_for=engine_for)) as running:
                yield running.data_url, running.app.state

        yield start
