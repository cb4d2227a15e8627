"""What is measured, each figure against its bar. A figure is a function from the bench to rows of the table."""

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import load, servers
from tests.bench.budgets import budgets
from tests.bench.failover import failover
from tests.bench.machine import OTHER_CORES, PROXY_CORES, Child, module, run
from tests.bench.orders import orders
from tests.bench.pairs import pairs
from tests.bench.provider import pair_scripts
from tests.bench.report import RAW_PER_S, Bar, Row, Speed, percentile
from tests.bench.selection import selection

CHAT = "/chat/completions"
RATE_PER_S = 200
RATE_TEXT = "&ge; {:,.0f}/s"
TURN_S = 1.0
SPREAD_S = 1.0
"""Open streams are opened over so long a time."""
STALL_S = 1.0
"""A stream with 20 chunks a second that waits so long for the next has stalled."""


@dataclass(slots=True)
class Bench:
    """One run: how long to measure, and what is up."""

    folder: Path
    certificate: Path
    urls: dict[str, str]
    seconds: float
    """Of each rate."""
    turns: int
    """Of each rate that is compared with another."""
    latency_s: float
    stream_s: float
    """How long a paced stream lasts."""
    counts: tuple[int, ...]
    """Open streams."""
    starts: int
    pair_s: float
    """Of each rate of a pair of dialects; 0 leaves these out."""
    rounds: int
    """Of streams of each pair."""
    tools: set[str] = field(default_factory=set)
    raws: list[tuple[float, float]] = field(default_factory=list)
    """Answers of the bare server in a second and in a second of the processor, each time it was measured."""

    @contextmanager
    def proxy(self, engine: str = "native", *, pairs: bool = False) -> Iterator[tuple[Child, str]]:
        with servers.sidestep(self.served(pairs=pairs), self.certificate, engine, self.folder) as (process, url, _):
            yield process, url

    def served(self, *, pairs: bool = False) -> dict[str, str]:
        """The providers behind the proxy: those of the pairs of dialects, or all others."""
        of_pairs = pair_scripts()
        return {name: url for name, url in self.urls.items() if (name in of_pairs) is pairs}

    def rate(self, url: str, request: str, seconds: float | None = None, cores: set[int] | None = None) -> float:
        """Whole answers a second. Raises RuntimeError when any was an error."""
        told = load.measure(url, request, seconds or self.seconds, cores or OTHER_CORES, self.folder)
        self.tools.add(told.tool)
        if told.errors:
            raise RuntimeError(f"{told.errors} of the answers from {url} to {request[:60]} were errors")
        return told.per_s

    def raw(self, process: Child, url: str, seconds: float) -> float:
        """Whole answers a second of the bare server, which are remembered as a measure of the machine."""
        before = process.cpu_s()
        told = self.rate(url, load.body("unary"), seconds)
        self.raws.append((told, told * seconds / max(1e-9, process.cpu_s() - before)))
        return told

    def speed(self) -> Speed:
        """This machine's, by the best turns of the run: one that a neighbour slowed down would make every bar easier.
        Measured now where no figure did."""
        if not self.raws:
            with servers.raw_asgi() as (process, url):
                for _ in range(self.turns):
                    self.raw(process, url, TURN_S)
        return Speed(*(max(turn[i] for turn in self.raws) / RAW_PER_S for i in (0, 1)))

    def beside(self, url: str, model: str, raw: tuple[Child, str]) -> tuple[float, float]:
        """Whole answers a second of `url` and of the bare server, in turns of a second: what slows the machine down for
        a while then slows both. The first turn warms up and does not count."""
        asked = load.body(model)
        turns = [(self.rate(url, asked, TURN_S), self.raw(*raw, TURN_S)) for _ in range(1 + self.turns)]
        ours, others = (statistics.median(turn[i] for turn in turns[1:]) for i in (0, 1))
        return ours, others


def per_s(value: float) -> str:
    return f"{value:,.0f}/s"


def base(bench: Bench) -> list[Row]:
    with servers.raw_asgi() as (process, url):
        rows = [Row("raw ASGI server answering `{}`", per_s(bench.raw(process, url, bench.seconds)))]
    for title, model, stream in (("unary", "unary", False), ("streams of 50 tokens", "burst", True)):
        direct = bench.rate(bench.urls[model] + CHAT, load.body(model, stream=stream), cores=PROXY_CORES)
        rows.append(Row(f"scripted provider asked directly, {title}", per_s(direct)))
    return rows


def engine(name: str) -> Callable[[Bench], list[Row]]:
    """Rates over one upstream engine, with and without TLS to the provider."""

    def measured(bench: Bench) -> list[Row]:
        rows = []
        with bench.proxy(name) as (_, url):
            with servers.raw_asgi() as raw:
                unary, baseline = bench.beside(url + CHAT, "unary", raw)
            rows.append(_unary_row(name, unary, baseline))
            chat = bench.rate(url + CHAT, load.body("anthropic"))
            bar = Bar("rate", 5_000, chat, RATE_TEXT) if name == "native" else ""
            rows.append(Row(f"{name}: unary, chat to Anthropic", per_s(chat), bar))
            for title, model, stream in (
                ("unary over TLS", "unary-tls", False),
                ("streams of 50 tokens at once", "burst", True),
                ("streams of 50 tokens at once over TLS", "burst-tls", True),
            ):
                told = bench.rate(url + CHAT, load.body(model, stream=stream))
                rows.append(Row(f"{name}: {title}", per_s(told)))
        return rows

    return measured


