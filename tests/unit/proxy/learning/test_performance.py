"""What is told of each model is what anybody can make of the exported records, and who is recommended has earned it."""

import math
import sqlite3
from contextlib import closing
from random import Random  # noqa: TID251 - seeded
from statistics import mean

import orjson
import pytest
from msgspec import structs

from proxy.learning import performance
from proxy.learning.performance import MINIMUM, recommended, told
from proxy.learning.quality import HALF_LIFE_S
from proxy.usage.export import exported
from proxy.usage.fares import Fare, Sample, fares
from proxy.usage.record import Record
from proxy.usage.schema import keep_score
from proxy.usage.scores import Score
from proxy.usage.signals import SHOWN_WEIGHT, SIGNALS
from proxy.usage.sqlite import SqliteSink, SqliteSource
from proxy.usage.summary import database_of

NOW = 1_700_000_000.0
SPAN = (NOW - 40 * 86_400, NOW)


def made(count, seed=7):
    chance = Random(seed)
    for number in range(count):
        ok = chance.random() < 0.8
        answered = ok or chance.random() < 0.5
        yield Record(
            id=f"req_{number:04}",
            at=NOW - chance.random() * 30 * 86_400,
            task=chance.choice(["", "letters", "parsing"]),
            asked=chance.choice(["auto", "large"]),
            route=chance.choice(["chat", "chat", "messages", "embeddings", "passthrough"]),
            provider="alpha" if answered else "",
            model=chance.choice(["large", "small"]) if answered else "",
            output=chance.choice([None, 1, 700]) if answered else None,
            cost=chance.choice([None, 0, 1, 3_000_001]) if answered else None,
            ms=int(chance.lognormvariate(6, 2)),
            first_token_ms=chance.choice([None, 20, 1999]),
            attempts=1 if answered else chance.choice([0, 2]),
            outcome="ok" if ok else chance.choice(["cancelled", "timeout", "server", "refused", "too_long"]),
            signal=chance.choice(["", *SIGNALS]) if answered else "",
        )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("kept") / "ledger.db")
    sink = SqliteSink(path)
    records = list(made(600))
    for start in range(0, len(records), 200):
        sink.write(records[start : start + 200])
    sink.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for record in records[::5]:
            keep_score(database, Score(record.id, record.at, NOW, round(record.at % 1, 2), "said"))
    return SqliteSource(path)


@pytest.fixture(scope="module")
def page(source):
    with database_of(source, *SPAN, scores=True) as database:
        found = [fares(database, by, SPAN, now=NOW) for by in (("kind", "model"), ("kind", "model", "task"))]
    return told(*found)


@pytest.fixture(scope="module")
def export(source):
    """Every record as `sidestep usage export` prints it, with its quality and how much that counts."""
    lines = [orjson.loads(line) for line in exported(source.records(None, None), "jsonl")]
    scores = {score.request: score.score for score in source.scores(None, None)}
    ended = {record.id: record.at for record in source.records(None, None)}
    for line in lines:
        line["kind"] = "embeddings" if line["route"] == "embeddings" else "chat"
        line["model"] = line["model"] or line["asked"]
        line["quality"] = scores.get(line["id"], SIGNALS.get(line["signal"]))
        hours = math.floor((NOW - ended[line["id"]]) / 3600)
        line["weight"] = 0.5 ** (hours * 3600 / HALF_LIFE_S) * (1 if line["id"] in scores else SHOWN_WEIGHT)
    return [line for line in lines if line["route"] != "passthrough" and (line["provider"] or says(line))]


def says(line):
    """Whether a request that nobody answered says anything of a model."""
    return line["attempts"] and (line["outcome"] in {"timeout", "server"} or line["signal"])


def shortened(ms):
    digits = 10 ** max(0, len(str(ms)) - 3)
    return ms // digits * digits


def quantile(values, part):
    ordered = sorted(map(shortened, values))
    return ordered[math.ceil(part * len(ordered)) - 1] if ordered else None


def again(lines):
    """The same figures, made of the lines alone."""
    ok = [line for line in lines if line["outcome"] == "ok"]
    judged = [line for line in lines if line["outcome"] in {"ok", "timeout", "server"}]
    first = [line["first_token_ms"] for line in ok if line["first_token_ms"] is not None]
    costs = [float(line["cost_usd"]) for line in lines if line["cost_usd"] is not None]
    spoke = [line for line in ok if line["output"] is not None]
    rated = [line for line in lines if line["quality"] is not None]
    weight = sum(line["weight"] for line in rated)
    return {
        "total_generations": len(lines),
        "success_rate": len(ok) / len(judged) if judged else None,
        "avg_processing_time_ms": mean(line["ms"] for line in ok) if ok else None,
        "p50_processing_time_ms": quantile([line["ms"] for line in ok], 0.5),
        "p95_processing_time_ms": quantile([line["ms"] for line in ok], 0.95),
        "avg_first_token_ms": mean(first) if first else None,
        "p50_first_token_ms": quantile(first, 0.5),
        "p95_first_token_ms": quantile(first, 0.95),
        "tokens_per_second": 1000 * sum(line["output"] for line in spoke) / sum(line["ms"] for line in spoke)
        if spoke
        else None,
        "avg_cost_per_generation": mean(costs) if costs else None,
        "avg_quality_score": sum(line["quality"] * line["weight"] for line in rated) / weight if rated else None,
    }


