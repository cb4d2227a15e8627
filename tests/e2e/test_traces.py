"""Traces as a real collector is sent them: one span an exchange, one below it an attempt, and nothing secret."""

import re
from itertools import pairwise

import httpx2
import pytest

from proxy.config.hidden import Secret
from proxy.config.values import ModelRoute, Step, TelemetrySettings
from proxy.drill import script
from proxy.telemetry.spans import ATTEMPT, EXCHANGE
from tests.e2e.collector import Collected

CANARY = "a word that is nobody's business"
HELLO = {"model": "duo", "messages": [{"role": "user", "content": CANARY}]}
SERVER, CLIENT = 2, 3
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
BROUGHT = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}
OTLP_KEY = "otlp-canary-77"


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("proxy.upstream.collector.INTERVAL_S", 0.02)
    monkeypatch.setattr("proxy.upstream.collector.PAUSE_S", 0.02)


@pytest.fixture
async def collector():
    async with Collected() as made:
        yield made


@pytest.fixture
def traced(make_world, configured, provider, collector):
    """`async with traced(**settings)`: a world whose spans go to the collector; beta alone is told of traces."""

    def make(**settings):
        fields = {
            "otlp": collector.url + "/v1/traces",
            "headers": {"x-otlp-key": Secret(OTLP_KEY)},
            "resource": {"service.name": "shop"},
        }

        def configure(alpha, beta, gamma):
            routes = {
                "duo": ModelRoute("duo", (Step("alpha", "demo-large"), Step("beta", "demo-claude"))),
                "claude": ModelRoute("claude", (Step("beta", "demo-claude"),), fan_out=True),
                "solo": ModelRoute("solo", (Step("alpha", "demo-large"),)),
            }
            return configured(
                alpha,
                provider(beta, trace=True),
                gamma,
                models=routes,
                telemetry=TelemetrySettings(**(fields | settings)),
            )

        return make_world(configure)

    return make


@pytest.fixture
async def world(traced, at_once):
    async with traced() as made:
        yield made


async def ask(world, path="/chat/completions", headers=None, **body):
    async with httpx2.AsyncClient(trust_env=False, timeout=15) as client:
        return await client.post(world.url + path, json=HELLO | body, headers=headers or {})


def address(scripted):
    return int(scripted.base_url.rpartition(":")[2].split("/")[0])


async def test_an_exchange_is_a_span_and_its_attempt_one_below_it(world, collector):
    answer = await ask(world)
    exchange, attempt = await collector.spans(2)
    told = answer.json()
    assert exchange.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "duo",
        "gen_ai.request.stream": False,
        "gen_ai.provider.name": "alpha",
        "gen_ai.response.model": told["model"],
        "gen_ai.response.id": told["id"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": told["usage"]["prompt_tokens"],
        "gen_ai.usage.output_tokens": told["usage"]["completion_tokens"],
        "gen_ai.usage.cache_read.input_tokens": 0,
        "sidestep.request_id": answer.headers["x-request-id"],
        "sidestep.provider": "alpha",
        "sidestep.model": "demo-large",
        "sidestep.attempts": 1,
    }
    assert attempt.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "demo-large",
        "gen_ai.provider.name": "alpha",
        "server.address": "127.0.0.1",
        "server.port": address(world.alpha),
        "sidestep.target": "alpha/demo-large",
        "sidestep.kind": "ok",
        "sidestep.breaker": "closed",
    }
    assert (exchange.name, exchange.kind, exchange.parent, exchange.failed) == ("chat duo", SERVER, "", False)
    assert (attempt.name, attempt.kind, attempt.failed) == ("chat demo-large", CLIENT, False)
    assert (attempt.parent, attempt.trace) == (exchange.id, exchange.trace)
    assert exchange.start <= attempt.start <= attempt.end <= exchange.end
    assert exchange.resource == {"service.name": "shop"}
    assert collector.headers[0]["x-otlp-key"] == OTLP_KEY


