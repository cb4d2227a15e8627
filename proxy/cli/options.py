"""Options that several commands share, and the loading they lead to."""

import argparse
import os
from typing import TYPE_CHECKING

from proxy.cli.stop import Stop

if TYPE_CHECKING:
    from proxy.config.listeners import Overrides
    from proxy.config.load import Loaded

Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="configuration file (default: the one SIDESTEP_CONFIG names; without either, the environment alone)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def load(arguments: argparse.Namespace, overrides: "Overrides | None" = None, *, code: int = 2) -> "Loaded":
    """The configuration the options name. Raises Stop with every mistake, and `code` as the exit code."""
    from proxy.config.errors import ConfigErrors  # noqa: PLC0415 - see the package's docstring
    from proxy.config.load import load as read  # noqa: PLC0415 - likewise

    try:
        return read(arguments.config, os.environ, overrides)
    except ConfigErrors as error:
        raise Stop(*(str(one) for one in error.errors), code=code) from None
