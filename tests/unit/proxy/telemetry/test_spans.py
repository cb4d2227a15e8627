"""What an exchange's spans say, and what they never do; read back with the protocol's own types."""

import os

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

from proxy.config.profiles import profile_for, vendors
from proxy.config.values import BreakerSettings, Client, Provider, RetrySettings, Target, TimeoutSettings
from proxy.flow import Attempt, Exchange
from proxy.telemetry.spans import ATTEMPT, EXCHANGE, provider_name, spans_of
from proxy.tracing import Sampler, begin
from translators.codec import Envelope
from translators.faults import Fault, Kind
from translators.ir import Dialect, Usage

OFFSET = 1.7e9
ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1", vendor="azure-openai")
REFUSED = Fault(kind=Kind.REFUSED, status=400, message="a private word", code="vendor_word")
LISTED = {"sidestep.skipped", "gen_ai.response.finish_reasons"}


def target(provider=ALPHA, model="large"):
    return Target(provider, model, profile_for(provider, model), BreakerSettings(), RetrySettings(), TimeoutSettings())


def exchange_of(**fields):
    values = {
        "id": "req_1", "route": "chat", "method": "POST", "path": "/v1/chat/completions", "headers": {}, "read": None,
        "peer": "10.0.0.7", "out": None, "codec": None, "started": 100.0, "asked": "m", "status": 200,
    }  # fmt: skip
    return Exchange(**(values | fields))


def trace_of(*attempts, headers=None):
    """A trace of attempts, each (kind, status)."""
    trace = begin(Sampler(), headers or {}, os.urandom)
    for place, (kind, status) in enumerate(attempts):
        trace.attempt(target(), "closed", 1, 101.0 + place)
        trace.ended(kind, status, 0.0, 101.5 + place)
    trace.over = 110.0
    return trace


def read(exchange, trace, answer_id=""):
    """The spans, the exchange's own first, each with its attributes."""
    spans = ScopeSpans.FromString(b"".join(spans_of(exchange, trace, answer_id, OFFSET))).spans
    return [(span, {one.key: told(one.value) for one in span.attributes}) for span in reversed(spans)]


def told(value):
    kind = value.WhichOneof("value")
    return [one.string_value for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def the_exchange(exchange, trace=None):
    return read(exchange, trace or trace_of())[0]


def test_an_exchange_tells_all_that_is_known_of_it():
    exchange = exchange_of(
        client=Client("app", ()), provider="alpha", model="large", skipped=[("beta/x", "why")], first_token=102.5,
        usage=Usage(3, 5, cached=2), envelope=Envelope("m", stream=True, include_usage=False),
        attempts=[Attempt("alpha/large", "ok", 200, 5)],
    )  # fmt: skip
    trace = trace_of(("ok", 200))
    trace.told("large-2026", ["stop", "length"])
    [(span, attributes), (_, attempt)] = read(exchange, trace, "id-1")
    assert set(attributes) == set(EXCHANGE) - {"error.type"}
    assert attributes["gen_ai.response.model"] == "large-2026"
    assert attributes["gen_ai.response.time_to_first_chunk"] == 2.5
    assert attributes["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.cache_read.input_tokens"]) == (3, 2)
    assert (attributes["sidestep.client"], attributes["sidestep.skipped"]) == ("app", ["beta/x"])
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_700_000_100 * 10**9, 1_700_000_110 * 10**9)
    assert set(attempt) == set(ATTEMPT) - {"error.type", "sidestep.calls"}


@pytest.mark.parametrize(
    ("status", "fault", "error", "failed"),
    [
        (200, None, None, False),
        (400, REFUSED, "refused", False),
        (404, Fault(kind=Kind.REFUSED, message="m", code="model_not_found"), "model_not_found", False),
        (499, Fault(kind=Kind.CANCELLED, message="m"), "cancelled", False),
        (500, Fault(kind=Kind.SERVER, message="m", code="internal_error"), "internal_error", True),
        (503, Fault(kind=Kind.SHED, message="m"), "overloaded", True),
        (200, Fault(kind=Kind.PROTOCOL, message="m", code="stream_cut"), "stream_cut", True),
    ],
)
def test_an_error_is_named_by_a_word_of_ours_and_what_is_the_clients_is_none(status, fault, error, failed):
    span, attributes = the_exchange(exchange_of(status=status, fault=fault))
    assert attributes.get("error.type") == error
    assert (span.status.code == 2, span.status.message) == (failed, "")
    assert b"private" not in span.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "error", "failed"),
    [("ok", None, False), ("cancelled", "cancelled", False), ("refused", "refused", True), ("server", "server", True)],
)
def test_an_attempt_is_an_error_whoever_is_to_blame(kind, error, failed):
    span, attributes = read(exchange_of(), trace_of((kind, 0)))[1]
    assert (attributes.get("error.type"), span.status.code == 2) == (error, failed)
    assert "http.response.status_code" not in attributes


