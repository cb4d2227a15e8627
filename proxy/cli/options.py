"""What several commands share: their options, the loading these lead to, and how a command ends early."""

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from proxy.config.errors import ConfigErrors
    from proxy.config.load import Loaded

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


class Stop(Exception):
    """The command cannot go on: `lines` go to stderr, each after `sidestep: `, and `code` is the exit code."""

    def __init__(self, *lines: str, code: int = 1) -> None:
        super().__init__(*lines)
        self.lines: Sequence[str] = lines
        self.code = code


def add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="configuration file (default: the one SIDESTEP_CONFIG names; without either, the environment alone)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def load(path: str | None, *, code: int = 2, keys: bool = True) -> "Loaded":
    """The configuration at `path`, else the one the environment names or describes. Without `keys` a file's need not
    be there: what they are found in has a stand-in, and nobody may be asked with it.

    Raises Stop with every mistake, and `code` as the exit code.
    """
    from proxy.config.errors import ConfigErrors  # noqa: PLC0415 - see the package's docstring
    from proxy.config.load import load as read  # noqa: PLC0415 - likewise
    from proxy.config.load import named_file  # noqa: PLC0415 - likewise

    try:
        return read(path, os.environ, offline=not keys and bool(named_file(path, os.environ)))
    except ConfigErrors as error:
        raise refusal(error, code) from None


def refusal(error: "ConfigErrors", code: int = 2) -> Stop:
    """Every mistake, a line each."""
    return Stop(*(str(one) for one in error.errors), code=code)
