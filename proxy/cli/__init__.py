"""The command line: a module each for `serve`, `check`, `doctor`, `explain`, `health`, `budgets`, `providers`,
`prices`, `demo`, `drill`, `record`, `replay`, `usage`, `experiment`, `probe`, `key`, `top` and `trip`.

Importing this package and its modules imports the standard library alone; a command imports what it needs when it
runs. So `--help` and `probe` are quick, and a broken dependency cannot keep a probe from telling the truth.

What a person sees of a failure is one line on stderr for each thing wrong, never a traceback. Exit codes: 0 done; 1 it
did not work; 2 wrong usage or configuration; 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import proxy
from proxy.cli import (
    budgets,
    check,
    demo,
    doctor,
    drill,
    experiment,
    explain,
    health,
    key,
    prices,
    probe,
    providers,
    record,
    replay,
    serve,
    top,
    trip,
    usage,
)
from proxy.cli.options import Stop

_DESCRIPTION = """\
A failover proxy for programs that speak to LLM providers. Point the program's base URL
at it; when one provider does not answer, the next one in the chain does.

  sidestep serve                      providers from OPENAI_API_KEY, ANTHROPIC_API_KEY, ...
  export OPENAI_BASE_URL=http://127.0.0.1:4600/v1
"""
_EPILOG = """\
sidestep COMMAND --help tells more of each. A configuration file is read only when
--config or SIDESTEP_CONFIG names it."""


class _Parser(argparse.ArgumentParser):
    """Wrong usage is told in one line, by the command it is wrong for; help to a reader that has left in none."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the process's exit code; wrong usage raises SystemExit(2), as argparse does."""
    _fill_streams()
    told = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser(told).parse_args(told)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except Stop as stop:
        for line in stop.lines:
            _say(line)
        return stop.code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the last resort: a person gets one line, and a place to look at
        return _failed(error)
    return code


def _failed(error: Exception) -> int:
    """Says what went wrong, in a line; the exit code."""
    while isinstance(error, ExceptionGroup):  # of tasks, of which one ended the others
        error = error.exceptions[0]
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    elif isinstance(error, OSError):
        _say(_of_system(error))
    else:
        _say(f"internal error: {type(error).__name__} at {_place(error)}; please report it")
    return 1


def _fill_streams() -> None:
    """Opens what the process was started without of its standard streams: a socket would get the number otherwise."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _parser(told: Sequence[str] = ()) -> argparse.ArgumentParser:
    """With the command that is named first; where none is, with all of them, which takes a while to make."""
    parser = _Parser(
        prog="sidestep", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"sidestep {proxy.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    shown = (
        serve,
        check,
        doctor,
        explain,
        health,
        budgets,
        top,
        trip,
        providers,
        prices,
        demo,
        drill,
        record,
        replay,
        usage,
        experiment,
        probe,
        key,
    )
    named = [module for module in shown if [module.__name__.rpartition(".")[2]] == list(told[:1])]
    for module in named or shown:
        module.add(commands)
    return parser


def _say(line: str) -> None:
    print(f"sidestep: {line}", file=sys.stderr)


def _of_system(error: OSError) -> str:
    what = (error.strerror or type(error).__name__).lower()
    return f"{error.filename}: {what}" if error.filename else what


def _place(error: Exception) -> str:
    """Where our own code raised it, or called what did."""
    import traceback  # noqa: PLC0415 - hardly ever needed

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/proxy/" in frame.filename or "/translators/" in frame.filename] or frames
    return f"{'/'.join(own[-1].filename.split('/')[-2:])}:{own[-1].lineno}"
