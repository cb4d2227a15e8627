"""An exchange that has ended, as spans: one for the exchange (a server's), one below it for each attempt (a client's).

Names are those of OpenTelemetry's conventions for generative AI and HTTP where they have one, else `sidestep.*`. The
attributes of `EXCHANGE` and `ATTEMPT` are all there are: no header, no body, no key, no address of a client, no path
that a client made up. Of what others wrote there are names of models and the answer's id, cut to a length.

Tokens stand on the exchange's span alone, so that whoever adds them up counts none twice.

Odd cases
- A status of 4xx is the client's own fault, and so no error of the exchange's span; it is one of the attempt's.
- An answer that broke off after its commit is an error whatever status it began with.
- Times are the loop's, carried over to the wall clock at the end: a clock that was set meanwhile bends no span.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from proxy.config.values import Provider
from proxy.flow import Exchange
from proxy.telemetry import otlp
from proxy.telemetry.names import CODES
from proxy.tracing import AttemptTrace, Trace
from translators.faults import Fault, Kind

EXCHANGE: Final = (
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.request.stream",
    "gen_ai.provider.name",
    "gen_ai.response.model",
    "gen_ai.response.id",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "sidestep.request_id",
    "sidestep.client",
    "sidestep.provider",
    "sidestep.model",
    "sidestep.attempts",
    "sidestep.skipped",
)
ATTEMPT: Final = (
    "http.request.method",
    "http.response.status_code",
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.provider.name",
    "server.address",
    "server.port",
    "sidestep.target",
    "sidestep.kind",
    "sidestep.breaker",
    "sidestep.calls",
)
FIRST_CONTENT: Final = "sidestep.first_content"
CALL_FAILED: Final = "sidestep.call_failed"
"""Events of an attempt."""

OPERATIONS: Final[Mapping[str, str]] = {
    "chat": "chat",
    "messages": "chat",
    "responses": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
    "count_tokens": "count_tokens",
}
"""By route: those that ask a model. Their paths are fixed."""
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_PROVIDERS: Final[Mapping[str, str]] = {
    "azure-openai": "azure.ai.openai",
    "azure-foundry": "azure.ai.inference",
    "anthropic-foundry": "anthropic",
    "anthropic-vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "gemini-vertex": "gcp.vertex_ai",
    "xai": "x_ai",
    "mistral": "mistral_ai",
}
"""What the conventions call a vendor, where they do not call it as profiles.toml does."""
_TEXT_CAP = 120
"""Characters of a model's name or an answer's id."""
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200
"""Flags of a span: whether its parent is another process' is told, and is so."""


def spans_of(exchange: Exchange, trace: Trace, answer_id: str, wall_offset: float) -> list[bytes]:
    """The spans, the exchange's own last. `answer_id` is the id the client sees, empty without one; `wall_offset` is
    what makes Unix seconds of the loop's."""
    spans = [_attempt(exchange, trace, one, wall_offset) for one in trace.attempts]
    spans.append(_exchange(exchange, trace, answer_id, wall_offset))
    return spans


def _exchange(exchange: Exchange, trace: Trace, answer_id: str, offset: float) -> bytes:
    operation = OPERATIONS.get(exchange.route)
    method = _method(exchange)
    fault = exchange.fault
    found: dict[str, otlp.Value | None] = {
        "http.request.method": method,
        "http.route": _route(exchange),
        "http.response.status_code": exchange.status or None,
        "error.type": None if fault is None else _error(fault),
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": exchange.asked[:_TEXT_CAP] or None,
        "sidestep.request_id": exchange.id,
        "sidestep.client": None if exchange.client is None else exchange.client.name,
        "sidestep.attempts": len(exchange.attempts),
        "sidestep.skipped": [target[: 2 * _TEXT_CAP] for target, _ in exchange.skipped] or None,
    }
    if exchange.provider:
        found |= _answer(exchange, trace, answer_id)
    return otlp.span(
        trace_id=trace.context.trace_id,
        span_id=trace.context.span_id,
        parent_id=b"" if trace.parent is None else trace.parent.span_id,
        state=trace.context.state,
        flags=trace.context.flags | _REMOTE_KNOWN | (0 if trace.parent is None else _REMOTE),
        name=_name(operation or method, exchange.asked[:_TEXT_CAP] if operation else _route(exchange)),
        kind=otlp.SERVER,
        start=_nano(exchange.started, offset),
        end=_nano(trace.over, offset),
        attributes=_present(found),
        failed=fault is not None and not 400 <= exchange.status < 500,
    )


