"""What it costs to leave the model open: one proxy asked in turns for `auto`, with three models by complexity, and for
the model that this comes to, by name. All the processor time of the proxy over its answers, the least of the turns: the
work is the same each time, and whatever else the machine does only adds to it.
"""

from typing import TYPE_CHECKING

from tests.bench import load, servers
from tests.bench.report import Row

if TYPE_CHECKING:
    from tests.bench.figures import Bench
    from tests.bench.machine import Child

CHAT = "/chat/completions"
TURN_S = 1.0
MOST = 0.05
"""Of the cost of a request that names its model."""
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
    return [Row("selection: processor time of a request", told, "&le; +5%", more <= MOST)]


def _cost_us(bench: "Bench", process: "Child", url: str, model: str) -> float:
    before = process.cpu_s()
    answers = bench.rate(url + CHAT, load.body(model), TURN_S) * TURN_S
    return (process.cpu_s() - before) / answers * 1e6
