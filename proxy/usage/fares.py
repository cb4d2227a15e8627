"""How models, tasks or arms of experiments fared, out of the records: what SQLite itself can sum up of them.

Looked at are the requests that a model answered, refused to answer, or failed at: what was refused for the client's own
mistake says nothing of any. What passes through is not looked at either: its model is not known.

Of models is told what each of them did (`proxy.usage.tried`): one that failed counts with its failure, whoever answered
after it, and whoever answered took the time of its own call. Of anything else (an arm) is told what came of requests.

Times are those of successes. Costs are of all requests whose price is known. The quality of a request is the score that
somebody gave it, else what its answer showed (`proxy.usage.signals`); it comes by its age, in steps of `AGE_S`, so that
whoever weighs it can have it fade.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from proxy.usage.record import FAILED
from proxy.usage.schema import SIGNAL_SCORE
from proxy.usage.summary import times
from proxy.usage.tried import FIRST_MS, MODEL, MS, OUTCOME, kind_in, model_in, others

AGE_S: Final = 3600
KIND: Final = "CASE route WHEN 'embeddings' THEN 'embeddings' ELSE 'chat' END"
BY: Final[Mapping[str, str]] = {
    "kind": KIND, "model": MODEL, "task": "task", "strategy": "strategy", "arm": "arm",
}  # fmt: skip
"""What they may be told apart by."""
_QUALITY: Final = f"COALESCE(s.score, {SIGNAL_SCORE})"
_FAILED: Final = f"IN ({', '.join(repr(name) for name in sorted(FAILED))})"
_SPAN: Final = "at >= ? AND at < ? AND route <> 'passthrough'"
_OTHERS: Final = "route, task, strategy, arm"


class _Terms(Struct, frozen=True):
    """Whose outcomes and times are told, in SQL."""

    outcome: str
    ms: str
    first_ms: str

    @property
    def says(self) -> str:
        """Whether a request says anything."""
        return f"{_SPAN} AND (provider <> '' OR attempts > 0 AND (({self.outcome}) {_FAILED} OR signal <> ''))"

    @property
    def figures(self) -> str:
        told = "CASE WHEN outcome = 'ok' AND output IS NOT NULL THEN {} END"
        return ", ".join(
            [
                f"COUNT(*), SUM(outcome = 'ok'), SUM(({self.outcome}) {_FAILED})",
                *(_three(f"CASE outcome WHEN 'ok' THEN {value} END") for value in (self.ms, self.first_ms)),
                _three("cost"),
                *(f"SUM({told.format(value)})" for value in ("output", self.ms)),
            ]
        )


_REQUESTS: Final = _Terms("outcome", "ms", "first_token_ms")
_MODELS: Final = _Terms(OUTCOME, MS, FIRST_MS)
_NOBODY: Final = (None, None)
Quantiles = tuple[int | None, int | None, int | None, int | None]


class Sample(Struct, frozen=True):
    """Values by their number, their sum and the sum of their squares."""

    count: int = 0
    sum: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float | None:
        return self.sum / self.count if self.count else None


class Aged(Struct, frozen=True):
    """Qualities of one age."""

    age: int
    """In steps of `AGE_S`, rounded down."""
    given: bool
    """Whether people gave them; else answers showed them."""
    quality: Sample


class Fare(Struct, frozen=True):
    names: tuple[str, ...]
    """In the order of what they are told apart by."""
    requests: int
    ok: int
    failed: int
    """By the providers' fault."""
    ms: Sample
    first_ms: Sample
    """To the first content of streams."""
    cost: Sample
    """In nano-dollars."""
    output: int
    """Tokens of successes that told them, and the milliseconds that those took."""
    output_ms: int
    p50_ms: int | None = None
    p95_ms: int | None = None
    first_p50_ms: int | None = None
    first_p95_ms: int | None = None
    qualities: tuple[Aged, ...] = field(default=())

    @property
    def judged(self) -> int:
        """Of the others nobody can say whether the model would have succeeded: the client left, or the time ran out."""
        return self.ok + self.failed


