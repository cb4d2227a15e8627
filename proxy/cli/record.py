"""`sidestep record`: serves as `sidestep serve` does, and writes down what passes for `sidestep replay`."""

import argparse
from typing import TYPE_CHECKING

from proxy.cli import serve
from proxy.cli.options import Stop

if TYPE_CHECKING:
    from proxy.cli.options import Commands
    from proxy.config.values import RecordSettings

BYTES = 64 * 1024 * 1024


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "record",
        help="run the proxy, and write exchanges down for `sidestep replay`",
        description="Runs the proxy as `sidestep serve` does and adds each exchange to FILE, a JSON object a line: the "
        "request, the answer and every call to a provider, with their times. Keys, credentials, thinking signatures "
        "and pictures are never written, and what is said is blanked unless --texts. The newest are kept: a full FILE "
        "becomes FILE.1. A running proxy begins and stops by [record] in its configuration and a reload.",
    )
    parser.add_argument("file", metavar="FILE", help="where to write; added to where it is a recording already")
    parser.add_argument(
        "--bytes",
        type=int,
        default=BYTES,
        metavar="N",
        help=f"what FILE and FILE.1 may take together (default: {BYTES})",
    )
    parser.add_argument("--texts", action="store_true", help="keep what is said in prompts and answers")
    serve.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from proxy.config.values import RecordSettings  # noqa: PLC0415 - see the package's docstring

    return serve.serve(arguments, RecordSettings(arguments.file, arguments.bytes, arguments.texts), writable)


def writable(record: "RecordSettings") -> None:
    """Raises Stop where nothing could be written: this is what the command is for."""
    from proxy.recording.file import Rotating, why_not  # noqa: PLC0415 - see the package's docstring

    file = Rotating(record.file, record.bytes)
    try:
        file.open()
    except OSError as error:
        raise Stop(why_not(record.file, error)) from None
    file.close()
