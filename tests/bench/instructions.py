"""`python -m tests.bench.instructions [--keep FOLDER] [name ...]`: the instructions that a request, or a chunk of a
stream, takes in the proxy alone.

Unlike times they do not depend on what else the machine does, so that a change by one in a hundred is seen. The server
runs under `valgrind --tool=callgrind`, which counts what it executes outside the kernel; it serves real sockets, and 32
connections ask at once, as in `make bench`. The counter is set to zero once the server is warm, and read when all that
counts is answered. `--keep` leaves what callgrind knows of each figure, for `callgrind_annotate`.
"""

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok
from tests.bench import load, servers
from tests.bench.budgets import BUDGETS
from tests.bench.generator import Endpoint
from tests.bench.machine import CORES, child, interpreter
from tests.bench.pairs import CLIENTS, question
from tests.bench.provider import ANTHROPIC, CHUNKS, OPENAI
from tests.bench.selection import STRATEGIES

WARM_UP, COUNTED, STREAMS = 320, 800, 4
EVERY_S = 0.04
"""Between two chunks, so that each is read by itself: counting makes all some fifty times as slow."""
START_S = 600.0
HELD_S = 2.0
POLL_S = 0.05
"""Who has no answer by then has the place, as a rule."""
PATIENCE = "[timeouts]\nconnect_s = 600\n"
"""A breaker that opens because the machine is busy would leave nothing to count."""
LEDGER = '[ledger]\nurl = "sqlite:///{folder}/{name}.db"\n'
PROVIDERS = {
    "unary": (OPENAI, ok()),
    "anthropic": (ANTHROPIC, ok()),
    "paced": (OPENAI, ok(deltas=CHUNKS, every_s=EVERY_S)),
    "first": (OPENAI, ok(first_s=START_S)),
    "pair-anthropic-stream": (ANTHROPIC, ok(deltas=CHUNKS, every_s=EVERY_S)),
}
"""By the names that the benchmark's configuration knows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is asked of which server: the proxy, with `more` in its configuration, or None, the bare server."""

    model: str = "unary"
    client: str = "chat"
    stream: bool = False
    more: str | None = ""
    new_heads: bool = False
    """Whether each request has a header of its own: a head like the last one costs less."""
    shed: bool = False
    """Whether the one place is taken, so that each request is refused."""


FULL = f"[limits]\nin_flight = 1\nqueue = 0\n[providers.first.timeouts]\nprogress_unary_s = {START_S}\n"
FIGURES = {
    "raw": Figure(more=None),
    "unary": Figure(),
    "unary-new-heads": Figure(new_heads=True),
    "translated": Figure("anthropic"),
    "shed": Figure(more=FULL, shed=True),
    "shed-new-heads": Figure(more=FULL, new_heads=True, shed=True),
    "usage": Figure(more=LEDGER),
    "budgets": Figure(more=f"{BUDGETS}{LEDGER}usage = false\n"),
    "budgets-and-usage": Figure(more=BUDGETS + LEDGER),
    "selection-by-name": Figure(more=STRATEGIES),
    "selection": Figure("auto", more=STRATEGIES),
    "chat-to-chat": Figure("paced", stream=True),
    "chat-to-anthropic": Figure("pair-anthropic-stream", stream=True),
    "messages-to-chat": Figure("paced", "messages", stream=True),
}
"""What is counted: an answer or, where they are streams, a chunk."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What callgrind counts of a process; its profiles are in `folder`."""

    pid: int
    folder: Path

    def zero(self) -> None:
        self._control("--zero")

    def read(self) -> tuple[int, Path]:
        """Instructions since it was zero, and the profile that says so."""
        self._control("--dump")
        newest = max(self.folder.glob("profile.*"), key=lambda path: path.stat().st_mtime_ns)
        return total(newest.read_text(errors="replace")), newest

    def _control(self, what: str) -> None:
        subprocess.run(["callgrind_control", what, str(self.pid)], check=True, capture_output=True, timeout=START_S)


def total(profile: str) -> int:
    """The instructions that a profile tells. Raises ValueError where it tells none."""
    found = re.search(r"^(?:totals|summary): (\d+)", profile, re.MULTILINE)
    if found is None:
        raise ValueError("callgrind's profile has no total")
    return int(found.group(1))


