"""What is chosen is learned of, and the admin port switches who chooses."""

import asyncio
import json

import httpx2
import pytest
from msgspec import structs

from proxy.config.selection import Experiment, Levels, Selection, Strategy
from proxy.config.spending import LedgerSettings, Spending
from proxy.learning.experiments import report
from proxy.usage.fares import fares
from proxy.usage.sqlite import SqliteSource
from proxy.usage.summary import database_of

SETTINGS = "/api/v1/models/settings"


def one(model):
    return Strategy(model, Levels(model, model, model))


STRATEGIES = {"cheap": structs.replace(one("solo"), name="cheap"), "good": structs.replace(one("claude"), name="good")}


@pytest.fixture
def choosing(make_world, configured, tmp_path):
    """`async with choosing(experiments=...)`: a world that chooses, and keeps records."""

    def opened(**more):
        selection = Selection("cheap", strategies=STRATEGIES, folder=str(tmp_path), **more)
        spending = Spending(ledger=LedgerSettings(f"sqlite:///{tmp_path}/ledger.db"))
        return make_world(lambda *three: configured(*three, selection=selection, spending=spending))

    return opened


async def ask(world, user=""):
    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10, "user": user}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"{world.url}/chat/completions", json=body)
    return answer.headers["x-sidestep-model"]


async def switched(world, name):
    async with httpx2.AsyncClient() as http:
        return await http.put(world.admin + SETTINGS, json={"strategy": name})


async def kept(tmp_path, count):
    """All records, once there are so many."""
    source = SqliteSource(str(tmp_path / "ledger.db"))

    def read():
        return list(source.records(None, None)) if (tmp_path / "ledger.db").exists() else []

    async with asyncio.timeout(10):
        while len(found := await asyncio.to_thread(read)) < count:
            pass
    return found


async def test_the_admin_port_switches_who_chooses_for_this_start_and_the_next(choosing, tmp_path):
    async with choosing() as world:
        assert await ask(world) == "demo-large"
        refused = await switched(world, "other")
        assert (refused.status_code, await ask(world)) == (400, "demo-large")
        told = await switched(world, "good")
        assert (told.status_code, told.json()["current_strategy"]) == (200, "good")
        assert told.json()["available_strategies"] == ["cheap", "good"]
        assert await ask(world) == "demo-claude"
        lines = await kept(tmp_path, 3)
    assert [(line.strategy, line.model) for line in lines] == [
        ("cheap", "demo-large"), ("cheap", "demo-large"), ("good", "demo-claude"),
    ]  # fmt: skip
    async with choosing() as world:
        assert await ask(world) == "demo-claude"
        async with httpx2.AsyncClient() as http:
            assert (await http.get(f"{world.admin}{SETTINGS}/")).json()["current_strategy"] == "good"


async def test_an_experiments_arms_are_reported_as_they_were_split(choosing, tmp_path):
    arms = Experiment("rollout", (("cheap", 5000), ("good", 5000)))
    async with choosing(experiments={"rollout": arms}) as world:
        models = [await ask(world, f"user-{number}") for number in range(24)]
        await kept(tmp_path, 24)

    def reported():
        span = (0.0, float("inf"))
        with database_of(SqliteSource(str(tmp_path / "ledger.db")), None, None, scores=True) as database:
            return report("rollout", fares(database, ("arm",), span, now=0.0, experiment="rollout"))

    found = await asyncio.to_thread(reported)
    assert {arm.name: arm.requests for arm in found.arms} == {
        "cheap": models.count("demo-large"), "good": models.count("demo-claude"),
    }  # fmt: skip
    assert {finding.decided for finding in found.findings} == {False}


async def test_where_nothing_is_to_be_learned_nothing_is(choosing, tmp_path):
    async with choosing(track=False) as world:
        await ask(world)
        [line] = await kept(tmp_path, 1)
        assert (line.signal, line.strategy) == ("", "cheap")
        async with httpx2.AsyncClient() as http:
            shown = await http.get(f"{world.admin}/api/v1/models/performance")
            given = await http.post(
                world.url.removesuffix("/v1") + "/api/v1/feedback", json={"request_id": line.id, "score": 1}
            )
    assert (shown.status_code, given.status_code) == (409, 409)
    assert json.loads(given.content)["error"]["code"] == "not_recorded"