async def test_every_attempt_of_a_failover_is_there_with_what_became_of_it(world, collector):
    world.alpha.script = script.status(503)
    answer = await ask(world)
    told = re.findall(r"([\w/-]+);(\w+);(\d+)", answer.headers["x-sidestep-attempts"])
    exchange, *attempts = await collector.spans(1 + len(told))
    assert [
        (one["sidestep.target"], one["sidestep.kind"], str(one["http.response.status_code"])) for one in attempts
    ] == told
    assert [one.failed for one in attempts] == [one != "ok" for _, one, _ in told]
    assert [one["error.type"] for one in attempts] == [None if one == "ok" else one for _, one, _ in told]
    assert all(one.end <= following.start for one, following in pairwise(attempts))
    assert {one.parent for one in attempts} == {exchange.id}
    assert (exchange["gen_ai.provider.name"], exchange["sidestep.attempts"], exchange.failed) == (
        "beta",
        len(told),
        False,
    )
    assert exchange["gen_ai.response.id"] == answer.json()["id"], "ours, where an answer was translated"


async def test_a_stream_tells_its_first_content_its_end_and_its_tokens(world, collector):
    world.alpha.script = script.ok(every_s=0.01)
    answer = await ask(world, stream=True)
    exchange, attempt = await collector.spans(2)
    [(name, when)] = attempt.events
    assert name == "sidestep.first_content"
    assert exchange["gen_ai.response.time_to_first_chunk"] == pytest.approx((when - exchange.start) / 1e9, abs=1e-5)
    assert exchange["gen_ai.response.finish_reasons"] == ["stop"]
    assert exchange["gen_ai.request.stream"] is True
    assert exchange["gen_ai.usage.output_tokens"] > 0
    assert exchange["gen_ai.response.id"] in answer.text


async def test_a_stream_that_broke_off_is_an_error_though_it_began_well(world, collector):
    world.alpha.script = script.cut(2)
    with pytest.raises(httpx2.RemoteProtocolError):
        await ask(world, stream=True)
    exchange, attempt = await collector.spans(2)
    assert (exchange["http.response.status_code"], exchange["error.type"], exchange.failed) == (200, "stream_cut", True)
    assert (attempt["error.type"], attempt.failed) == ("protocol", True)
    assert exchange["gen_ai.response.finish_reasons"] is None


async def test_a_request_that_cannot_be_served_is_a_span_without_attempts(world, collector):
    assert (await ask(world, model="nobody")).status_code == 404
    [exchange] = await collector.spans(1)
    assert (exchange["http.response.status_code"], exchange["error.type"]) == (404, "model_not_found")
    assert not exchange.failed, "the client's own mistake"
    assert exchange["sidestep.attempts"] == 0


async def test_when_all_fail_the_exchange_is_an_error(world, collector):
    world.alpha.script = world.beta.script = script.status(500)
    assert (await ask(world)).status_code == 502
    spans = await collector.spans(7)
    assert all(one.failed for one in spans)
    assert spans[0]["error.type"] == "all_targets_failed"
    assert spans[0]["gen_ai.provider.name"] is None, "nobody answered"


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/messages", {"model": "claude", "max_tokens": 9}, "chat claude"),
        ("/responses", {"messages": None, "input": CANARY}, "chat duo"),
        ("/completions", {"messages": None, "prompt": CANARY}, "text_completion duo"),
        ("/embeddings", {"messages": None, "model": "vectors", "input": CANARY}, "embeddings vectors"),
        ("/messages/count_tokens", {"model": "claude"}, "count_tokens claude"),
    ],
)
async def test_every_route_has_its_operation(world, collector, path, body, name):
    body = {key: value for key, value in (HELLO | body).items() if value is not None}
    async with httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.post(world.url + path, json=body)).status_code == 200
    exchange, attempt = await collector.spans(2)
    assert (exchange.name, exchange["http.route"]) == (name, f"/v1{path}")
    assert attempt["gen_ai.operation.name"] == exchange["gen_ai.operation.name"]


