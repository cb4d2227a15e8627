"""The neutral form as a Responses request, for clients of other dialects.

Nothing is stored: the client brings its history itself, and reasoning comes as a blob, which the answer is asked to
include wherever the model reasons. Sources: OpenAI's API reference, create a response; its guides on reasoning and on
migrating from chat completions.
"""

from translators.ir import Json, OutputFormat, Request
from translators.openai.effort import effort_of
from translators.openai.results import settled
from translators.openai.strict import STRICT, enforced
from translators.openai.tools import no_choice
from translators.openai.users import short_users
from translators.openai_responses.fit import BOUND_MIN, CHAT_NAMES, Fit
from translators.openai_responses.request import ENCRYPTED, LOGPROBS
from translators.openai_responses.tools import render_choice, render_tools
from translators.openai_responses.turns import Turns
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

KNOWN_EXTRA = frozenset({"store", "moderation", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"})
"""Fields of chat that this dialect has, too."""
VENDOR_RUN = frozenset({"tool_choice", "mcp_servers"})
"""Where requests name, beside their tools, what a vendor itself would run."""
SAME_NAME = (
    "temperature",
    "top_p",
    "parallel_tool_calls",
    "user",
    "safety_identifier",
    "service_tier",
    "metadata",
)
HINTS = ("top_k", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "stop", "prediction")
"""What the API has no word for, and an answer is no other without. A zero says something only of a seed."""


def render_request(request: Request, profile: Profile) -> tuple[Body, Report]:
    """The body for `profile`'s target and what was lost on the way."""
    report = Report()
    turns = Turns(profile, report)
    for at, item in settled(request.items, report):
        turns.add(item, at)
    body: Body = {"model": profile.model or request.model, "input": turns.items, "store": False}
    body.update((name, value) for name in SAME_NAME if (value := getattr(request, name)) is not None)
    short_users(body, report)
    if request.stream:
        body["stream"] = True
    _bound(body, request, report)
    _tools(body, request, profile, report)
    _text(body, request, profile, report)
    _reasoning(body, request, report)
    _include(body, request, profile)
    _unsaid(request, report)
    _extra(body, request, report)
    Fit(body, profile, report, CHAT_NAMES).run()
    return body, report


def _bound(body: Body, request: Request, report: Report) -> None:
    bound = request.max_output
    if bound is None:
        return
    if bound < BOUND_MIN:
        report.clamped("max_completion_tokens", f"the Responses API takes at least {BOUND_MIN}")
    body["max_output_tokens"] = max(BOUND_MIN, bound)


def _tools(body: Body, request: Request, profile: Profile, report: Report) -> None:
    tools = render_tools(request, profile, report)
    if tools:
        body["tools"] = tools
    choice, known = request.tool_choice, {tool.get("name") for tool in tools}
    if choice is not None and tools and known.issuperset(choice.names):
        body["tool_choice"] = render_choice(choice, request.tools)
    elif not tools:
        no_choice(body, choice, report)


def _text(body: Body, request: Request, profile: Profile, report: Report) -> None:
    text: Body = {}
    if request.output is not None:
        text["format"] = _format(request.output, profile, report)
    if request.verbosity is not None:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def _format(output: OutputFormat, profile: Profile, report: Report) -> Body:
    if output.kind != "json_schema":
        return {"type": output.kind}
    strict = enforced(output.strict, output.schema or {}, STRICT, profile, report)
    fields = {"description": output.description, "strict": strict}
    known = {name: value for name, value in fields.items() if value is not None}
    return {"type": "json_schema", "name": output.name or "answer", "schema": output.schema or {}, **known}


def _reasoning(body: Body, request: Request, report: Report) -> None:
    effort: str | None = request.effort
    if request.thinking_budget is not None:
        if effort is None:
            effort = effort_of(request.thinking_budget)
            report.approximated("thinking.budget_tokens", f"sent as effort {effort}")
        else:
            report.dropped("thinking.budget_tokens", "the Responses API knows an effort only")
    said = {"effort": effort, "summary": request.reasoning_summary}
    reasoning = {name: value for name, value in said.items() if value is not None}
    if reasoning:
        body["reasoning"] = reasoning


def _include(body: Body, request: Request, profile: Profile) -> None:
    include = [ENCRYPTED] if profile.thinking != "none" else []
    if request.logprobs:
        include.append(LOGPROBS)
        if request.top_logprobs:
            body["top_logprobs"] = request.top_logprobs
    if include:
        body["include"] = include


def _unsaid(request: Request, report: Report) -> None:
    """What there is no field for. Values that say nothing are left out without a word."""
    for name in HINTS:
        if getattr(request, name) or (name == "seed" and request.seed == 0):
            report.dropped(name, "the Responses API has no such field")
    if request.n != 1:
        report.refused("n", "the Responses API gives one answer")
    if any(one != "text" for one in request.modalities) or request.audio:
        report.refused("modalities", "the Responses API answers in text")


def _extra(body: Body, request: Request, report: Report) -> None:
    for name, value in request.extra.items():
        if name in KNOWN_EXTRA:
            body[name] = value
        elif name in VENDOR_RUN:
            report.refused(name, "a tool that only its own vendor runs")
        elif name != "tools":
            report.unsaid(name, _unshown(name, value, request), "the Responses API has no such field")


def _unshown(name: str, value: Json, request: Request) -> Json:
    """An extension without the wish to be shown the thinking, where a summary is asked for."""
    if name != "thinking" or not isinstance(value, dict) or request.reasoning_summary is None:
        return value
    return {member: one for member, one in value.items() if member != "display"}