def _answer(exchange: Exchange, trace: Trace, answer_id: str) -> dict[str, otlp.Value | None]:
    """Who answered, and what it says of itself."""
    served = next((one.target.provider for one in reversed(trace.attempts)), None)
    usage, envelope = exchange.usage, exchange.envelope
    stream = envelope is not None and envelope.stream
    first = exchange.first_token - exchange.started if stream and exchange.first_token else None
    return {
        "gen_ai.request.stream": stream if exchange.route in OPERATIONS else None,
        "gen_ai.provider.name": None if served is None else provider_name(served),
        "gen_ai.response.model": trace.model[:_TEXT_CAP] or exchange.model or None,
        "gen_ai.response.id": answer_id[:_TEXT_CAP] or None,
        "gen_ai.response.finish_reasons": trace.finishes or None,
        "gen_ai.response.time_to_first_chunk": first,
        "gen_ai.usage.input_tokens": None if usage is None else usage.input,
        "gen_ai.usage.output_tokens": None if usage is None else usage.output,
        "gen_ai.usage.cache_read.input_tokens": None if usage is None else usage.cached,
        "sidestep.provider": exchange.provider,
        "sidestep.model": exchange.model or None,
    }


def _attempt(exchange: Exchange, trace: Trace, one: AttemptTrace, offset: float) -> bytes:
    operation = OPERATIONS.get(exchange.route)
    method = "POST" if operation else _method(exchange)
    address, port = _address(one.target.provider.base_url)
    failed = one.kind not in ("ok", Kind.CANCELLED.value)
    found: dict[str, otlp.Value | None] = {
        "http.request.method": method,
        "http.response.status_code": one.status or None,
        "error.type": None if one.kind == "ok" else one.kind,
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": one.target.model[:_TEXT_CAP] if operation else None,
        "gen_ai.provider.name": provider_name(one.target.provider),
        "server.address": address,
        "server.port": port,
        "sidestep.target": one.target.name[: 2 * _TEXT_CAP],
        "sidestep.kind": one.kind,
        "sidestep.breaker": one.breaker,
        "sidestep.calls": one.calls if one.calls > 1 else None,
    }
    events = [otlp.event(CALL_FAILED, _nano(when, offset), {"error.type": kind}) for when, kind in one.stumbles]
    if one.first:
        events.append(otlp.event(FIRST_CONTENT, _nano(one.first, offset), {}))
    return otlp.span(
        trace_id=trace.context.trace_id,
        span_id=one.span_id,
        parent_id=trace.context.span_id,
        state=trace.context.state,
        flags=trace.context.flags | _REMOTE_KNOWN,
        name=_name(operation or method, one.target.model[:_TEXT_CAP]),
        kind=otlp.CLIENT,
        start=_nano(one.began, offset),
        end=_nano(one.ended or trace.over, offset),
        attributes=_present(found),
        events=events,
        failed=failed,
    )


def _present(found: Mapping[str, otlp.Value | None]) -> otlp.Attributes:
    return {name: value for name, value in found.items() if value is not None}


def _name(first: str, second: str | None) -> str:
    return f"{first} {second}" if second else first


def _method(exchange: Exchange) -> str:
    return exchange.method if exchange.method in _METHODS else "_OTHER"


def _route(exchange: Exchange) -> str | None:
    """The path where it is one of ours, and nothing that a client may choose is in it."""
    if exchange.route in OPERATIONS:
        return exchange.path
    return "/v1/models" if exchange.route == "models" else None


def _error(fault: Fault) -> str:
    """The code it is told with, if that is one of ours, else its kind: a provider's own codes are without number."""
    code = fault.code or fault.outcome.code
    return code if code in CODES else fault.kind.value


def provider_name(provider: Provider) -> str:
    """A provider as the conventions call it; one of nobody's by the name it has in the configuration."""
    return _PROVIDERS.get(provider.vendor, provider.vendor) or provider.name


@lru_cache(maxsize=256)
def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _nano(moment: float, offset: float) -> int:
    return int((moment + offset) * 1_000_000_000)