async def test_the_clients_trace_is_gone_on_with(world, collector):
    await ask(world, headers=BROUGHT)
    exchange, attempt = await collector.spans(2)
    assert (exchange.trace, exchange.parent, exchange.raw.trace_state) == (TRACE, PARENT, "vendor=opaque")
    assert attempt.trace == TRACE
    assert exchange.raw.flags & 0x300 == 0x300, "its parent is another process'"
    assert attempt.raw.flags & 0x300 == 0x100


async def test_a_trace_state_in_two_headers_is_one_and_two_traces_are_none(world, collector):
    pieces = [("traceparent", BROUGHT["traceparent"]), ("tracestate", "a=1"), ("tracestate", "b=2")]
    await ask(world, headers=pieces)
    exchange, _ = await collector.spans(2)
    assert (exchange.trace, exchange.raw.trace_state) == (TRACE, "a=1,b=2")
    await ask(world, headers=[*pieces, pieces[0]])
    exchange, _ = await collector.spans(2)
    assert (exchange.trace == TRACE, exchange.parent) == (False, "")


async def test_a_trace_that_its_client_does_not_record_is_not_recorded(world, collector):
    await ask(world, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    await ask(world)
    exchange, _ = await collector.spans(2)
    assert exchange.trace != TRACE


async def test_a_sampler_that_takes_none_makes_no_span(traced, at_once, collector):
    async with traced(ratio=0.0, follows=False) as world:
        await ask(world, headers=BROUGHT)
    assert not collector.bodies


async def test_a_provider_is_told_of_the_trace_only_where_its_block_says_so(world, collector):
    world.alpha.script = script.status(529)
    await ask(world, headers=BROUGHT)
    _, *attempts = await collector.spans(len(world.alpha.requests) + 2)
    assert not [one for one in world.alpha.requests if {"traceparent", "tracestate"} & set(one.headers)]
    [called] = world.beta.requests
    assert called.headers["traceparent"] == f"00-{TRACE}-{attempts[-1].id}-01"
    assert called.headers["tracestate"] == "vendor=opaque"


async def test_without_spans_of_its_own_the_proxy_hands_the_clients_trace_on(make_world, configured, provider):
    def configure(alpha, beta, gamma):
        return configured(alpha, provider(beta, trace=True), gamma)

    async with make_world(configure) as world:
        assert world.app._serving.collector is None
        await ask(world, headers=BROUGHT, model="claude")
        await ask(world, headers=BROUGHT, model="solo")
        assert BROUGHT.items() <= world.beta.requests[0].headers.items()
        assert not BROUGHT.keys() & world.alpha.requests[0].headers.keys()


async def test_calls_side_by_side_are_one_attempt_with_all_their_ends(world, collector):
    await ask(world, model="claude", n=3)
    exchange, attempt = await collector.spans(2)
    assert exchange["gen_ai.response.finish_reasons"] == ["stop"] * 3
    assert attempt["sidestep.calls"] == 3


async def test_nothing_but_the_listed_attributes_and_no_secret_leaves(world, collector):
    world.alpha.script = script.status(401)
    path = "/chat/completions?token=query-canary"
    headers = {"authorization": "Bearer client-canary", "cookie": "cookie-canary", **BROUGHT}
    await ask(world, path, headers=headers, user="user-canary", metadata={"k": "meta-canary"})
    await ask(world, "/files/path-canary", headers=headers)
    await ask(world, stream=True, model="claude")
    spans = await collector.spans(6)
    for one in spans:
        assert set(one.attributes) <= set(EXCHANGE if one.kind == SERVER else ATTEMPT)
    everything = b"".join(collector.bodies)
    assert CANARY.encode() not in everything
    assert not re.search(rb"canary|demo answer|127\.0\.0\.1:|user-agent|Bearer", everything)