@contextmanager
def served(more: str | None, urls: dict[str, str], folder: Path) -> Iterator[tuple[Counter, str]]:
    """The server under callgrind, and its URL."""
    port, admin = servers.free_port(), servers.free_port()
    if more is None:
        ready, path = f"http://127.0.0.1:{port}/", ""
        command = ["-m", "uvicorn", "tests.bench.baseline:app", "--port", str(port), *servers.BARE]
    else:
        ready, path = f"http://127.0.0.1:{admin}/readyz", "/v1"
        config = folder / "config.toml"
        told = servers.config(urls, folder, "native", f"127.0.0.1:{port}", f"127.0.0.1:{admin}")
        config.write_text(told + PATIENCE + more.replace("{folder}", str(folder)).replace("{name}", str(port)))
        command = [str(Path(sys.executable).with_name("sidestep")), "serve", "--config", str(config)]
    profiles = Path(tempfile.mkdtemp(dir=folder))
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profiles}/profile"]
    environment = {**servers.ENVIRONMENT, "PYTHONHASHSEED": "0"}
    with (
        (profiles / "output").open("wb") as output,
        child([*valgrind, sys.executable, *command], set(CORES), env=environment, output=output) as (started, process),
    ):
        servers.ready(process, ready, started, within_s=START_S)
        while more is not None and b"serving http" not in started.log.read_bytes():  # until then it loads the rest
            time.sleep(POLL_S)
        yield Counter(process.pid, profiles), f"http://127.0.0.1:{port}{path}"


async def asked(endpoint: Endpoint, answers: int, at_once: int, *, new_heads: bool = False, shed: bool = False) -> None:
    """Returns once so many were answered, or refused if all are to be `shed`. Raises RuntimeError where one was not."""
    left, request = iter(range(answers)), endpoint.request

    async def one() -> None:
        for number in left:
            if new_heads:
                endpoint.request = request.replace(b"\r\n", b"\r\nx-number: %d\r\n" % number, 1)
            await endpoint.seconds(None)

    before = endpoint.errors
    await asyncio.gather(*(one() for _ in range(at_once)))
    errors = endpoint.errors - before
    if errors != (answers if shed else 0):
        raise RuntimeError(f"{errors} of {answers} answers from {endpoint.url} were errors")


async def crowded(endpoint: Endpoint, held: Endpoint) -> "asyncio.Task[float | None]":
    """Takes the one place by the request that is held; returns once another is refused for it."""
    holder = asyncio.create_task(held.seconds(None))
    while not endpoint.errors:
        if holder.done():  # it was refused itself
            holder = asyncio.create_task(held.seconds(None))
        await asyncio.wait({holder}, timeout=HELD_S)
        await endpoint.seconds(None)
    return holder


async def instructions(figure: Figure, counter: Counter, url: str) -> tuple[int, Path]:
    """Of one answer, or one chunk; and the profile."""
    path, _ = CLIENTS[figure.client]
    endpoint = Endpoint(url + path, question(figure.client, figure.model, stream=figure.stream))
    at_once, answers, parts = (STREAMS, STREAMS, CHUNKS) if figure.stream else (load.CONNECTIONS, COUNTED, 1)
    holder = None
    if figure.shed:
        held = Endpoint(url + path, question(figure.client, "first", stream=False))
        holder = await crowded(endpoint, held)
    await asked(endpoint, at_once if figure.stream else WARM_UP, at_once, shed=figure.shed)
    await asyncio.to_thread(counter.zero)
    await asked(endpoint, answers, at_once, new_heads=figure.new_heads, shed=figure.shed)
    count, profile = await asyncio.to_thread(counter.read)
    endpoint.close()
    if holder is not None:
        holder.cancel()
    return count // (answers * parts), profile


async def counts(names: list[str], keep: Path | None) -> None:
    """Prints the figures one by one. Figures of one configuration share a process."""
    async with AsyncExitStack() as stack:
        urls = {}
        for name, (dialect, script) in PROVIDERS.items():
            provider = ScriptedProvider(name, dialect, script)
            urls[name] = (await stack.enter_async_context(provider)).base_url
        for more in dict.fromkeys(FIGURES[name].more for name in names):
            with tempfile.TemporaryDirectory() as folder:
                context = served(more, urls, Path(folder))
                counter, url = await asyncio.to_thread(context.__enter__)
                try:
                    for name in [name for name in names if FIGURES[name].more == more]:
                        figure = FIGURES[name]
                        count, profile = await instructions(figure, counter, url)
                        print(f"{name:20} {count:>10,} a {'chunk' if figure.stream else 'request'}", flush=True)
                        if keep is not None:
                            await asyncio.to_thread(shutil.copy, profile, keep / name)
                finally:
                    await asyncio.to_thread(context.__exit__, None, None, None)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.instructions", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("name", nargs="*", choices=[*FIGURES, []], help=f"what to count (all): {', '.join(FIGURES)}")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep callgrind's profiles there")
    options = parser.parse_args(arguments)
    missing = [tool for tool in ("valgrind", "callgrind_control") if shutil.which(tool) is None]
    if missing:
        print(f"{missing[0]} is missing: install valgrind", file=sys.stderr)
        return 1
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    print(interpreter(), flush=True)
    asyncio.run(counts(options.name or list(FIGURES), options.keep))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
