"""Learning through a whole proxy: what clients and the operator say, what answers show, and what comes out of it."""

import asyncio
import hashlib
import json
from statistics import mean

import httpx2
import pytest

from proxy.config.hidden import Secret
from proxy.config.spending import AlertSettings, LedgerSettings, Marks, Price, Spending, Watched
from proxy.config.values import Client
from proxy.drill.script import cut, ok, status
from proxy.learning import watching
from proxy.usage.export import exported
from proxy.usage.sqlite import SqliteSource
from tests.e2e.test_alerts_sending import SECRET, receiving, signed_by_us

ASKED = {"model": "duo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}


def form(**more):
    schema = {"type": "object"} | more
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}


PRICES = {"demo-large": Price(3000, 12_000), "demo-claude": Price(1000, 5000)}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def learning(make_world, configured, file):
    """`async with learning()`: a world that keeps records, with two clients."""

    def opened(**more):
        keys = {name: (hashlib.sha256(name.encode()).hexdigest(),) for name in ("app", "other")}
        clients = {name: Client(name, key, speaks_for=("task",)) for name, key in keys.items()}
        spending = Spending(**({"ledger": LedgerSettings(f"sqlite:///{file}"), "prices": PRICES} | more))
        return make_world(lambda *three: configured(*three, spending=spending, clients=clients))

    return opened


async def ask(world, key="app", **fields):
    async with httpx2.AsyncClient() as http:
        headers = {"authorization": f"Bearer {key}", "x-sidestep-task": "letters"}
        answer = await http.post(f"{world.url}/chat/completions", json=ASKED | fields, headers=headers)
    return answer.headers.get("x-request-id", "")


async def score(world, key="app", path="/api/v1/feedback", **fields):
    async with httpx2.AsyncClient() as http:
        headers = {"authorization": f"Bearer {key}"}
        return await http.post(world.url.removesuffix("/v1") + path, json=fields, headers=headers)


async def page(world, path, method="GET", **more):
    async with httpx2.AsyncClient() as http:
        return await http.request(method, world.admin + path, **more)


async def records(file, count):
    """All of them as they are exported, once there are so many."""
    source = SqliteSource(str(file))

    def read():
        return [json.loads(line) for line in exported(source.records(None, None), "jsonl")] if file.exists() else []

    async with asyncio.timeout(10):
        while len(found := await asyncio.to_thread(read)) < count:
            pass
    return found


async def test_what_answers_show_and_people_say_comes_out_as_each_models_figures(learning, file):
    async with learning() as world:
        ids = [await ask(world) for _ in range(3)]
        ids.append(await ask(world, stream=True))
        ids.append(await ask(world, model="claude"))
        given = await score(world, request_id=ids[0], score=0.25, label="wrong tone")
        assert (given.status_code, given.json()) == (
            200, {"request_id": ids[0], "score": 0.25, "label": "wrong tone", "model": "demo-large"},
        )  # fmt: skip
        lines = await records(file, 5)
        assert [line["signal"] for line in lines] == ["whole"] * 5
        told = (await page(world, "/api/v1/models/performance/?since=1h")).json()
    rows = {row["model"]: row for row in told["models"]}
    assert rows.keys() == {"demo-large", "demo-claude"}
    for model, row in rows.items():
        own = [line for line in lines if line["model"] == model]
        assert row["total_generations"] == len(own)
        assert row["success_rate"] == 1.0
        assert row["avg_processing_time_ms"] == pytest.approx(mean(line["ms"] for line in own), abs=1e-3)
        assert row["avg_cost_per_generation"] == pytest.approx(mean(float(line["cost_usd"]) for line in own))
        assert [(task["task"], task["total_generations"]) for task in row["tasks"]] == [("letters", len(own))]
    assert rows["demo-claude"]["avg_quality_score"] == 1.0
    assert rows["demo-large"]["avg_quality_score"] == pytest.approx((0.25 + 3 * 0.1) / 1.3, abs=1e-6)
    assert rows["demo-large"]["samples"]["scores"] == 1
    assert set(told["recommendations"].values()) == {None}


async def test_what_the_client_does_wrong_or_no_model_is_asked_for_is_no_models_failure(learning, file):
    """An unknown model, a body that no target can be asked with, and one that the provider refuses."""
    async with learning() as world:
        await ask(world)
        await ask(world, model="auto/nope")
        await ask(world, messages=7)
        world.alpha.script = status(400)
        refused = await ask(world)
        world.alpha.script = status(500)
        world.beta.script = status(500)
        failed = await ask(world)
        await records(file, 4)
        told = (await page(world, "/api/v1/models/performance?since=1h")).json()
        answers = [await score(world, request_id=one, score=1) for one in (refused, failed)]
        seen = (await page(world, "/events")).json()["requests"]
    rows = {row["model"]: (row["total_generations"], row["success_rate"]) for row in told["models"]}
    assert rows == {"demo-large": (2, 0.5), "demo-claude": (1, 0.0)}, "the last one, which both failed"
    assert [(one.status_code, one.json()["error"]["code"]) for one in answers] == [(409, "not_answered")] * 2
    assert {one["route"] for one in seen} == {"chat"}


