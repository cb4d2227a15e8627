"""The looks at providers within the composition: begun, changed and ended with the configuration that asks for them."""

import asyncio
import io

import orjson
import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.hidden import Secret
from proxy.config.profiles import vendors
from proxy.config.values import Config, HealthSettings, ModelRoute, Provider, ProviderKey, Step
from proxy.resilience.breaker import State
from proxy.upstream.seam import Unreachable
from tests.virtual import VirtualClock, played
from translators.ir import Dialect

ACTIVE = HealthSettings(active=True, interval_s=10.0)


@pytest.fixture(autouse=True, scope="module")
def _read():
    """What the application reads before anything runs."""
    vendors()


class Engine:
    """It reaches nobody."""

    def __init__(self):
        self.calls, self.closed = [], False
        self.fails = Unreachable("connection refused")

    async def send(self, call):
        assert not self.closed
        self.calls.append(call)
        raise self.fails

    async def close(self):
        self.closed = True


def config(health=ACTIVE, url="https://alpha.test/v1"):
    alpha = Provider(
        "alpha", Dialect.OPENAI_CHAT, url, keys=(ProviderKey("env:K", Secret("sk-canary")),), health=health
    )
    return Config({"alpha": alpha}, {"m": ModelRoute("m", (Step("alpha", "large"),))})


class Stage:
    def __init__(self, first):
        self.engines, self.log, self.clock = [], io.BytesIO(), VirtualClock()
        self.app = build(first, self.clock, self.log, self.engine_for)

    def engine_for(self, kind, provider, *, connections):
        self.engines.append(Engine())
        return self.engines[-1]

    def state(self):
        return orjson.loads(orjson.dumps(self.app.state()))

    async def passes(self, seconds):
        await self.clock.sleep(seconds)

    def events(self):
        return [line for line in map(orjson.loads, self.log.getvalue().splitlines()) if line["event"] == "probe"]


def play(story, first):
    async def main():
        stage = Stage(first)
        await stage.app.open()
        try:
            await story(stage)
        finally:
            await stage.app.close()
        assert len(asyncio.all_tasks()) == 1
        return stage

    return played(main())


def test_an_idle_provider_that_is_down_is_told_everywhere_once():
    async def story(stage):
        await stage.passes(60)
        look = stage.state()["probes"]["alpha"]
        assert (look["up"], look["asked_because"]) == (False, "idle")
        assert list(stage.app.metrics.providers_up()) == [("alpha", False)]
        assert stage.app.metrics.probes["alpha", "connect"] == len(stage.engines[0].calls) >= 5

    stage = play(story, config())
    [line] = stage.events()
    assert (line["provider"], line["up"], line["level"]) == ("alpha", False, "warning")
    assert b"sk-canary" not in stage.log.getvalue()


def test_an_open_breaker_is_held_open_while_it_is_down():
    async def story(stage):
        provider = stage.app._serving.config.providers["alpha"]
        [target] = stage.app._serving.router.chat("m").targets
        state = stage.app._registry.target(target, stage.clock.now())
        state.breaker.trip(stage.clock.now())
        await stage.passes(100)
        assert state.breaker.state(stage.clock.now()) is State.OPEN
        assert stage.app._registry.at(provider) == [state]

    play(story, config())


def test_without_active_nothing_is_asked():
    async def story(stage):
        await stage.passes(1000)
        assert stage.state()["probes"] == {}
        assert stage.engines[0].calls == []

    play(story, config(HealthSettings()))


def test_a_reload_changes_who_is_looked_at_and_through_which_connections():
    async def story(stage):
        app = stage.app
        await stage.passes(15)
        former = app.adopt(await app.prepare(config(url="https://moved.test/v1")))
        await app.retire(former)
        assert stage.engines[0].closed
        before = len(stage.engines[0].calls)
        await stage.passes(15)
        assert len(stage.engines[0].calls) == before
        assert {call.url for call in stage.engines[1].calls} == {"https://moved.test/v1/models"}
        app.adopt(await app.prepare(config(structs.replace(ACTIVE, active=False), "https://moved.test/v1")))
        before = len(stage.engines[1].calls)
        await stage.passes(60)
        assert (len(stage.engines[1].calls), stage.state()["probes"]) == (before, {})

    play(story, config())


def test_a_look_that_fails_of_our_own_mistake_counts_as_one_until_it_fails_otherwise():
    async def story(stage):
        stage.engines[0].fails = ZeroDivisionError("with sk-canary in it")
        await stage.passes(30)
        assert len(stage.engines[0].calls) >= 2
        assert stage.app.metrics.own_errors["internal_error",] == 1

    stage = play(story, config())
    told = [line for line in map(orjson.loads, stage.log.getvalue().splitlines()) if line["event"] == "own_error"]
    assert [(line["level"], line["type"]) for line in told] == [("error", "ZeroDivisionError")]
    assert b"sk-canary" not in stage.log.getvalue()
