"""Looking at a running proxy again and again, until it is interrupted."""

from collections.abc import Callable
from typing import NoReturn, TypeVar

from proxy.cli.options import Stop

T = TypeVar("T")
CLEAR = "\x1b[H\x1b[2J"
"""Empties a terminal."""


def watch(first: T, look: Callable[[], T], told: Callable[[T], str], every_s: float, *, plain: bool) -> NoReturn:
    """Prints `first` and then what each look finds, as `told` says it, in the place of the one before where there is a
    terminal and `plain` does not forbid it. A proxy that does not answer, as while it is started anew, is told of and
    waited for."""
    import sys  # noqa: PLC0415 - see the package's docstring

    clear = CLEAR if not plain and sys.stdout.isatty() else ""
    found: T | None = first
    while True:
        if found is not None:
            print(f"{clear}{told(found)}", flush=True)
        pause(every_s)
        try:
            found = look()
        except Stop as stop:
            found = None
            print(clear, end="", flush=True)
            print(*(f"sidestep: {line}" for line in stop.lines), sep="\n", file=sys.stderr, flush=True)


def pause(seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - see the package's docstring

    from proxy.clock import SystemClock  # noqa: PLC0415 - likewise

    asyncio.run(SystemClock().sleep(seconds))