def _unary_row(name: str, unary: float, baseline: float) -> Row:
    value = f"{per_s(unary)}, 1/{baseline / unary:.1f} of raw ASGI in turns with it ({per_s(baseline)})"
    row = f"{name}: unary, OpenAI to OpenAI"
    if name != "native":
        return Row(row, value)
    bar = Bar("rate", 8_000, unary, f"{RATE_TEXT} and &ge; 1/7 of raw ASGI", also=unary >= baseline / 7)
    return Row(row, value, bar)


def latency(bench: Bench) -> list[Row]:
    return [*_added(bench, "added latency, unary", "unary", (0.3, 1.5)), _by_relay(bench)]


def _by_relay(bench: Bench) -> Row:
    """What one more process on the way adds that does nothing but hand bytes on: two more wakes, and a cold cache."""
    with servers.relay(bench.urls["unary"]) as (_, url):
        through, direct = _timed(bench, url, "unary")
    value = f"{(percentile(through, 0.5) - percentile(direct, 0.5)) * 1000:.2f} ms"
    return Row(f"bare relay of bytes: added latency, unary at {RATE_PER_S}/s, p50", value)


def first_token(bench: Bench) -> list[Row]:
    return _added(bench, "added time to first token", "first", (0.5, 2.0), mark='"content":"demo"')


def _added(bench: Bench, title: str, model: str, bars: tuple[float, float], mark: str = "") -> list[Row]:
    with bench.proxy() as (_, url):
        through, direct = _timed(bench, url, model, mark)
    rows = []
    for name, share, bar in (("p50", 0.5, bars[0]), ("p99", 0.99, bars[1])):
        slow, fast = (percentile(times, share) * 1000 for times in (through, direct))
        value = f"{slow - fast:.2f} ms ({slow:.2f} through, {fast:.2f} direct)"
        rows.append(Row(f"{title} at {RATE_PER_S}/s, {name}", value, Bar("time", bar, slow - fast, "&le; {:.1f} ms")))
    paired = statistics.median(slow - fast for slow, fast in zip(through, direct, strict=True)) * 1000
    return [*rows, Row(f"{title}, median of the paired differences", f"{paired:.2f} ms")]


def _timed(bench: Bench, url: str, model: str, mark: str = "") -> tuple[list[float], list[float]]:
    """Seconds of the answers by way of `url`, and of those between them that were asked for directly."""
    request = load.body(model, stream=bool(mark))
    ways = [url + CHAT, request, bench.urls[model] + CHAT, request]
    command = module("generator", "latency", *ways, str(RATE_PER_S), str(bench.latency_s), mark)
    told = json.loads(run(command, OTHER_CORES, bench.latency_s + 60))
    if told["errors"]:
        raise RuntimeError(f"{told['errors']} of the answers for {model} were errors")
    return told["proxied"], told["direct"]


def open_streams(bench: Bench) -> list[Row]:
    rows = []
    for name in ("native", "httpx2"):
        counts = bench.counts if name == "native" else bench.counts[:1]
        for count in counts:
            with bench.proxy(name) as (process, url):
                rows += _held(bench, process, url, name, count)
    return rows


def _held(bench: Bench, process: Child, url: str, name: str, count: int) -> list[Row]:
    """`count` streams at 20 chunks a second: whether all went on, and at what cost."""
    bench.rate(url + CHAT, load.body("unary"))
    before = process.rss()
    samples: list[tuple[float, float, int]] = []
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.25):
            samples.append((time.perf_counter(), process.cpu_s(), process.rss()))

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        arguments = ("streams", url + CHAT, load.body("paced", stream=True), str(count), str(SPREAD_S), "[DONE]")
        told = json.loads(run(module("generator", *arguments), OTHER_CORES, bench.stream_s + 60))
    finally:
        over.set()
        watcher.join()
    steady = samples[len(samples) // 3 : len(samples) * 2 // 3]
    cpu = (steady[-1][1] - steady[0][1]) / (steady[-1][0] - steady[0][0])
    each = (max(rss for _, _, rss in samples) - before) / count / 1024
    held = told["whole"] == count and told["longest_gap_s"] < STALL_S
    barred = name == "native"
    value = f"{told['whole']} whole, longest gap {told['longest_gap_s']:.2f} s, {cpu:.0%} of a core"
    title = f"{name}: {count} open streams at 20 chunks/s"
    return [
        Row(title, value, "all whole, no stall" if barred else "", held if barred else None),
        Row(
            f"{title}, memory of each", f"{each:.0f} KB", "&le; 60 KB" if barred else "", each <= 60 if barred else None
        ),
    ]


def start(bench: Bench) -> list[Row]:
    times, busy, sizes = [], [], []
    for turn in range(1 + bench.starts):
        with servers.sidestep(bench.served(), bench.certificate, "native", bench.folder) as (process, _, ready_s):
            if turn == 0:
                continue  # what was changed since it was last run had to be compiled first
            times.append(ready_s)
            busy.append(process.cpu_s())
            sizes.append(process.rss() / 1_000_000)
    ready, size = statistics.median(times), statistics.median(sizes)
    return [
        Row(
            "cold start to ready",
            f"{ready:.2f} s ({statistics.median(busy):.2f} s of processor time)",
            "&le; 0.7 s",
            ready <= 0.7,
        ),
        Row("resident memory, idle", f"{size:.0f} MB", "&le; 70 MB", size <= 70),
    ]


FIGURES: dict[str, Callable[[Bench], list[Row]]] = {
    "base": base,
    "native": engine("native"),
    "pairs": pairs,
    "httpx2": engine("httpx2"),
    "latency": latency,
    "first-token": first_token,
    "failover": failover,
    "budgets": budgets,
    "selection": selection,
    "orders": orders,
    "open-streams": open_streams,
    "start": start,
}
