"""`sidestep key new NAME`: a key for a client of this proxy, shown once; the configuration keeps only its digest."""

import argparse
import re
from typing import TYPE_CHECKING

from proxy.cli.options import Stop

if TYPE_CHECKING:
    from proxy.cli.options import Commands

PREFIX = "sk-sidestep-"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "key",
        help="make a key for a client of the proxy",
        description="Keys by which programs are let in to the proxy's data port.",
    )
    what = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    new = what.add_parser(
        "new",
        help="print a new key and the configuration that admits it",
        description="Prints a new key once, and the block of configuration that admits it. Sidestep keeps nothing.",
    )
    new.add_argument("name", metavar="NAME", help="the client's name: letters, digits, dashes and underscores")
    new.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import hashlib  # noqa: PLC0415 - needed only here
    import secrets  # noqa: PLC0415 - likewise

    if not _NAME.match(arguments.name):
        raise Stop("NAME must be 1 to 64 letters, digits, dashes and underscores", code=2)
    key = PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(key.encode()).hexdigest()
    print(
        f"The key, shown this once; the client sends it as its API key:\n\n  {key}\n\n"
        f'For the configuration file:\n\n  [clients.{arguments.name}]\n  key_sha256 = ["{digest}"]\n'
        "  # Everything is open to it, unless you list models and providers; team and speaks_for say who it is.\n\n"
        f"Or without a file:\n\n  SIDESTEP_CLIENT_SHA256={digest}"
    )
    return 0