def agrees(row, lines):
    expected = again(lines)
    for name, value in expected.items():
        assert row[name] == (None if value is None else pytest.approx(value, rel=1e-4, abs=6e-7)), name


def test_the_figures_of_each_model_are_those_of_the_export(page, export):
    assert len(page["models"]) == len({(line["kind"], line["model"]) for line in export}) == 6
    for row in page["models"]:
        agrees(row, [line for line in export if (line["kind"], line["model"]) == (row["kind"], row["model"])])


def test_so_are_those_of_each_task(page, export):
    rows = [(row, task) for row in page["models"] for task in row["tasks"]]
    assert len(rows) == len({(line["kind"], line["model"], line["task"]) for line in export}) > 12
    for row, task in rows:
        wanted = (row["kind"], row["model"], task["task"])
        agrees(task, [line for line in export if (line["kind"], line["model"], line["task"]) == wanted])


def test_of_a_models_tasks_so_many_are_told_and_no_more():
    fare = Fare(("chat", "large"), 1, 1, 0, Sample(1, 1, 1), Sample(), Sample(), 0, 0)
    tasks = [
        structs.replace(fare, names=("chat", "large", f"task-{number}")) for number in range(performance.TASKS + 5)
    ]
    [row] = told([fare], tasks)["models"]
    assert [one["task"] for one in row["tasks"]] == [f"task-{number}" for number in range(performance.TASKS)]


def row(model, cost=0.01, quality=0.9, ms=100.0, success=1.0, kind="chat", samples=()):
    return {
        "model": model, "kind": kind, "avg_cost_per_generation": cost, "avg_quality_score": quality,
        "avg_processing_time_ms": ms, "success_rate": success,
        "samples": {"time": MINIMUM, "cost": MINIMUM, "quality": MINIMUM, "scores": MINIMUM} | dict(samples),
    }  # fmt: skip


def leaders(*rows):
    return {name: found and found["model"] for name, found in recommended(rows).items()}


def test_the_cheapest_the_best_and_the_balanced_are_recommended():
    rows = [
        row("cheap", cost=0.001, quality=0.3, ms=50),
        row("fine", cost=0.002, quality=0.85),
        row("best", cost=0.1, quality=0.95),
    ]
    assert leaders(*rows) == {"cost_leader": "cheap", "quality_leader": "best", "balanced_choice": "fine"}
    assert recommended(rows)["balanced_choice"]["worth"] == round(0.5 * 0.85 + 0.3 * 0.5 + 0.2 * 0.5, 4)


def test_none_is_recommended_below_the_minimum():
    few = MINIMUM - 1
    assert leaders(row("few", samples={"cost": few})) == {
        "cost_leader": None, "quality_leader": "few", "balanced_choice": None,
    }  # fmt: skip
    assert leaders(row("few", samples={"quality": few, "scores": few})) == {
        "cost_leader": "few", "quality_leader": None, "balanced_choice": None,
    }  # fmt: skip
    assert set(leaders().values()) == {None}


def test_who_was_never_scored_is_no_leader_in_quality():
    """That answers come to their end is not held against what people say of others."""
    said, unsaid = (
        row("said", quality=0.95, samples={"scores": 1000}),
        row("unsaid", quality=1.0, samples={"scores": 0}),
    )
    assert leaders(said, unsaid)["quality_leader"] == leaders(said, unsaid)["balanced_choice"] == "said"
    assert leaders(unsaid) == {"cost_leader": "unsaid", "quality_leader": None, "balanced_choice": "unsaid"}


def test_the_samples_behind_each_are_told():
    found = recommended([row("one", samples={"cost": 40, "quality": 50, "scores": 31})])
    assert {one["scores"] for one in found.values()} == {31}
    assert {name: one["samples"] for name, one in found.items()} == {
        "cost_leader": 40, "quality_leader": 50, "balanced_choice": 40,
    }  # fmt: skip


def test_who_often_fails_or_makes_vectors_is_not_recommended():
    failing = row("failing", cost=0.0, success=performance.RELIABLE - 0.01)
    assert leaders(failing, row("vectors", kind="embeddings"), row("unknown", success=None)) == dict.fromkeys(
        ("cost_leader", "quality_leader", "balanced_choice")
    )


def test_what_costs_nothing_has_all_of_that_part():
    assert recommended([row("free", cost=0.0)])["balanced_choice"]["worth"] == round(0.45 + 0.3 + 0.2, 4)
