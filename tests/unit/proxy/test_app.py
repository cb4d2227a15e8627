"""The composition: every part is wired, and what it shows of itself holds no secret."""

import io
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from msgspec import structs

from proxy.app import App, build
from proxy.chain.passthrough import target_at
from proxy.config.errors import ConfigErrors
from proxy.config.hidden import Secret
from proxy.config.spending import LedgerSettings, Spending
from proxy.config.values import (
    Config,
    LimitSettings,
    ModelRoute,
    PassthroughSettings,
    Provider,
    ProviderKey,
    RecordSettings,
    Step,
    TelemetrySettings,
)
from proxy.flow import Exchange
from proxy.upstream.pools import Pool
from proxy.upstream.seam import Unreachable
from translators.ir import Dialect

ROOT = Path(__file__).parents[3]
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

    def __init__(self) -> None:
        self.urls, self.headers = [], []

    @property
    def calls(self) -> int:
        return len(self.urls)

    def told(self, header: str) -> list[str]:
        return [value for name, value in self.headers if name == header]

    async def send(self, call):
        self.urls.append(call.url)
        self.headers += call.headers
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


def exchange_of(app: App) -> tuple[Told, Exchange]:
    async def read() -> bytes:
        return HELLO

    out = Told()
    out.exchange = Exchange(
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
    return out, out.exchange


async def ask(app: App) -> Told:
    out, exchange = exchange_of(app)
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
    before = orjson.loads(orjson.dumps(app.state()))
    assert (before["targets"], before["configured"]) == ([], ["alpha/large"])
    for _ in range(2):
        await ask(app)
    app._events.alert("key_refused", provider="alpha", key="ab")
    state = orjson.loads(orjson.dumps(app.state()))
    (target,), (key,) = state["targets"], state["providers"]["alpha"]
    assert target["breaker"]["admits_in_s"] == 30
    assert (target["target"], target["in_flight"], target["throttled_for_s"]) == ("alpha/large", 0, None)
    assert (target["breaker"]["state"], target["breaker"]["reason"], target["breaker"]["opens_for_s"]) == (
        "OPEN",
        "consecutive",
        30,
    )
    assert (key["source"], key["in_flight"], key["off"], len(key["key"])) == ("env:KEY", 0, None, 8)
    assert (state["source"], state["demo"]) == ("environment", False)


async def test_keys_that_are_off_are_in_use_again_when_an_operator_says_so_and_the_log_tells(app, log):
    await ask(app)
    (pool,) = app.registry.pools().values()
    (key,) = pool.each()
    pool.disable(key, app._clock.now(), "quota")
    assert app.state()["targets"][0]["forced_in_s"] == 0
    app.free_keys()
    app.free_keys()
    assert app.state()["providers"]["alpha"][0]["off"] is None
    assert app.state()["targets"][0]["forced_in_s"] is None
    await app.close()
    told = [line for line in map(orjson.loads, log.getvalue().splitlines()) if line["event"] == "key_back"]
    assert [(line["provider"], line["source"], line["by"]) for line in told] == [("alpha", "env:KEY", "reload")]


async def test_no_secret_and_no_body_is_in_the_state_the_log_or_the_answer(app, log):
    answer = await ask(app)
    app.state()
    await app.close()
    shown = log.getvalue() + orjson.dumps(app.state()) + answer.body + repr(answer.headers).encode()
    assert CANARY.encode() not in shown
    assert b"private" not in shown


def provider(name, url="https://alpha.test"):
    return Provider(name, Dialect.OPENAI_CHAT, url, keys=(ProviderKey("env:KEY", Secret(CANARY)),))


def config(*providers, chain, **fields):
    models = {"m": ModelRoute("m", tuple(Step(*target.split("/")) for target in chain))}
    return Config({one.name: one for one in providers}, models, **fields)


async def adopted(app, config):
    """The generation before, with dead engines in all that is new."""
    made = await app.prepare(config)
    known = {id(pool) for pool in app._serving.pools.values()}
    for name, pool in made.pools.items():
        if id(pool) not in known:
            made.pools[name] = Pool(Dead(), pool.of)
    return app.adopt(made)


def targets(app):
    return [target["target"] for target in app.state()["targets"]]


async def test_a_new_configuration_serves_new_requests_and_keeps_what_was_learned(app):
    await ask(app)
    await ask(app)
    assert app.state()["targets"][0]["breaker"]["state"] == "OPEN"
    await adopted(app, config(provider("alpha"), chain=["alpha/large", "alpha/small"], source="s.toml"))
    answer = await ask(app)
    assert "alpha/large" not in answer.headers["x-sidestep-attempts"], "its breaker is still open"
    assert app.state()["source"] == "s.toml"
    assert targets(app) == ["alpha/large", "alpha/small"]


async def test_engines_of_unchanged_providers_stay_and_others_close_when_their_last_request_has_ended(app):
    first = app._serving.pools["alpha"].engine
    old = await adopted(app, config(provider("alpha"), provider("beta", "https://b.test"), chain=["beta/x"]))
    assert app._serving.pools["alpha"].engine is first
    middle = await adopted(app, config(provider("beta", "https://b.test"), chain=["beta/x"]))
    assert not first.closed
    await app.retire(middle)
    assert not first.closed, "requests of the oldest generation may still use it"
    await app.retire(old)
    assert first.closed
    assert not app._serving.pools["beta"].engine.closed


async def test_a_request_ends_with_the_engine_it_began_with(app):
    """Its provider has moved meanwhile: neither its address nor its keys mix."""
    began = app.service
    old = await adopted(app, config(provider("alpha", "https://moved.test"), chain=["alpha/large"]))
    first = old.pools["alpha"].engine
    _, exchange = exchange_of(app)
    await began(exchange)
    assert (first.calls, app._serving.pools["alpha"].engine.calls) == (3, 0)
    assert set(first.urls) == {"https://alpha.test/chat/completions"}


async def test_targets_that_nothing_leads_to_are_forgotten_once_idle(app):
    await ask(app)
    (state,) = app._registry.targets()
    state.enter()
    old = await adopted(app, config(provider("beta", "https://b.test"), chain=["beta/x"]))
    await ask(app)
    assert targets(app) == ["alpha/large", "beta/x"]
    assert set(app.state()["providers"]) == {"alpha", "beta"}
    state.leave()
    await app.retire(old)
    assert targets(app) == ["beta/x"]
    assert set(app.state()["providers"]) == {"beta"}


async def test_any_target_of_a_known_provider_stays_where_any_may_be_asked_for(app):
    await ask(app)
    anything = Config({"alpha": provider("alpha")}, {"*": ModelRoute("*", (Step("alpha", "*"),))})
    await app.retire(await adopted(app, anything))
    assert targets(app) == ["alpha/large"]


async def test_what_passes_through_stays_a_target_while_its_provider_does(app):
    """By its own name, which no chain has."""
    passing = PassthroughSettings("alpha")
    first = config(provider("alpha"), chain=["alpha/large"], passthrough=passing)
    await app.retire(await adopted(app, first))
    app._registry.target(target_at(first.providers["alpha"]), 1e9)
    await app.retire(await adopted(app, first))
    assert targets(app) == ["alpha/passthrough"]
    moved = config(provider("alpha", "https://moved.test"), chain=["alpha/large"], passthrough=passing)
    await app.retire(await adopted(app, moved))
    assert targets(app) == []


async def test_a_target_that_is_taken_out_is_logged_with_who_did_it_and_its_late_result_is_counted(app, log):
    await ask(app)
    (state,) = app._registry.targets()
    permit = state.breaker.admit(1e9, 30.0)
    assert app.trip("alpha/large", "127.0.0.1")["breaker"]["state"] == "OPEN"
    state.breaker.settle(permit, "success", 1e9)
    assert app.metrics.late == {("alpha", "large"): 1}
    await app.close()
    lines = [line for line in map(orjson.loads, log.getvalue().splitlines()) if line["event"] in {"trip", "breaker"}]
    assert [(line["event"], line.get("by"), line.get("reason")) for line in lines] == [
        ("trip", "127.0.0.1", None), ("breaker", None, "manual"),
    ]  # fmt: skip


async def test_labels_and_places_follow(app):
    limits = LimitSettings(in_flight=1, queue=0)
    await adopted(app, config(provider("alpha"), chain=["alpha/large", "alpha/small"], limits=limits))
    assert app.metrics.model_label("small") == "small"
    assert app._admission.free == 1


async def test_certificates_that_cannot_be_used_leave_all_as_it_was(app, tmp_path):
    before = app._serving
    broken = structs.replace(provider("alpha"), ca_file=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigErrors, match=r"providers\.alpha\.ca_file"):
        await app.prepare(config(broken, chain=["alpha/large"]))
    assert app._serving is before
    assert (await ask(app)).status == 502


async def test_closing_closes_the_engines_of_every_generation(app):
    first = app._serving.pools["alpha"].engine
    await adopted(app, config(provider("beta", "https://b.test"), chain=["beta/x"]))
    second = app._serving.pools["beta"].engine
    await app.close()
    assert first.closed
    assert second.closed


async def test_closing_closes_the_engines(app):
    (pool,) = app._serving.pools.values()
    await app.close()
    assert pool.engine.closed


def test_without_somewhere_to_send_spans_nothing_that_makes_them_is_loaded():
    """A process of its own, since this one has loaded them for other tests."""
    program = """
import asyncio, os, sys
from proxy.app import build
from proxy.clock import SystemClock
from proxy.config.values import Config, TelemetrySettings

PARTS = "filters.traces", "telemetry.spans", "telemetry.otlp", "upstream.collector"

async def loaded(url):
    config = Config({}, {}, telemetry=TelemetrySettings(otlp=url))
    build(config, SystemClock(), open(os.devnull, "wb", buffering=0))
    return sum(f"proxy.{part}" in sys.modules for part in PARTS)

print(asyncio.run(loaded("")), asyncio.run(loaded("http://otel.test/v1/traces")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "0 4\n"


async def test_without_somewhere_to_send_spans_an_exchange_has_no_trace(app):
    assert app._serving.collector is None
    assert app.metrics.spans_dropped() == 0
    out = await ask(app)
    assert out.exchange.trace is None


async def test_spans_of_an_exchange_go_where_they_went_when_it_began(app):
    """However far the configuration has moved on; what they went to ends with the last generation that knows it."""
    one, two = TelemetrySettings("http://one.test/v1/traces"), TelemetrySettings("http://two.test/v1/traces")
    await app.retire(await adopted(app, config(provider("alpha"), chain=["alpha/large"], telemetry=one)))
    began, first = app.service, app._serving.collector
    same = await adopted(app, config(provider("alpha"), chain=["alpha/small"], telemetry=one))
    assert app._serving.collector is first
    await app.retire(same)
    old = await adopted(app, config(provider("alpha"), chain=["alpha/large"], telemetry=two))
    _, exchange = exchange_of(app)
    await began(exchange)
    assert (len(first._queue), len(app._serving.collector._queue)) == (1 + 3, 0), "its own and one an attempt"
    assert not first._ending.is_set()
    await app.retire(old)
    await app._collectors.close()
    assert first._task.done()
    assert app.metrics.spans_dropped() == 1 + 3, "nobody answers there"
    await adopted(app, config(provider("alpha"), chain=["alpha/large"]))
    assert (await ask(app)).exchange.trace is None
    await app.close()


@pytest.mark.parametrize(
    ("fields", "alike"),
    [
        (lambda _: {}, True),
        (lambda folder: {"spending": Spending(ledger=LedgerSettings(f"sqlite:///{folder}/ledger.db"))}, True),
        (lambda folder: {"record": RecordSettings(f"{folder}/exchanges.jsonl")}, False),
        (lambda _: {"telemetry": TelemetrySettings(otlp="http://127.0.0.1:9/v1/traces")}, False),
    ],
    ids=["plain", "ledger", "record", "traces"],
)
async def test_who_is_shed_again_is_only_looked_at_where_a_recording_or_spans_want_to_know(
    app, tmp_path, fields, alike
):
    """Records of usage do not, for who is shed leaves none."""
    await app.retire(await adopted(app, config(provider("alpha"), chain=["alpha/large"], **fields(tmp_path))))
    assert (app.turnstile.alike is not None) is alike


async def test_who_is_told_of_traces_follows_the_configuration(app):
    brought = {"traceparent": f"00-{'4b' * 16}-{'0f' * 8}-01"}
    for told in (True, False):
        alpha = structs.replace(provider("alpha"), trace=told)
        await app.retire(await adopted(app, config(alpha, chain=["alpha/large"])))
        engine = app._serving.pools["alpha"].engine
        engine.headers.clear()
        _, exchange = exchange_of(app)
        exchange.headers |= brought
        await app.service(exchange)
        assert set(engine.told("traceparent")) == (set(brought.values()) if told else set())
