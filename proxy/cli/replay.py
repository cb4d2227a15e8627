"""`sidestep replay`: plays a recording again, without keys or a network, and tells what differs."""

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from proxy.cli.options import Stop, add_config, add_json, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.cli.options import Commands
    from proxy.config.values import Config
    from proxy.recording.form import Line
    from proxy.replay.compare import Difference

WIDTH = 12


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "replay",
        help="play what was recorded again, offline, and tell what differs",
        description="Runs the exchanges that `sidestep record` wrote through routing, translation and failover again, "
        "with the providers' recorded answers at their recorded times, and compares what was called, what it was sent, "
        "what became of it and what the client got. Needs no key and no network, and takes no time. Another "
        "configuration shows what it would have done. Exit code 0 when nothing differs, 1 when something does.",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a recording; FILE.1 and FILE are one")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from proxy.app import build  # noqa: PLC0415 - see the package's docstring
    from proxy.replay.compare import differences  # noqa: PLC0415 - likewise
    from proxy.replay.play import foreign, played, unplayed  # noqa: PLC0415 - likewise
    from proxy.replay.reading import read  # noqa: PLC0415 - likewise

    config = _config(arguments.config)
    recording = read(arguments.files)
    other = foreign(config, recording.lines)
    problems = (*recording.problems, *filter(None, [unplayed(config), other]))
    for problem in problems:
        print(f"sidestep: {problem}", file=sys.stderr)
    if not recording.lines:
        raise Stop("there is no exchange to play")
    with _nowhere() as nowhere:
        plays = played(partial(build, log=nowhere), config, recording.lines)
    found = [(one.line, differences(one)) for one in plays]
    if arguments.json:
        import json  # noqa: PLC0415 - likewise

        print(json.dumps(data(found, problems), indent=2))
    else:
        told = list(lines(found))
        print(*(told[-1:] if other else told), sep="\n")
    return 1 if any(differing for _, differing in found) else 0


def _config(path: str | None) -> "Config":
    from proxy.config.errors import ConfigErrors  # noqa: PLC0415 - see the package's docstring
    from proxy.config.load import load  # noqa: PLC0415 - likewise

    try:
        return load(path, os.environ, offline=True).config
    except ConfigErrors as error:
        raise refusal(error) from None


def _nowhere() -> "BinaryIO":
    """For the log of what is played."""
    from pathlib import Path  # noqa: PLC0415 - see the package's docstring

    return Path(os.devnull).open("wb", buffering=0)


def lines(found: "list[tuple[Line, list[Difference]]]") -> "Iterator[str]":
    """What differs, an exchange after the other, and the sum."""
    for line, differing in found:
        if not differing:
            continue
        yield f"{line.id} {line.endpoint} {line.model}"
        for one in differing:
            yield f"  {one.what:{WIDTH}}{one.recorded}"
            yield f"  {'':{WIDTH - 3}}-> {one.replayed}"
    different = sum(bool(differing) for _, differing in found)
    noun = "exchange" if len(found) == 1 else "exchanges"
    yield f"{len(found)} {noun}: {len(found) - different} the same, {different} different"


def data(found: "list[tuple[Line, list[Difference]]]", problems: "tuple[str, ...]") -> dict[str, Any]:
    """The same in JSON's terms, those without a difference among them."""
    from msgspec import structs  # noqa: PLC0415 - see the package's docstring

    told = [
        {
            "id": line.id,
            "endpoint": line.endpoint,
            "model": line.model,
            "differences": [structs.asdict(one) for one in differing],
        }
        for line, differing in found
    ]
    return {
        "exchanges": told,
        "same": sum(not one["differences"] for one in told),
        "different": sum(bool(one["differences"]) for one in told),
        "problems": list(problems),
    }
