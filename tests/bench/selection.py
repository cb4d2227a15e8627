"""What it costs to leave the model open: one proxy asked in turns for `auto`, with three models by complexity, and for
the model that this comes to, by name. All the processor time of the proxy over its answers, the least of the turns: the
work is the same each time, and whatever else the machine does only adds to it.

Beside it the score of how complex a request looks, for 4 KB with four tools, in this process and by its own time.
"""

import time
from typing import TYPE_CHECKING

from proxy.selection.complexity import score
from tests.bench import load, servers
from tests.bench.report import Bar, Row

if TYPE_CHECKING:
    from tests.bench.figures import Bench
    from tests.bench.machine import Child

CHAT = "/chat/completions"
TURN_S = 1.0
MOST = 0.05
"""Of the cost of a request that names its model."""
SCORE_US = 20.0
TURNS, CALLS = 25, 500
_TOOL = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "array", "items": {"type": "object", "properties": {"date": {"type": "string"}}}},
    },
}
BODY = {
    "model": "auto",
    "messages": [
        {"role": "system", "content": "You are terse. " * 30},
        {"role": "user", "content": "```python\ndef plan(days):\n    return days\n```\n" + "Plan a journey. " * 116},
        {"role": "assistant", "content": "Where to? " * 20},
        {"role": "user", "content": "To Rome, " * 60},
    ],
    "tools": [{"type": "function", "function": {"name": f"look{n}", "parameters": _TOOL}} for n in range(4)],
}
STRATEGIES = """
[selection]
strategy = "balanced"
[tasks.letters]
[strategies.balanced]
default = {simple = "unary", standard = "unary/demo-large", complex = "anthropic"}
[strategies.cost_optimized]
default = "unary"
[strategies.quality_optimized]
default = "anthropic"
[strategies.experimental]
default = "unary"
tasks = {letters = "anthropic"}
"""


def selection(bench: "Bench") -> list[Row]:
    folder = bench.folder / "selection"
    folder.mkdir(exist_ok=True)
    with servers.sidestep(bench.served(), bench.certificate, "native", folder, STRATEGIES) as (process, url, _):
        turns = [[_cost_us(bench, process, url, model) for model in ("auto", "unary")] for _ in range(1 + bench.turns)]
    auto, named = (min(turn[i] for turn in turns[1:]) for i in (0, 1))
    more = auto / named - 1
    told = f"{more:+.1%} ({auto:.0f} us for auto, {named:.0f} us by name)"
    taken = score_us()
    return [
        Row("selection: processor time of a request", told, "&le; +5%", more <= MOST),
        Row(
            "selection: score of 4 KB with four tools, processor time",
            f"{taken:.1f} us",
            Bar("time", SCORE_US, taken, "&le; {:.0f} us"),
        ),
    ]


def score_us(turns: int = TURNS, calls: int = CALLS) -> float:
    """Microseconds of the processor for the score of one request, the least of the turns."""
    least = float("inf")
    for _ in range(turns):
        before = time.process_time()
        for _ in range(calls):
            score(BODY, 0.0)
        least = min(least, (time.process_time() - before) / calls * 1e6)
    return least


def _cost_us(bench: "Bench", process: "Child", url: str, model: str) -> float:
    before = process.cpu_s()
    answers = bench.rate(url + CHAT, load.body(model), TURN_S) * TURN_S
    return (process.cpu_s() - before) / answers * 1e6
