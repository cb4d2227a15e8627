"""What the page on learning says is what is learned, told and bounded."""

import re
from pathlib import Path

import orjson

from proxy.admin import models
from proxy.cli.experiment import lines
from proxy.config.marks import PART, SAMPLES, SECONDS, WINDOW
from proxy.config.spending import Marks
from proxy.learning import experiments, feedback, performance, quality, signals, watch, watching
from proxy.usage import redis
from proxy.usage.fares import fares
from proxy.usage.record import Record
from proxy.usage.scores import LABEL_CAP, SCORED_DAYS
from proxy.usage.signals import SHOWN_WEIGHT, SIGNALS
from proxy.usage.sqlite import SqliteSink, SqliteSource
from proxy.usage.summary import database_of

PAGE = "docs/learning.md"
TEXT = " ".join((Path(__file__).parents[2] / PAGE).read_text("utf-8").split())
NOON = 1_700_000_000.0


def test_every_signal_is_told_with_its_worth(rows):
    told = {row["signal"]: float(row["quality"]) for row in rows(PAGE, "Quality")}
    assert told == dict(SIGNALS)


def test_every_field_of_a_models_row_is_told(rows):
    told = [name for row in rows(PAGE, "How models fare") for name in row["field"].split(", ")]
    fare = performance.told([], [])
    assert fare["models"] == []
    sample = [fare_of("large")]
    [row] = performance.told(sample, [])["models"]
    assert set(told) == row.keys() - {"tasks"}


def fare_of(model):
    from proxy.usage.fares import Fare, Sample

    return Fare(("chat", model), 1, 1, 0, Sample(1, 1, 1), Sample(), Sample(), 0, 0)


def test_every_field_of_feedback_is_told(rows):
    assert tuple(row["field"] for row in rows(PAGE, "Feedback")) == feedback._FIELDS


def test_every_mark_is_told_with_its_default_and_range(rows):
    ranges = {"p95_s": SECONDS, "failure_ratio": PART, "quality": PART, "cost_fraction": PART, "minimum": SAMPLES,
              "window_s": WINDOW}  # fmt: skip
    told = {row["key"]: row for row in rows(PAGE, "Alerts")}
    assert [("daily" if key == "daily_usd" else key) for key in told] == [
        "p95_s", "failure_ratio", "quality", "daily", "cost_fraction", "minimum", "window_s",
    ]  # fmt: skip
    assert set(Marks.__struct_fields__) == {("daily" if key == "daily_usd" else key) for key in told}
    for key, allowed in ranges.items():
        assert told[key]["default"] == str(getattr(Marks(), key))
        assert told[key]["range"] == f"{allowed.low:g} to {allowed.high:g}"


def test_the_message_has_the_fields_that_are_sent(all_blocks):
    [block] = [one for one in all_blocks if (one.page, one.language) == (PAGE, "json")]
    told = orjson.loads(block.text)
    turn = watch.Turn("p95_s", bad=True, value=7.31, mark=5.0, samples=212)
    assert told == {"event": "model_alert", "id": told["id"], "at": told["at"]} | watching.facts(
        "model", "gpt-4o", turn, 300.0
    )
    assert all(f"`{sign}`" in TEXT for sign in watch.SIGNS)


def test_the_report_is_what_such_records_give(all_blocks, tmp_path):
    path = str(tmp_path / "ledger.db")
    sink = SqliteSink(path)
    for start in range(0, 800, 200):
        sink.write([ended(number) for number in range(start, start + 200)])
    sink.close()
    span = (NOON, NOON + 9999)
    with database_of(SqliteSource(path), *span) as database:
        found = experiments.report("rollout", fares(database, ("arm",), span, now=NOON, experiment="rollout"))
    shown = next(one.text for one in all_blocks if (one.page, one.language) == (PAGE, "text"))
    assert list(lines([found], "somewhere"))[2:] == shown.splitlines()


def ended(number):
    arm, place = ("new", "old")[number % 2], number // 2
    return Record(
        f"req_{number:04}", NOON + number, asked="auto", provider="p", model="m", experiment="rollout", arm=arm,
        ms=(400 if arm == "new" else 700) + place % 97 * 3,
        cost=800_000 + place % 89 * (9000 if arm == "new" else 9200),
        signal="short" if place % (9 if arm == "new" else 10) == 0 else "whole",
        outcome="server" if arm == "new" and place % 20 == 0 else "ok",
    )  # fmt: skip


def test_the_bounds_are_told():
    days = quality.HALF_LIFE_S // 86_400
    for told in (
        f"half as much after {days} days, a quarter after {2 * days}",
        f"no model has {performance.MINIMUM} of them",
        f"at most {signals.READ // 1024} KiB",
        f"at most {LABEL_CAP} printable characters",
        f"Requests of the last {SCORED_DAYS} days",
        f"keeps the newest {redis.LENGTH:,}",
        f"the latest {watch.SAMPLES} of them",
        f"{watching.SUBJECTS} models and {watching.SUBJECTS} strategies",
        f"below {experiments.MINIMUM} samples in an arm",
    ):
        assert told in TEXT, told
    assert (feedback.WAITING, models.LONGEST_S, models.FRESH_S, models.SINCE) == (16, 10.0, 10.0, "7d")
    assert (watching.LOOK_S, watch.BETTER, SHOWN_WEIGHT, performance.RELIABLE) == (5.0, 0.2, 0.1, 0.9)
    assert performance.WEIGHTS == {"quality": 0.5, "cost": 0.3, "time": 0.2}
    assert re.search(r"Sixteen scores .* within ten seconds|within ten seconds .* Sixteen scores", TEXT)


def test_every_name_of_a_recommendation_is_told():
    assert all(f"`{name}`" in TEXT for name in performance.recommended([]))
