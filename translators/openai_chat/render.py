"""The neutral form as a chat request, for clients of other dialects.

Deliberate choices:
- What the assistant did between two turns of others is one message: reasoning, text, tool calls. Text that came after a
  call moves before it, since the dialect demands that results follow the calls at once.
- Results are text here; pictures inside them go into a user message after the last result.
- A blob is written only where its origin is this very target.
"""

from collections.abc import Sequence

from translators.ir import Dialect, Json, OutputFormat, Request, Tool, ToolChoice
from translators.openai.effort import effort_of
from translators.openai.results import settled
from translators.openai.strict import STRICT, enforced
from translators.openai.tools import named_once, no_choice
from translators.openai.users import short_users
from translators.openai_chat.fit import fit
from translators.openai_chat.turns import Turns
from translators.profile import Profile
from translators.report import Report

KNOWN_EXTRA = frozenset({"store", "moderation", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"})
"""Fields of this dialect that the neutral form has no word for."""
VENDOR_RUN = frozenset({"tools", "tool_choice", "mcp_servers"})
"""Where requests name what a vendor itself would run, be it to force it: without it the answer is another one."""
SAME_NAME = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "seed",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "verbosity",
    "user",
    "safety_identifier",
    "service_tier",
    "metadata",
    "audio",
    "prediction",
)


def render_request(request: Request, profile: Profile) -> tuple[dict[str, Json], Report]:
    """The body for `profile`'s target and what was lost on the way."""
    report = Report()
    turns = Turns(profile, report)
    for at, item in settled(request.items, report):
        turns.add(item, at)
    body: dict[str, Json] = {"model": profile.model or request.model, "messages": turns.finish()}
    body.update((name, value) for name in SAME_NAME if (value := getattr(request, name)) is not None)
    short_users(body, report)
    _stream(body, request, profile)
    _bound(body, request, profile, report)
    if request.n != 1:
        body["n"] = request.n
    if request.stop:
        body["stop"] = list(request.stop)
    if request.modalities:
        body["modalities"] = list(request.modalities)
    if request.web_search is not None:
        body["web_search_options"] = request.web_search
    if request.output is not None:
        body["response_format"] = _format(request.output, profile, report)
    _tools(body, request, profile, report)
    _effort(body, request, report)
    _extra(body, request, report)
    fit(body, profile, report)
    return body, report


def _tools(body: dict[str, Json], request: Request, profile: Profile, report: Report) -> None:
    offered = list(named_once(request.tools, profile, report))
    if offered:
        body["tools"] = [_tool(tool, field, profile, report) for field, tool in offered]
    choice, known = request.tool_choice, {tool.name for _, tool in offered}
    if choice is not None and offered and known.issuperset(choice.names):
        body["tool_choice"] = _choice(choice, request.tools)
    elif not offered:
        no_choice(body, choice, report)


def _stream(body: dict[str, Json], request: Request, profile: Profile) -> None:
    if request.stream:
        body["stream"] = True
        if profile.stream_usage:
            body["stream_options"] = {"include_usage": True}


def _bound(body: dict[str, Json], request: Request, profile: Profile, report: Report) -> None:
    bound = request.max_output
    if bound is None:
        return
    if profile.max_output is not None and bound > profile.max_output:
        bound = profile.max_output
        report.clamped("max_completion_tokens", f"the model writes at most {bound} tokens")
    body[profile.max_tokens_field] = bound


def _format(output: OutputFormat, profile: Profile, report: Report) -> dict[str, Json]:
    if output.kind != "json_schema":
        return {"type": output.kind}
    strict = enforced(output.strict, output.schema or {}, STRICT, profile, report)
    fields = {"description": output.description, "schema": output.schema, "strict": strict}
    spec = {"name": output.name or "answer", **{name: one for name, one in fields.items() if one is not None}}
    return {"type": "json_schema", "json_schema": spec}


def _tool(tool: Tool, field: str, profile: Profile, report: Report) -> dict[str, Json]:
    if tool.cache is not None:
        report.dropped(f"{field}.cache_control", "chat has no cache markers on tools")
    for name in tool.extra:
        report.dropped(f"{field}.{name}", "chat's tools have no such field")
    if tool.custom_format is not None:
        custom: dict[str, Json] = {"name": tool.name}
        if tool.description is not None:
            custom["description"] = tool.description
        if tool.custom_format:
            custom["format"] = tool.custom_format
        return {"type": "custom", "custom": custom}
    strict = enforced(tool.strict, tool.parameters or {}, f"{field}.function.strict", profile, report)
    fields = {"description": tool.description, "parameters": tool.parameters, "strict": strict}
    known = {name: one for name, one in fields.items() if one is not None}
    return {"type": "function", "function": {"name": tool.name, **known}}


def _choice(choice: ToolChoice, tools: Sequence[Tool]) -> Json:
    custom = {tool.name for tool in tools if tool.custom_format is not None}

    def named(name: str) -> dict[str, Json]:
        kind = "custom" if name in custom else "function"
        return {"type": kind, kind: {"name": name}}

    if choice.mode == "named":
        return named(choice.names[0])
    if choice.mode == "allowed":
        mode = "required" if choice.required else "auto"
        return {
            "type": "allowed_tools",
            "allowed_tools": {"mode": mode, "tools": [named(name) for name in choice.names]},
        }
    return choice.mode


def _effort(body: dict[str, Json], request: Request, report: Report) -> None:
    if request.effort is not None:
        body["reasoning_effort"] = request.effort
        if request.thinking_budget is not None:
            report.dropped("thinking.budget_tokens", "chat knows an effort only")
    elif request.thinking_budget is not None:
        effort = effort_of(request.thinking_budget)
        body["reasoning_effort"] = effort
        report.approximated("thinking.budget_tokens", f"sent as effort {effort}")
    if request.reasoning_summary is not None:
        report.dropped("reasoning.summary", "chat cannot be told to show its reasoning")


def _extra(body: dict[str, Json], request: Request, report: Report) -> None:
    if request.top_k is not None:
        report.dropped("top_k", "chat has no top_k")
    for name, value in request.extra.items():
        if name == "tools" and isinstance(value, dict):
            for path in value:
                report.refused(path, "a tool that only its own vendor runs", own=True)
        elif name in VENDOR_RUN:
            report.refused(name, "a tool that only its own vendor runs")
        elif name not in KNOWN_EXTRA:
            report.unsaid(name, value, f"{Dialect.OPENAI_CHAT} has no such field")
        else:
            body[name] = value
