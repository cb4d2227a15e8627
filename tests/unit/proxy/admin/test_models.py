"""The admin port's pages on models, asked as ASGI with and without a slash at the end."""

import asyncio
from hashlib import sha256
from types import SimpleNamespace

import orjson
import pytest
from msgspec import to_builtins

from proxy.admin import models
from proxy.admin.health import Health
from proxy.admin.pages import admin_app
from proxy.config.selection import Experiment
from proxy.config.spending import LedgerSettings
from proxy.edge import CONNECTION
from proxy.learning.feedback import Feedback
from proxy.learning.recent import Recent
from proxy.telemetry.metrics import Metrics
from proxy.usage.record import Record
from proxy.usage.sqlite import SqliteSink, SqliteSource

TOKEN = "st-admin-token"
NOON = 1_700_000_000.0
PERFORMANCE, SETTINGS, FEEDBACK = "/api/v1/models/performance", "/api/v1/models/settings", "/api/v1/feedback"


class Clock:
    time = 0.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return NOON + self.time


class Strategy:
    name = "balanced"
    kept = True
    available = ("balanced", "cost_optimized")

    def __init__(self):
        self.switched = []

    async def switch(self, name, by):
        if name not in self.available:
            raise ValueError(f"there is no strategy '{name}'; known: balanced, cost_optimized.")
        self.name = name
        self.switched.append((name, by))


class Scene:
    def __init__(self, path, tokens=()):
        self.clock, self.strategy, self.learns = Clock(), Strategy(), True
        self.known, self.split, self.feed = (), None, SimpleNamespace()
        self.place = LedgerSettings(f"sqlite:///{path}")
        self.feedback = Feedback(self.clock, Recent(), self.ledger, self.tracks, lambda *_: None)
        self.app = admin_app(
            health=Health(0.0), clock=self.clock, metrics=Metrics(), state=dict, budgets=dict, unfit=str,
            token_sha256=lambda: [sha256(token.encode()).hexdigest() for token in tokens], serving=self,
            feed=self.feed, trip=None,
        )  # fmt: skip

    def ledger(self):
        return self.place

    def tracks(self):
        return self.learns

    def models(self):
        return {"chat": ["large", "small"], "embeddings": ["docs"]}

    def tasks(self):
        return self.known

    def experiment(self):
        return self.split

    async def ask(self, path, method="GET", body=b"", peer="127.0.0.1", query=b"", **headers):
        sent = []
        headers = {"host": "127.0.0.1:4601", "content-type": "application/json"} | headers

        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "query_string": query, "client": (peer, 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {CONNECTION: SimpleNamespace(problem=None)},
        }  # fmt: skip
        await self.app(scope, receive, send)
        return sent[0]["status"], orjson.loads(sent[1]["body"] or b"null")


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "ledger.db"
    sink = SqliteSink(str(made))
    sink.write(
        [
            Record(
                f"req_{n}", NOON - 60, task="made up" * (n > 3), provider="alpha", model="large", ms=100 * n, cost=n,
                signal="whole",
            )
            for n in range(1, 5)
        ]
    )  # fmt: skip
    sink.close()
    return made


@pytest.fixture
def scene(path):
    return Scene(path)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_how_models_fare_is_told(scene, slash):
    status, told = await scene.ask(PERFORMANCE + slash)
    assert status == 200
    [row] = told["models"]
    assert (row["model"], row["total_generations"], row["avg_processing_time_ms"]) == ("large", 4, 250.0)
    assert (row["success_rate"], row["avg_cost_per_generation"], row["avg_quality_score"]) == (1.0, 2.5e-09, 1.0)
    assert told["recommendations"] == dict.fromkeys(["cost_leader", "quality_leader", "balanced_choice"])


async def test_figures_are_told_again_for_a_while(scene, path):
    await scene.ask(PERFORMANCE)
    path.unlink()
    assert (await scene.ask(PERFORMANCE))[0] == 200
    assert (await scene.ask(PERFORMANCE, query=b"since=1h"))[0] == 503
    scene.clock.time += models.FRESH_S
    assert (await scene.ask(PERFORMANCE))[0] == 503


async def test_what_cannot_be_told_is_said(scene):
    assert (await scene.ask(PERFORMANCE, query=b"since=soon"))[0] == 400
    scene.place = LedgerSettings()
    status, told = await scene.ask(PERFORMANCE)
    assert (status, told["models"], told["place"], set(told["recommendations"].values())) == (200, [], None, {None})
    assert "add [ledger] to the configuration" in told["hint"]
    scene.learns = False
    status, told = await scene.ask(PERFORMANCE)
    assert status == 409
    for place in ("TRACK_MODEL_PERFORMANCE", "[selection] track"):
        assert place in told["error"]["message"]