def fares(
    database: sqlite3.Connection,
    by: Sequence[str],
    span: tuple[float, float],
    *,
    now: float,
    experiment: str | None = None,
    tasks: Sequence[str] = (),
    most: int = 1000,
) -> tuple[Fare, ...]:
    """At most `most`, those with the most requests first, of one experiment or of some `tasks` alone where these are
    named; `span` and `now` in Unix seconds. Raises sqlite3.Error."""
    keys = [BY[name] for name in by]
    terms = _MODELS if "model" in by else _REQUESTS
    which, values = "", (*span, *(() if experiment is None else (experiment,)), *tasks)
    if experiment is not None:
        which += " AND experiment = ?"
    if tasks:
        which += f" AND task IN ({', '.join('?' * len(tasks))})"
    says = terms.says + which
    took = dict(times(database, keys, says, values, terms.ms))
    first = dict(times(database, keys, says, values, terms.first_ms))
    aged = _qualities(database, keys, says, values, now)
    grouped = ", ".join(keys)
    rows = database.execute(
        f"SELECT {grouped}, {terms.figures} FROM usage_records WHERE {says} "  # noqa: S608 - made of the names above alone
        f"GROUP BY {grouped} ORDER BY COUNT(*) DESC, {grouped} LIMIT ?",
        (*values, most),
    )
    found: dict[tuple[str, ...], Fare] = {}
    for row in rows:
        names, sums = tuple(row[: len(keys)]), row[len(keys) :]
        quantiles = (*took.get(names, _NOBODY), *first.get(names, _NOBODY))
        found[names] = _fare(names, sums, quantiles, tuple(aged.get(names, ())))
    if terms is _MODELS:
        for names, count in _saved(database, by, _SPAN + which, values):
            fare = found.get(names) or Fare(names, 0, 0, 0, Sample(), Sample(), Sample(), 0, 0)
            found[names] = structs.replace(fare, requests=fare.requests + count, failed=fare.failed + count)
    return tuple(sorted(found.values(), key=lambda fare: (-fare.requests, fare.names))[:most])


def _saved(
    database: sqlite3.Connection, by: Sequence[str], which: str, values: Sequence[float | str]
) -> list[tuple[tuple[str, ...], int]]:
    """Failures of models that were not the request's last word: another was called after them."""
    keys = ", ".join(model_in("call") if name == "model" else BY[name] for name in by)
    rows = database.execute(
        f"{others(_OTHERS, which)} SELECT {keys}, COUNT(*) FROM others "  # noqa: S608 - as above
        f"WHERE {kind_in('call')} {_FAILED} GROUP BY {keys}",
        values,
    )
    return [(tuple(names), count) for *names, count in rows]


def experiments(database: sqlite3.Connection, span: tuple[float, float]) -> list[str]:
    """Those that have records, by name; at most 1,000. Raises sqlite3.Error."""
    rows = database.execute(
        "SELECT DISTINCT experiment FROM usage_records WHERE at >= ? AND at < ? AND experiment <> '' "
        "ORDER BY experiment LIMIT 1000",
        span,
    )
    return [name for (name,) in rows]


def _three(value: str) -> str:
    return f"COUNT({value}), SUM({value}), SUM(1.0 * ({value}) * ({value}))"


def _fare(names: tuple[str, ...], sums: Sequence[Any], quantiles: Quantiles, aged: tuple[Aged, ...]) -> Fare:
    requests, ok, failed, *rest = [value or 0 for value in sums]
    ms, first, cost = (Sample(*rest[start : start + 3]) for start in (0, 3, 6))
    output, output_ms = rest[9:]
    return Fare(names, requests, ok, failed, ms, first, cost, output, output_ms, *quantiles, qualities=aged)


def _qualities(
    database: sqlite3.Connection, keys: Sequence[str], which: str, values: Sequence[float | str], now: float
) -> dict[tuple[str, ...], list[Aged]]:
    grouped = ", ".join([*keys, "age", "given"])
    ended = which.replace("at ", "usage_records.at ")
    rows = database.execute(
        f"SELECT {', '.join(keys)}, CAST((? - usage_records.at) / {AGE_S} AS INTEGER) AS age, "  # noqa: S608 - as above
        f"s.score IS NOT NULL AS given, {_three(_QUALITY)} FROM usage_records "
        "LEFT JOIN usage_scores AS s ON s.ended = usage_records.at AND s.request = usage_records.id "
        f"WHERE {ended} AND {_QUALITY} IS NOT NULL GROUP BY {grouped} ORDER BY {grouped}",
        (now, *values),
    )
    found: dict[tuple[str, ...], list[Aged]] = {}
    for *names, age, given, count, total, squares in rows:
        found.setdefault(tuple(names), []).append(Aged(max(0, age), bool(given), Sample(count, total, squares)))
    return found
