"""`sidestep trip`: takes a target of a running proxy out, by an operator's hand."""

import argparse
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from proxy.cli.options import add_json
from proxy.cli.state import add_running, asked
from proxy.cli.tables import printable

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.routing.live import LiveTarget

PATH = "/targets/trip"
FIELD = "target"


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "trip",
        help="take a target of a running proxy out",
        description="Opens the breaker of a target by hand: the running proxy that is asked calls it no more, in "
        "whichever chains it stands, until the breaker's time is up, unless nobody else can be called. Then it comes "
        "back as after any outage: by single requests, and a share that grows. What is under way there ends as it "
        "began.",
    )
    parser.add_argument("target", metavar="TARGET", help="PROVIDER/MODEL, as `sidestep health` shows it")
    add_running(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    found = asked(arguments.admin, arguments.admin_token, PATH, _read, {FIELD: arguments.target})
    if arguments.json:
        import json  # noqa: PLC0415 - see the package's docstring

        print(json.dumps(found, indent=2))
    else:
        print("\n".join(map(printable, lines(_target(found)))))
    return 0


def _read(body: bytes) -> dict[str, Any]:
    """The answer in JSON's terms. Raises msgspec.DecodeError where it tells of no target."""
    import msgspec  # noqa: PLC0415 - see the package's docstring

    found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    _target(found)
    return found


def _target(found: dict[str, Any]) -> "LiveTarget":
    import msgspec  # noqa: PLC0415 - see the package's docstring

    from proxy.routing.live import LiveTarget  # noqa: PLC0415 - likewise

    return msgspec.convert(found, LiveTarget)


def lines(one: "LiveTarget") -> Iterator[str]:
    """How it stands now, as text."""
    out_s = math.ceil(one.breaker.admits_in_s or 0.0)
    yield f"{one.target} is out for {out_s} s; then single requests try it, and its share grows back"
    if one.in_flight:
        yield f"what is in flight there ({one.in_flight}) ends as it began"
    yield "this process was told, and no other: each of several behind one address is told by itself"