def test_attempts_stand_below_their_exchange_in_their_order():
    trace = trace_of(("server", 503), ("ok", 200))
    (root, _), (last, _), (first, _) = read(exchange_of(), trace)
    assert {first.parent_span_id, last.parent_span_id} == {root.span_id}
    assert len({root.span_id, first.span_id, last.span_id}) == 3
    assert root.start_time_unix_nano < first.end_time_unix_nano < last.start_time_unix_nano < root.end_time_unix_nano


def test_an_attempt_that_nobody_ended_ends_with_its_exchange():
    trace = trace_of()
    trace.attempt(target(), "probe", 3, 101.0)
    _, (span, attributes) = read(exchange_of(), trace)
    assert span.end_time_unix_nano == 1_700_000_110 * 10**9
    assert (attributes["sidestep.kind"], attributes["sidestep.breaker"], attributes["sidestep.calls"]) == (
        "cancelled", "probe", 3,
    )  # fmt: skip


def test_calls_that_were_made_again_and_the_first_content_are_events():
    trace = trace_of()
    trace.attempt(target(), "closed", 1, 101.0)
    trace.stumbled("overloaded", 102.0)
    trace.first(103.0)
    trace.ended("ok", 200, 0.0, 104.0)
    _, (span, _) = read(exchange_of(), trace)
    events = [
        (one.name, one.time_unix_nano / 1e9 - OFFSET, [told(a.value) for a in one.attributes]) for one in span.events
    ]
    assert events == [("sidestep.call_failed", 102.0, ["overloaded"]), ("sidestep.first_content", 103.0, [])]


@pytest.mark.parametrize(
    ("fields", "name", "route"),
    [
        ({}, "chat m", "/v1/chat/completions"),
        ({"asked": ""}, "chat", "/v1/chat/completions"),
        ({"asked": "x" * 500}, "chat " + "x" * 120, "/v1/chat/completions"),
        ({"route": "models", "method": "GET", "path": "/v1/models/any-word"}, "GET /v1/models", "/v1/models"),
        ({"route": "passthrough", "path": "/v1/files/any-word"}, "POST", None),
        ({"route": "other", "method": "BREW", "path": "/any-word"}, "_OTHER", None),
    ],
)
def test_no_path_that_a_client_made_up_is_told(fields, name, route):
    span, attributes = the_exchange(exchange_of(**fields))
    assert (span.name, attributes.get("http.route")) == (name, route)
    assert b"any-word" not in span.SerializeToString() and b"BREW" not in span.SerializeToString()


def test_what_passes_through_is_a_call_without_a_model():
    exchange = exchange_of(route="passthrough", method="DELETE", asked="", provider="alpha")
    (_, root), (span, attributes) = read(exchange, trace_of(("ok", 200)))
    assert (span.name, attributes["http.request.method"]) == ("DELETE large", "DELETE")
    assert not {"gen_ai.operation.name", "gen_ai.request.model"} & (set(attributes) | set(root))
    assert "gen_ai.request.stream" not in root


def test_a_span_knows_whether_its_parent_is_another_process():
    brought = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "tracestate": "a=1"}
    (root, _), (child, _) = read(exchange_of(), trace_of(("ok", 200), headers=brought))
    assert (root.parent_span_id.hex(), root.trace_state, root.flags) == ("2" * 16, "a=1", 0x301)
    assert (child.trace_id, child.trace_state, child.flags) == (root.trace_id, "a=1", 0x101)
    assert the_exchange(exchange_of())[0].flags == 0x103


@pytest.mark.parametrize(
    ("base_url", "address", "port"),
    [
        ("https://api.test/v1", "api.test", 443),
        ("http://vllm", "vllm", 80),
        ("http://127.0.0.1:8000/v1", "127.0.0.1", 8000),
        ("http://[::1]:8000/v1", "::1", 8000),
    ],
)
def test_a_server_is_told_by_address_and_port(base_url, address, port):
    trace = trace_of()
    trace.attempt(target(Provider("own", Dialect.OPENAI_CHAT, base_url)), "closed", 1, 1.0)
    _, (_, attributes) = read(exchange_of(), trace)
    assert (attributes["server.address"], attributes["server.port"]) == (address, port)
    assert attributes["gen_ai.provider.name"] == "own"


def test_every_vendor_has_a_name_and_those_of_the_conventions_have_theirs():
    names = {
        vendor: provider_name(Provider("p", Dialect.OPENAI_CHAT, "https://p", vendor=vendor)) for vendor in vendors()
    }
    assert all(names.values())
    assert {
        "openai",
        "anthropic",
        "azure.ai.openai",
        "azure.ai.inference",
        "gcp.gemini",
        "gcp.vertex_ai",
        "x_ai",
    } <= set(names.values())
    assert {"deepseek", "groq", "cohere", "mistral_ai"} <= set(names.values())