async def test_figures_that_take_too_long_are_given_up(scene, monkeypatch):
    monkeypatch.setattr(models, "LONGEST_S", -1.0)
    monkeypatch.setattr("proxy.usage.summary._STEPS", 1)
    status, told = await scene.ask(PERFORMANCE)
    assert (status, "took too long" in told["error"]["message"]) == (503, True)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_strategy_is_told_and_switched(scene, slash):
    status, told = await scene.ask(SETTINGS + slash)
    assert (status, told) == (200, {
        "current_strategy": "balanced", "available_strategies": ["balanced", "cost_optimized"],
        "available_models": {"chat": ["large", "small"], "embeddings": ["docs"]}, "experiment": None, "kept": True,
        "note": models.ALONE,
    })  # fmt: skip
    status, told = await scene.ask(SETTINGS + slash, "PUT", b'{"strategy": "cost_optimized"}')
    assert (status, told["current_strategy"]) == (200, "cost_optimized")
    assert scene.strategy.switched == [("cost_optimized", "127.0.0.1")]


async def test_a_switch_that_a_restart_would_undo_is_told_as_such(scene):
    scene.strategy.kept = False
    for asked in ((SETTINGS,), (SETTINGS, "PUT", b'{"strategy": "cost_optimized"}')):
        status, told = await scene.ask(*asked)
        assert (status, told["kept"], told["note"]) == (200, False, f"{models.UNKEPT} {models.ALONE}")


async def test_the_stream_tells_the_same_of_strategies(scene):
    scene.split = Experiment("rollout", (("balanced", 9500), ("cost_optimized", 500)))
    _, told = await scene.ask(SETTINGS)
    told.pop("available_models")
    assert to_builtins(scene.feed.strategy()) == told


async def test_tasks_that_are_not_configured_have_no_rows_where_any_are(scene):
    for known, tasks in (((), ["", "made up"]), (("", "letters"), [""])):
        scene.known = known
        scene.clock.time += models.FRESH_S
        _, told = await scene.ask(PERFORMANCE)
        assert [one["task"] for one in told["models"][0]["tasks"]] == tasks
        assert told["models"][0]["total_generations"] == 4


async def test_an_experiment_that_decides_before_the_switched_strategy_is_told(scene):
    scene.split = Experiment("rollout", (("balanced", 9500), ("cost_optimized", 500)))
    for asked in ((SETTINGS,), (SETTINGS, "PUT", b'{"strategy": "cost_optimized"}')):
        status, told = await scene.ask(*asked)
        assert (status, told["experiment"]) == (
            200, {"name": "rollout", "strategies": {"balanced": 95.0, "cost_optimized": 5.0}},
        )  # fmt: skip
        assert "experiment rollout shares out the requests that leave their model open" in told["note"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"strategy": "other"}', 400), (b'{"strategy": 1}', 400), (b"[]", 400), (b"{", 400), (b"{}", 400),
     (b'{"strategy": "balanced", "more": 1}', 400), (b" " * 5000, 413)],
)  # fmt: skip
async def test_what_is_no_strategy_switches_nothing(scene, body, status):
    found, told = await scene.ask(SETTINGS, "PUT", body)
    assert (found, scene.strategy.switched) == (status, [])
    assert told["error"]["message"].endswith(".")


async def test_a_body_of_another_type_is_refused(scene):
    found, _ = await scene.ask(SETTINGS, "PUT", b'{"strategy": "balanced"}', **{"content-type": "text/plain"})
    assert (found, scene.strategy.switched) == (415, [])


@pytest.mark.parametrize(
    "asked",
    [{"peer": "10.0.0.9"}, {"host": "rebound.example:4601"}, {"origin": "https://elsewhere.example"}],
)
@pytest.mark.parametrize(("path", "method"), [(PERFORMANCE, "GET"), (SETTINGS, "PUT"), (FEEDBACK, "POST")])
async def test_without_a_token_they_are_for_this_machine_alone(scene, path, method, asked):
    assert (await scene.ask(path, method, b'{"strategy": "balanced"}', **asked))[0] == 401
    assert scene.strategy.switched == []


async def test_with_a_token_it_takes_one_and_the_log_learns_whose(path):
    scene = Scene(path, [TOKEN])
    put = (SETTINGS, "PUT", b'{"strategy": "balanced"}')
    assert (await scene.ask(*put))[0] == 401
    assert (await scene.ask(*put, authorization="Bearer other"))[0] == 401
    assert (await scene.ask(*put, authorization=f"Bearer {TOKEN}", peer="10.0.0.9"))[0] == 200
    digest = sha256(TOKEN.encode()).hexdigest()[:8]
    assert scene.strategy.switched == [("balanced", f"10.0.0.9 with the admin token {digest}")]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_operator_scores_answers(scene, path, slash):
    status, told = await scene.ask(FEEDBACK + slash, "POST", b'{"request_id": "req_2", "score": 0.25}')
    assert (status, told["model"]) == (200, "large")
    scores = await asyncio.to_thread(lambda: list(SqliteSource(str(path)).scores(None, None)))
    assert [one.score for one in scores] == [0.25]
    status, told = await scene.ask(FEEDBACK, "POST", b'{"request_id": "req_9", "score": 0.25}')
    assert (status, told["error"]["param"]) == (404, "request_id")


@pytest.mark.parametrize(("path", "method"), [(PERFORMANCE, "PUT"), (SETTINGS, "POST"), (FEEDBACK, "GET")])
async def test_another_method_is_told_which_are_taken(scene, path, method):
    status, told = await scene.ask(path, method)
    assert (status, told["error"]["code"]) == (405, "method_not_allowed")