async def test_a_model_that_fails_is_seen_where_another_answers_for_it(learning, file):
    """By its own name, with whoever answered, and never as `auto` or the name of a chain."""
    async with learning() as world:
        await ask(world)
        world.alpha.script = status(500)
        await ask(world)
        await ask(world, stream=True)
        lines = await records(file, 3)
        told = (await page(world, "/api/v1/models/performance?since=1h")).json()
    assert lines[0]["tried"] == ""
    for line in lines[1:]:
        assert [one.rpartition(":")[0] for one in line["tried"].split(",")] == [
            "alpha/demo-large:server", "beta/demo-claude:ok",
        ]  # fmt: skip
    rows = {row["model"]: (row["total_generations"], row["success_rate"]) for row in told["models"]}
    assert rows == {"demo-large": (3, pytest.approx(1 / 3, abs=1e-6)), "demo-claude": (2, 1.0)}
    own = [int(line["tried"].rpartition(":")[2]) for line in lines[1:]]
    [fallback] = [row for row in told["models"] if row["model"] == "demo-claude"]
    assert fallback["avg_first_token_ms"] == own[1]


async def test_a_client_scores_its_own_requests_alone(learning, file):
    async with learning() as world:
        mine, theirs = await ask(world), await ask(world, key="other")
        await records(file, 2)
        foreign, unknown = (
            await score(world, request_id=theirs, score=1),
            await score(world, request_id="req_0", score=1),
        )
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["error"]["message"] == unknown.json()["error"]["message"].replace("req_0", theirs)
        assert foreign.json()["error"]["code"] == "request_not_found"
        wrong = await score(world, request_id=mine, score=2)
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "score")
        assert (await score(world, key="stranger", request_id=mine, score=1)).status_code == 401
        assert (await score(world, path="/api/v1/feedback/", request_id=mine, score=1)).status_code == 404
        assert list(await asyncio.to_thread(lambda: list(SqliteSource(str(file)).scores(None, None)))) == []
        operators = await page(world, "/api/v1/feedback/", "POST", json={"request_id": theirs, "score": 1})
        assert operators.status_code == 200
        # not even written yet
        assert (await score(world, request_id=await ask(world), score=0.5)).status_code == 200
    kept = await asyncio.to_thread(lambda: list(SqliteSource(str(file)).scores(None, None)))
    assert [one.score for one in kept] == [1.0, 0.5]


async def test_what_breaks_off_and_what_has_not_its_form_is_told_as_such(learning, file):
    async with learning() as world:
        await ask(world, model="solo", response_format=form())
        await ask(world, model="solo", response_format=form(minProperties=1))  # it says {}
        world.alpha.script = cut(after=2)
        with pytest.raises(httpx2.HTTPError):
            await ask(world, model="solo", stream=True)
        world.alpha.script = ok()
        await ask(world, model="solo", response_format={"type": "text"})
        lines = await records(file, 4)
    assert [line["signal"] for line in lines] == ["valid", "invalid", "cut", "whole"]


async def test_settings_name_what_there_is_and_nothing_is_switched_to_what_is_not(learning):
    async with learning() as world:
        told = (await page(world, "/api/v1/models/settings")).json()
        assert told["available_models"] == {
            "chat": ["duo", "claude", "claude-first", "solo"],
            "embeddings": ["vectors"],
        }
        assert told["experiment"] is None
        refused = await page(world, "/api/v1/models/settings/", "PUT", json={"strategy": "other"})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "strategy")


async def test_a_model_that_fails_is_told_of_by_log_metric_and_webhook(learning, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    async with receiving() as receiver:
        marks = Watched(Marks(p95_s=600, minimum=5))
        alerts = AlertSettings(f"http://127.0.0.1:{receiver.port}/alerts", Secret(SECRET), models=marks)
        async with learning(alerts=alerts, ledger=LedgerSettings()) as world:
            world.alpha.script = status(500)
            for _ in range(5):
                await ask(world, model="solo")
            await receiver.has(1)
            scraped = (await page(world, "/metrics")).text
        [(_, headers, body)] = receiver.got
        assert signed_by_us(headers, body)
        told = json.loads(body)
        assert {name: told[name] for name in ("event", "model", "sign", "state", "value", "samples")} == {
            "event": "model_alert", "model": "demo-large", "sign": "failure_ratio", "state": "bad", "value": 1.0,
            "samples": 5,
        }  # fmt: skip
        assert 'sidestep_model_alerts_total{sign="failure_ratio",state="bad"} 1.0' in scraped
