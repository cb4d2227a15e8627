"""Models and strategies are watched while they serve, and whoever is to be told is told."""

import asyncio

import pytest

from proxy.config.spending import NANOS, AlertSettings, Marks, Watched
from proxy.learning import watching
from proxy.learning.watching import Watching, watches

MARKS = Marks(minimum=10, daily=NANOS)
BOTH = AlertSettings(models=Watched(MARKS, {"own": Marks(p95_s=60, minimum=10)}), strategies=Watched(MARKS))


class Scene:
    def __init__(self, clock, record):
        self.told, self.clock, self.record = [], clock, record
        self.news = asyncio.Event()
        self.watching = Watching(clock, self.hear)
        self.watching.follow(BOTH)

    def hear(self, facts):
        self.told.append(facts)
        self.news.set()

    def end(self, count=20, **fields):
        for number in range(count):
            self.watching.note(self.record(number, at=self.clock.wall(), **fields))


@pytest.fixture
async def scene(clock, record):
    made = Scene(clock, record)
    yield made
    made.watching.close()


async def test_a_model_and_its_strategy_are_told_apart(scene):
    scene.end(ms=9000, strategy="balanced")
    scene.watching.look()
    assert scene.told == [
        {"model": "large", "sign": "p95_s", "state": "bad", "value": 9.0, "mark": 5.0, "window_s": 300.0,
         "samples": 20},
        {"strategy": "balanced", "sign": "p95_s", "state": "bad", "value": 9.0, "mark": 5.0, "window_s": 300.0,
         "samples": 20},
    ]  # fmt: skip


async def test_one_that_has_marks_of_its_own_is_held_to_them(scene):
    scene.end(ms=9000, model="own")
    scene.watching.look()
    assert scene.told == []


async def test_who_did_not_answer_is_told_by_what_was_asked_for(scene):
    scene.end(outcome="server", provider="", model="", asked="gpt-4o", signal="")
    scene.watching.look()
    assert [(one["model"], one["sign"], one["value"]) for one in scene.told] == [("gpt-4o", "failure_ratio", 1.0)]


async def test_what_reached_nobody_or_passed_through_is_not_watched(scene):
    scene.end(outcome="server", provider="", model="", attempts=0)
    scene.end(ms=9000, route="passthrough")
    scene.watching.look()
    assert scene.told == []


async def test_a_score_counts_for_whoever_answered(scene):
    scene.end()
    for number in range(20):
        scene.watching.score(scene.record(number, at=scene.clock.wall()), 0.0)
    scene.watching.look()
    assert [(one["model"], one["sign"], one["samples"]) for one in scene.told] == [("large", "quality", 20)]


async def test_scores_of_one_request_or_of_those_before_the_window_tell_nothing(scene):
    """Nor do those push out what is known of requests in the window."""
    scene.end(300)
    for number in range(300):
        scene.watching.score(scene.record(299, at=scene.clock.wall()), 0.0)
        scene.watching.score(scene.record(1000 + number, at=scene.clock.wall() - MARKS.window_s), 0.0)
    scene.watching.look()
    assert scene.told == []
    scene.clock.time += MARKS.window_s - 1
    scene.end(300, signal="cut")
    for number in range(1000, 1300):
        scene.watching.score(scene.record(number, at=scene.clock.wall() - MARKS.window_s), 1.0)
    scene.watching.look()
    assert [(one["sign"], one["samples"]) for one in scene.told] == [("quality", 256)]


async def test_a_model_that_failed_is_told_and_not_whoever_answered_after_it(scene):
    """The time that it took is its own, and not the other's."""
    tried = "alpha/large:timeout:9000,beta/small:ok:300"
    scene.end(provider="beta", model="small", asked="duo", ms=9300, strategy="balanced", tried=tried)
    scene.watching.look()
    assert [(*one.values(),)[:4] for one in scene.told] == [
        ("large", "failure_ratio", "bad", 1.0), ("balanced", "p95_s", "bad", 9.3),
    ]  # fmt: skip


async def test_auto_is_no_model(scene):
    scene.end(outcome="server", provider="", model="", asked="auto", signal="", tried="alpha/large:server:9")
    scene.watching.look()
    assert [(one["model"], one["sign"]) for one in scene.told] == [("large", "failure_ratio")]


async def test_money_is_told_exactly(scene):
    scene.end(1, cost=NANOS - 1)
    scene.watching.look()
    assert scene.told == [
        {"model": "large", "sign": "daily_usd", "state": "bad", "value": "0.999999999", "mark": "0.8", "samples": 1}
    ]


async def test_it_looks_by_itself_until_nobody_asks_any_more(scene, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 0.0)
    scene.end(ms=9000)
    async with asyncio.timeout(5):
        await scene.news.wait()
        scene.news.clear()
        scene.clock.time += 301
        await scene.news.wait()
    assert scene.watching._timer is None
    assert scene.told[1] == {
        "model": "large", "sign": "p95_s", "state": "good", "mark": 5.0, "window_s": 300.0, "samples": 0,
    }  # fmt: skip


async def test_what_is_watched_follows_the_configuration(scene):
    scene.end(ms=9000, strategy="balanced")
    scene.watching.follow(AlertSettings(strategies=Watched(MARKS)))
    scene.watching.look()
    assert [sorted(one)[-2] for one in scene.told] == ["value"]
    assert scene.told[0]["strategy"] == "balanced"
    scene.watching.follow(AlertSettings())
    scene.end(ms=9000)
    assert scene.watching._models == scene.watching._strategies == {}
    assert watches(AlertSettings()) is None
    assert watches(BOTH)


async def test_no_more_than_so_many_are_watched(scene, monkeypatch):
    monkeypatch.setattr(watching, "SUBJECTS", 3)
    for number in range(9):
        scene.end(1, model=f"m{number}")
    assert list(scene.watching._models) == ["m6", "m7", "m8"]
