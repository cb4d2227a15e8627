"""How each model fared, in JSON's terms, and which of them comes off best. Pure.

`avg_processing_time_ms` and its like are of successes, `avg_cost_per_generation` of the requests whose price is known,
`success_rate` of those that succeeded and those that failed by their providers' fault. Recommended is only who has
`MINIMUM` samples of what it is recommended for, and serves conversations; each recommendation says how many it had.
Of quality the samples are scores that people gave: that an answer came to its end is no merit beside what they said.
Where nobody scored any model so often, the balanced choice goes by what the answers showed, of all models alike.

The balanced choice weighs quality, cost and time, the latter two against the best there is: a model that costs twice
as much as the cheapest has half of that part.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from proxy.config.spending import NANOS
from proxy.learning.quality import quality
from proxy.usage.fares import Fare

MINIMUM: Final = 30
"""Samples of whoever is recommended."""
RELIABLE: Final = 0.9
"""The success rate of whoever is recommended, at least."""
WEIGHTS: Final[Mapping[str, float]] = {"quality": 0.5, "cost": 0.3, "time": 0.2}
"""What the balanced choice goes by."""

TASKS: Final = 50
"""Shown of a model, those with the most requests: where no tasks are configured, clients may name any number."""
BY: Final = (("kind", "model"), ("kind", "model", "task"))
"""What figures are told apart by, for `told`."""

Row = dict[str, Any]


def told(models: Sequence[Fare], tasks: Sequence[Fare]) -> dict[str, Any]:
    """`models` by kind and model, `tasks` by kind, model and task."""
    rows = []
    for fare in models:
        kind, name = fare.names
        own = [one for one in tasks if one.names[:2] == fare.names][:TASKS]
        rows.append(
            {"model": name, "kind": kind, **_row(fare), "tasks": [{"task": one.names[2], **_row(one)} for one in own]}
        )
    return {"models": rows, "minimum_samples": MINIMUM, "recommendations": recommended(rows)}


def recommended(rows: Sequence[Row]) -> dict[str, Row | None]:
    """Of the rows of `told`; None where no model has samples enough."""
    able = [row for row in rows if row["kind"] == "chat" and (row["success_rate"] or 0.0) >= RELIABLE]
    priced = [row for row in able if row["samples"]["cost"] >= MINIMUM]
    scored = [row for row in able if row["samples"]["scores"] >= MINIMUM]
    shown = [row for row in able if row["samples"]["quality"] >= MINIMUM]
    return {
        "cost_leader": _best(priced, "cost", lambda row: -float(row["avg_cost_per_generation"])),
        "quality_leader": _best(scored, "quality", lambda row: float(row["avg_quality_score"])),
        "balanced_choice": _balanced([row for row in priced if row in (scored or shown)]),
    }


def _row(fare: Fare) -> Row:
    found = quality(fare.qualities)
    cost = fare.cost.mean
    return {
        "total_generations": fare.requests,
        "success_rate": _rounded(fare.ok / fare.judged if fare.judged else None, 6),
        "avg_processing_time_ms": _rounded(fare.ms.mean, 3),
        "p50_processing_time_ms": fare.p50_ms,
        "p95_processing_time_ms": fare.p95_ms,
        "avg_first_token_ms": _rounded(fare.first_ms.mean, 3),
        "p50_first_token_ms": fare.first_p50_ms,
        "p95_first_token_ms": fare.first_p95_ms,
        "tokens_per_second": _rounded(1000 * fare.output / fare.output_ms if fare.output_ms else None, 3),
        "avg_cost_per_generation": _rounded(None if cost is None else cost / NANOS, 12),
        "avg_quality_score": _rounded(found.value, 6),
        "samples": {
            "time": fare.ms.count,
            "cost": fare.cost.count,
            "quality": found.scores + found.shown,
            "scores": found.scores,
        },
    }


def _best(rows: Iterable[Row], what: str, worth: Callable[[Row], float]) -> Row | None:
    best = max(rows, key=worth, default=None)
    if best is None:
        return None
    return {
        "model": best["model"],
        "samples": best["samples"][what],
        "scores": best["samples"]["scores"],
        "avg_cost_per_generation": best["avg_cost_per_generation"],
        "avg_quality_score": best["avg_quality_score"],
        "success_rate": best["success_rate"],
    }


def _balanced(rows: Sequence[Row]) -> Row | None:
    """By cost and quality, and so by the fewer of their samples."""
    timed = [row for row in rows if row["avg_processing_time_ms"] is not None]
    cheapest = min((row["avg_cost_per_generation"] for row in timed), default=0.0)
    fastest = min((row["avg_processing_time_ms"] for row in timed), default=0.0)

    def worth(row: Row) -> float:
        return float(
            WEIGHTS["quality"] * row["avg_quality_score"] * row["success_rate"]
            + WEIGHTS["cost"] * _part(cheapest, row["avg_cost_per_generation"])
            + WEIGHTS["time"] * _part(fastest, row["avg_processing_time_ms"])
        )

    best = max(timed, key=worth, default=None)
    if best is None:
        return None
    what = min(("cost", "quality"), key=lambda name: best["samples"][name])
    found = _best([best], what, worth)
    return None if found is None else {**found, "worth": round(worth(best), 4)}


def _part(best: float, own: float) -> float:
    """How near it comes to the best; who costs nothing has all of it."""
    return best / own if own else 1.0


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)
