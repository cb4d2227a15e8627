"""A neutral request as the body of POST /messages.

The order of work matters in two places: thinking is planned before the output bound, which it may raise, and before
sampling, which it fixes; instructions that stand in for a missing feature are appended to the system prompt last, so
that they are nearest to the conversation and leave a cached prefix alone.
"""

from collections.abc import Mapping

from translators.anthropic_messages import params
from translators.anthropic_messages.able import fit
from translators.anthropic_messages.caching import settle_markers
from translators.anthropic_messages.marks import without_marked
from translators.anthropic_messages.parts import Block, Scribe
from translators.anthropic_messages.thinking import Thinking, Wish, allowed_effort, plan, wish
from translators.anthropic_messages.tools import render_choice, render_tools
from translators.anthropic_messages.turns import conversation
from translators.ir import Json, OutputFormat, Request
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

_SILENT = Wish()


def render_request(request: Request, profile: Profile) -> tuple[Body, Report]:
    """The body for `profile`'s model, and what became of each field. Never raises: what cannot be said is left out
    and reported, and the body is valid without it."""
    report = Report()
    system, messages = conversation(Scribe(request.items, profile, report))
    body: Body = {"model": profile.model or request.model, "max_tokens": 0, "messages": messages}
    if request.stream:
        body["stream"] = True
    if request.tools or request.web_search is not None or request.tool_choice is not None or "tools" in request.extra:
        _tools(body, system, request, profile, report)
    _reasoning(body, request, profile, report)
    if request.output is not None:
        _output(body, system, request.output, profile, report)
    if request.stop:
        params.stops(body, request, profile, report)
    params.shapes(request, report)
    params.hints(body, request, report)
    if request.extra:
        params.extras(body, request, report)
    if system:
        body["system"] = system
    params.quirks(body, profile, report)
    settle_markers(body, request, report)
    return body, report


def _tools(body: Body, system: list[Block], request: Request, profile: Profile, report: Report) -> None:
    tools = render_tools(request, profile, report)
    choice, instruction = render_choice(request, profile, report)
    if tools:
        body["tools"] = tools
        if choice is not None:
            body["tool_choice"] = choice
        if instruction is not None:
            system.append({"type": "text", "text": instruction})
    elif choice is not None and choice["type"] not in ("none", "auto"):
        report.dropped("tool_choice", "there are no tools to choose from")


def _reasoning(body: Body, request: Request, profile: Profile, report: Report) -> None:
    """Thinking, effort, the output bound and sampling, which depend on one another."""
    asked = wish(request)
    planned = plan(asked, profile, report) if asked != _SILENT else Thinking()
    if planned.budget:
        obstacle = _no_budget(body)
        if obstacle is not None:
            report.dropped("reasoning_effort", obstacle)
            planned = Thinking()
    body["max_tokens"], fitting = params.output_bound(request, profile, planned, report)
    field = planned.field
    if planned.budget and not fitting:
        report.dropped("reasoning_effort", "the output bound leaves no room to think")
        field = None
    elif planned.budget != fitting and field is not None:
        report.clamped("reasoning_effort", f"a budget of {fitting} tokens")
        field["budget_tokens"] = fitting
    if field is not None:
        body["thinking"] = field
    _output_config(body, request, planned.effort, profile, report)
    thinks = field is not None and field.get("type") in ("enabled", "adaptive")
    params.sampling(body, request, profile, thinking=thinks, report=report)


def _no_budget(body: Body) -> str | None:
    """Why `enabled` thinking would be a 400 in this conversation; None when it would not."""
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "anthropic does not think under a forced tool choice"
    leads = [message["content"][0]["type"] for message in body["messages"] if message["role"] != "system"]
    if leads[-1] == "tool_result" and leads[-2] not in ("thinking", "redacted_thinking"):
        return "the tool call was made without thinking that could be sent back"
    return None


def _output_config(body: Body, request: Request, effort: str | None, profile: Profile, report: Report) -> None:
    given = request.extra.get("output_config")
    config: Body = dict(given) if isinstance(given, dict) else {}
    if effort is not None:
        config["effort"] = effort
    elif "effort" in config and body.get("thinking", {}).get("type") in ("disabled", "between_tools"):
        config["effort"] = allowed_effort(config["effort"], profile, report)
    if config:
        body["output_config"] = config


def _output(body: Body, system: list[Block], output: OutputFormat, profile: Profile, report: Report) -> None:
    wanted, instruction = params.output_format(output, profile, report)
    if wanted is not None:
        if body["messages"][-1]["role"] == "assistant":
            report.refused("response_format", "anthropic takes no schema with a prefilled answer")
        else:
            body.setdefault("output_config", {})["format"] = wanted
    if instruction is not None:
        system.append({"type": "text", "text": instruction})


def relay_request(body: Body, profile: Profile, bound: int | None) -> tuple[Body, Report]:
    """A shallow copy with the target's model, `bound` where the client named none, and without what the model cannot
    take.

    Thinking blocks pass as they came, but for those of other dialects, which a mark tells: an Anthropic client's
    signatures do not say who made them, and Anthropic itself ignores those it did not make for this model.
    """
    report = Report()
    copy = {**body, "model": profile.model or body.get("model")}
    if bound is not None and copy.get("max_tokens") is None:
        copy["max_tokens"] = bound
    fit(copy, profile, report)
    copy = dict(without_marked(copy, report))
    params.quirks(copy, profile, report, own=True)
    return copy, report


UNARY_MAX = 21_333
"""Output tokens up to which Anthropic's own SDKs let a call wait for its whole answer: ten minutes at 128,000 tokens an
hour (its SDK documentation, long requests)."""


def as_stream(body: Body, profile: Profile) -> Body | None:
    """A call whose bound lets it last longer than a connection may be silent needs to be streamed."""
    wanted = profile.upstream_stream
    if wanted is None:
        bound = body.get("max_tokens")
        wanted = isinstance(bound, int) and bound > UNARY_MAX
    return {**body, "stream": True} if wanted else None


def request_path(profile: Profile, *, stream: bool) -> str:
    """To be appended to a base URL that ends in the API's version; streaming is said in the body."""
    path = profile.path("chat", "/messages")
    return profile.path("chat_stream", path) if stream else path


SAMPLING_VERSION = "2023-06-01"
"""The API version under which temperature, top_p and top_k are still fields."""
VERSION = "2026-10-21"


def request_headers(key: str, profile: Profile, body: Mapping[str, Json]) -> list[tuple[str, str]]:
    """The key, if there is one, and the API version that takes what the body carries."""
    samples = "temperature" in body or "top_p" in body or "top_k" in body
    headers = [("anthropic-version", SAMPLING_VERSION if samples else VERSION)]
    return headers + profile.credentials(key, "x-api-key")
