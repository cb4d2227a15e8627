"""What budgets and records of usage cost: four proxies in turns, with and without three budgets that every request is
held to, with and without a record of it, in a file of SQLite or in Redis.

The bar is of what budgets take where all else is equal: of a proxy that keeps records either way, and of one that keeps
none. What both take together, of a proxy that has neither, is told beside it.
"""

import json
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.bench import load, servers
from tests.bench.machine import OTHER_CORES, child, module, run
from tests.bench.report import Bar, Row, percentile
from tests.redis_server import FIT, PROGRAM

if TYPE_CHECKING:
    from tests.bench.figures import Bench

CHAT = "/chat/completions"
RATE_PER_S = 200
TURN_S = 1.0
KEPT = 0.9
"""Of the throughput without budgets."""
ADDED_MS = 0.2
BUDGETS = """
[[budgets]]
name = "all"
unit = "usd"
amount = 1_000_000
window = "day"
[[budgets]]
name = "clients"
scope = {client = "*"}
unit = "usd"
amount = 100_000
window = "month"
[[budgets]]
name = "users"
scope = {user = "*"}
unit = "tokens"
amount = 1_000_000_000_000
window = "day"
[prices."unary/demo-large"]
input = 2
output = 8
"""


def budgets(bench: "Bench") -> list[Row]:
    with _redis(bench) as redis:
        urls = {"SQLite": f"sqlite:///{bench.folder}/ledger.db", "Redis": redis}
        return [row for kind, url in urls.items() for row in _with(bench, kind, url)]


def _with(bench: "Bench", kind: str, ledger: str) -> list[Row]:
    there = f'[ledger]\nurl = "{ledger}"\n'
    settings = {
        "neither": "",
        "budgets": f"{BUDGETS}{there}usage = false\n",
        "records": there,
        "both": f"{BUDGETS}{there}",
    }
    with ExitStack() as stack:
        urls = {name: stack.enter_context(_proxy(bench, f"{kind}-{name}", more)) for name, more in settings.items()}
        asked = load.body("unary")
        turns = [
            {name: bench.rate(url + CHAT, asked, TURN_S) for name, url in urls.items()} for _ in range(1 + bench.turns)
        ]
        rates = {name: statistics.median(turn[name] for turn in turns[1:]) for name in settings}
        slow, fast = _p99(bench, urls["both"], urls["records"])
    return [
        _kept(f"budgets in {kind}, records kept either way: unary", rates["both"], rates["records"], barred=True),
        _kept(f"budgets in {kind}, no records kept: unary", rates["budgets"], rates["neither"], barred=True),
        _kept(f"budgets and records in {kind}: unary", rates["both"], rates["neither"], barred=False),
        Row(
            f"budgets in {kind}: added latency at {RATE_PER_S}/s, p99",
            f"{slow - fast:.2f} ms ({slow:.2f} with, {fast:.2f} without)",
            Bar("time", ADDED_MS, slow - fast, "&le; {:.1f} ms"),
        ),
    ]


def _kept(title: str, ours: float, others: float, *, barred: bool) -> Row:
    measured = f"{ours / others:.0%} of {others:,.0f}/s without"
    return Row(title, measured, "&ge; 90%", ours >= KEPT * others) if barred else Row(title, measured)


@contextmanager
def _redis(bench: "Bench") -> Iterator[str]:
    """The address of a Redis of the run's own. Raises RuntimeError where there is none."""
    if PROGRAM is None:
        raise RuntimeError("redis-server is missing")
    port = servers.free_port()
    command = [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(bench.folder), "--save", "", *FIT]
    with child(command, OTHER_CORES):
        started = time.perf_counter()
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    break
            except OSError:
                if time.perf_counter() - started > servers.START_S:
                    raise
                time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def _proxy(bench: "Bench", name: str, more: str) -> Iterator[str]:
    folder = bench.folder / name
    folder.mkdir(exist_ok=True)
    with servers.sidestep(bench.served(), bench.certificate, "native", folder, more) as (_, url, _ready_s):
        yield url


def _p99(bench: "Bench", held: str, without: str) -> tuple[float, float]:
    """Milliseconds with and without, asked in turns. Raises RuntimeError for any answer that was none."""
    asked = load.body("unary")
    arguments = [held + CHAT, asked, without + CHAT, asked, str(RATE_PER_S), str(bench.latency_s)]
    told = json.loads(run(module("generator", "latency", *arguments), OTHER_CORES, bench.latency_s + 60))
    if told["errors"]:
        raise RuntimeError(f"{told['errors']} of the answers were errors")
    return percentile(told["proxied"], 0.99) * 1000, percentile(told["direct"], 0.99) * 1000
