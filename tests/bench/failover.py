"""What failing over adds to an answer: two chains through one proxy in turns, one with a bad target at its head.

An open breaker must cost nothing that is felt: no call is made, so that what it adds is processor time, which
neighbours do not change; the time of a clock stands beside it. A target that fails at once costs the call that it
failed, which is no more than a whole exchange with one that is well.
"""

import json
import statistics
from typing import TYPE_CHECKING

from tests.bench import load, servers
from tests.bench.machine import OTHER_CORES, Child, module, run
from tests.bench.report import Bar, Row, percentile

if TYPE_CHECKING:
    from tests.bench.figures import Bench

CHAT = "/chat/completions"
RATE_PER_S = 100
TURN_S = 1.0
OPEN_BAR_US = 100.0
HOURS = 3_600


def chains(port: int, failing: str) -> str:
    """The configuration beside the usual: a target that nobody listens for, whose breaker opens while it warms up, and
    one that knows no such model, which it says at once and which is no matter of breakers. Each stands before one that
    is well."""
    return f"""
[providers.dead]
dialect = "openai-chat"
base_url = "http://127.0.0.1:{port}/v1"
keys = ["env:BENCH_PROVIDER_KEY"]
breaker = {{ open_s = {HOURS}, open_max_s = {HOURS} }}
retry = {{ attempts_per_target = 1 }}
[providers.lacking]
dialect = "openai-chat"
base_url = "{failing}"
keys = ["env:BENCH_PROVIDER_KEY"]
[models.past-open]
chain = ["dead/demo-large", "unary/demo-large"]
[models.past-failing]
chain = ["lacking/demo-large", "unary/demo-large"]
"""


def failover(bench: "Bench") -> list[Row]:
    more = chains(servers.free_port(), bench.urls["failing"])
    with servers.sidestep(bench.served(), bench.certificate, "native", bench.folder, more) as (process, url, _):
        past_open, well = _beside(bench, url, "past-open")
        past_failing, usual = _beside(bench, url, "past-failing")
        busy_past, busy = _busy(bench, process, url, "past-open"), _busy(bench, process, url, "unary")
    added = busy_past - busy
    return [
        Row(
            "failover past an open breaker adds, processor time of an answer",
            f"{added:.0f} us (to {busy:.0f} us)",
            Bar("time", OPEN_BAR_US, added, "&le; {:.0f} us"),
        ),
        Row(
            "failover past an open breaker adds, median of the paired differences",
            f"{past_open - well:.2f} ms (to {well:.2f} ms)",
        ),
        Row(
            "failover from a target that fails at once adds, median of the paired differences",
            f"{past_failing - usual:.2f} ms (to {usual:.2f} ms)",
            "&le; a whole exchange",
            past_failing - usual <= usual,
        ),
    ]


def _busy(bench: "Bench", process: Child, url: str, model: str) -> float:
    """Microseconds of the processor for an answer of `model`'s chain: the least of some turns."""
    turns = []
    for _ in range(bench.turns):
        before = process.cpu_s()
        answers = bench.rate(url + CHAT, load.body(model), TURN_S) * TURN_S
        turns.append((process.cpu_s() - before) / answers * 1e6)
    return min(turns)


def _beside(bench: "Bench", url: str, model: str) -> tuple[float, float]:
    """Median milliseconds of an answer of `model`'s chain and of the target that is well. Raises RuntimeError for any
    that was none."""
    place = url + CHAT
    arguments = [place, load.body(model), place, load.body("unary"), str(RATE_PER_S), str(bench.latency_s)]
    told = json.loads(run(module("generator", "latency", *arguments), OTHER_CORES, bench.latency_s + 60))
    if told["errors"]:
        raise RuntimeError(f"{told['errors']} of the answers for {model} were errors")
    through, direct = told["proxied"], told["direct"]
    added = statistics.median(slow - fast for slow, fast in zip(through, direct, strict=True)) * 1000
    usual = percentile(direct, 0.5) * 1000
    return usual + added, usual
