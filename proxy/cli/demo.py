"""`sidestep demo`: shows failover at work, with scripted providers on this machine."""

import argparse
import os
import sys
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proxy.cli.options import Commands
    from proxy.config.values import Config


def add(commands: "Commands") -> None:
    parser = commands.add_parser(
        "demo",
        help="watch failover happen, with scripted providers",
        description="Starts the proxy and scripted providers on free ports of this machine, sends a mixed load, takes "
        "the primary down in four ways and brings it back, and prints who served each request. Needs no key and no "
        "network. Exit code 0 only when the client saw no error.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called with its arguments
    import asyncio  # noqa: PLC0415 - see the package's docstring
    from pathlib import Path  # noqa: PLC0415 - likewise

    from proxy.app import build  # noqa: PLC0415 - likewise
    from proxy.drill import demo  # noqa: PLC0415 - likewise
    from proxy.server import serving  # noqa: PLC0415 - likewise

    with Path(os.devnull).open("wb") as nowhere:  # the log would stand between the lines of the table

        @asynccontextmanager
        async def start(config: "Config") -> "AsyncIterator[tuple[str, str]]":
            async with serving(config, partial(build, log=nowhere)) as running:
                yield running.data_url, running.admin_url

        return asyncio.run(demo.run(start, sys.stdout))
