"""The composition: every part is wired, and what it shows of itself holds no secret."""

import io

import orjson
import pytest

from proxy.app import App, build
from proxy.config.values import Config, ModelRoute, Provider, ProviderKey, Secret, Step
from proxy.flow import Exchange
from proxy.upstream.pools import Pool
from proxy.upstream.seam import Unreachable
from translators.ir import Dialect

CANARY = "sk-canary-7f3a"
HELLO = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "a private word"}]})


class Clock:
    """It stands still."""

    def now(self) -> float:
        return 1e9

    def wall(self) -> float:
        return 1.7e9

    def uniform(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        pass


class Dead:
    """An engine that reaches nobody."""

    closed = False

    async def send(self, call):
        raise Unreachable("connection refused")

    async def close(self) -> None:
        self.closed = True


class Told:
    started = False

    async def answer(self, status, headers, body) -> None:
        self.started = True
        self.status, self.headers, self.body = status, dict(headers), body


@pytest.fixture
def log() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
async def app(log):
    keys = (ProviderKey("env:KEY", Secret(CANARY)),)
    provider = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test", keys=keys)
    made = build(Config({"alpha": provider}, {"m": ModelRoute("m", (Step("alpha", "large"),))}), Clock(), log)
    made._serving.pools["alpha"] = Pool(Dead(), made._serving.pools["alpha"].of)
    return made


async def ask(app: App) -> Told:
    async def read() -> bytes:
        return HELLO

    out = Told()
    exchange = Exchange(
        id="req_1",
        route="chat",
        method="POST",
        path="/v1/chat/completions",
        headers={"authorization": "Bearer " + CANARY},
        read=read,
        peer="127.0.0.1",
        out=out,
        codec=app.codec_for("chat"),
        started=1e9,
    )
    await app.service(exchange)
    return out


async def test_a_request_goes_through_the_whole_stack(app, log):
    """Its failures reach the client, the breaker, the counters and the log."""
    for _ in range(2):
        assert (await ask(app)).status == 502
    assert app.metrics.attempts == {("alpha", "large", "connect"): 5}
    assert list(app.metrics.breakers()) == [("alpha", "large", "OPEN")]
    await app.close()
    events = [orjson.loads(line)["event"] for line in log.getvalue().splitlines()]
    assert events.count("exchange") == 2 and "breaker" in events


async def test_the_state_shows_targets_breakers_and_keys_in_jsons_terms(app):
    assert orjson.loads(orjson.dumps(app.state()))["targets"] == []
    for _ in range(2):
        await ask(app)
    app._alert("key_refused", provider="alpha", key="ab")
    state = orjson.loads(orjson.dumps(app.state()))
    (target,), (key,) = state["targets"], state["providers"]["alpha"]
    assert (target["target"], target["in_flight"], target["throttled_for_s"]) == ("alpha/large", 0, None)
    assert (target["breaker"]["state"], target["breaker"]["reason"], target["breaker"]["opens_for_s"]) == (
        "OPEN",
        "consecutive",
        30,
    )
    assert (key["source"], key["in_flight"], key["off"], len(key["key"])) == ("env:KEY", 0, None, 8)
    assert (state["source"], state["demo"]) == ("environment", False)


async def test_no_secret_and_no_body_is_in_the_state_the_log_or_the_answer(app, log):
    answer = await ask(app)
    app.state()
    await app.close()
    shown = log.getvalue() + orjson.dumps(app.state()) + answer.body + repr(answer.headers).encode()
    assert CANARY.encode() not in shown
    assert b"private" not in shown


async def test_closing_closes_the_engines(app):
    (pool,) = app._serving.pools.values()
    await app.close()
    assert pool.engine.closed
