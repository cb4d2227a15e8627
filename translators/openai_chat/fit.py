"""A wire body made to fit what the target's profile takes.

Used for requests that pass through as well as for rendered ones: both leave as a chat body, and a vendor's limits do
not ask where it came from. Hints that a model refuses are dropped, values past a limit are clamped, and what shapes the
answer (several choices, probabilities, a schema, tools) is refused, so that the target is skipped rather than the
answer spoiled. Values that only say the default are left out without a word.
"""

from collections.abc import Callable
from typing import get_args

from translators.ir import Effort, Json
from translators.openai_chat.offered import narrow_choice
from translators.profile import Profile
from translators.report import Report

SHAPE = frozenset(
    {
        "n",
        "logprobs",
        "top_logprobs",
        "response_format",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "modalities",
        "audio",
        "web_search_options",
        "moderation",
    }
)
EFFORTS = get_args(Effort)
DEFAULTS: dict[str, Json] = {
    "n": 1,
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "parallel_tool_calls": True,
    "response_format": {"type": "text"},
    "tool_choice": "auto",
    "store": False,
    "service_tier": "auto",
    "modalities": ["text"],
    "verbosity": "medium",
}


def fit(body: dict[str, Json], profile: Profile, report: Report) -> None:
    """Changes `body` (top level only) to what `profile` takes, and notes every loss."""
    if not _ADJUSTED.isdisjoint(body):
        for name, adjust in _ADJUST.items():
            if body.get(name) is not None:
                adjust(body, profile, report)
    if not profile.rejects.isdisjoint(body):
        for name in sorted(profile.rejects & body.keys()):
            if name == "model":
                del body[name]
            else:
                _leave_out(body, name, report)
    if profile.renames or profile.requires:
        _put_names(body, profile)


def _put_names(body: dict[str, Json], profile: Profile) -> None:
    """The vendor's own names, and what it always wants."""
    for name, own in profile.renames.items():
        if name in body:
            value = body.pop(name)
            body.setdefault(own, value)
    for name, value in profile.requires.items():
        body.setdefault(name, value)


def _leave_out(body: dict[str, Json], name: str, report: Report) -> None:
    value = body.pop(name)
    empty = value in (None, [], "") or (value == {} and name != "web_search_options")  # which searches all the same
    if empty or value == DEFAULTS.get(name, False):
        return
    # Moderation that blocks nothing tells a score beside the answer.
    scored = name == "moderation" and not (isinstance(value, dict) and value.get("policy"))
    note = report.refused if name in SHAPE and not scored else report.dropped
    note(name, "the model does not take it")


def _n(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if body["n"] > profile.n_max:
        del body["n"]
        report.refused("n", f"the model gives at most {profile.n_max}")


def _stop(body: dict[str, Json], profile: Profile, report: Report) -> None:
    stop = body["stop"]
    count = len(stop) if isinstance(stop, list) else 1
    if count <= profile.stop_max:
        return
    if profile.stop_max:
        body["stop"] = stop[: profile.stop_max]
        report.clamped("stop", f"the model takes at most {profile.stop_max}")
    else:
        del body["stop"]
        report.dropped("stop", "the model takes no stop sequences")


def _logprobs(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if not profile.logprobs:
        body.pop("top_logprobs", None)
        if body.pop("logprobs"):
            report.refused("logprobs", "the model gives none")


def _temperature(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if profile.sampling == "none":
        _leave_out(body, "temperature", report)
    elif isinstance(body["temperature"], int | float) and body["temperature"] > profile.temperature_max:
        body["temperature"] = profile.temperature_max
        report.clamped("temperature", f"the model takes at most {profile.temperature_max:g}")


def _top_p(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if profile.sampling == "none" or (profile.sampling == "one_of" and body.get("temperature") is not None):
        _leave_out(body, "top_p", report)


def _format(body: dict[str, Json], profile: Profile, report: Report) -> None:
    form = body["response_format"]
    if not profile.json_schema and isinstance(form, dict) and form.get("type") == "json_schema":
        del body["response_format"]
        report.refused("response_format", "the model takes no schema")


def _tools(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if not profile.tools:
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
        if body.pop("tools"):
            report.refused("tools", "the model takes no tools")


def _functions(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if not profile.tools:
        body.pop("function_call", None)
        if body.pop("functions"):
            report.refused("functions", "the model takes no tools")


def _tool_choice(body: dict[str, Json], profile: Profile, report: Report) -> None:
    narrow_choice(body, profile, report)
    choice = body["tool_choice"]
    forced = choice not in ("auto", "none") and not _allows(choice)
    if forced and not profile.forced_tool_choice:
        del body["tool_choice"]
        report.refused("tool_choice", "the model cannot be forced to call")


def _allows(choice: Json) -> bool:
    """Whether a choice only narrows the tools without forcing a call."""
    allowed = choice.get("allowed_tools") if isinstance(choice, dict) else None
    return isinstance(allowed, dict) and allowed.get("mode") == "auto"


def _parallel(body: dict[str, Json], profile: Profile, report: Report) -> None:
    if not profile.parallel_tool_calls:
        _leave_out(body, "parallel_tool_calls", report)


def _effort(body: dict[str, Json], profile: Profile, report: Report) -> None:
    """The nearest effort the model takes, the lower one of two equally near."""
    effort = body["reasoning_effort"]
    if profile.thinking == "none":
        del body["reasoning_effort"]
        if effort != "none":
            report.dropped("reasoning_effort", "the model does not reason")
    elif profile.efforts and effort in EFFORTS and effort not in profile.efforts:
        asked = EFFORTS.index(effort)
        nearest = min(profile.efforts, key=lambda one: (abs(EFFORTS.index(one) - asked), EFFORTS.index(one)))
        body["reasoning_effort"] = nearest
        report.clamped("reasoning_effort", f"the model knows no {effort}; sent as {nearest}")


_ADJUST: dict[str, Callable[[dict[str, Json], Profile, Report], None]] = {
    "n": _n,
    "stop": _stop,
    "logprobs": _logprobs,
    "temperature": _temperature,
    "top_p": _top_p,
    "response_format": _format,
    "tools": _tools,
    "functions": _functions,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _parallel,
    "reasoning_effort": _effort,
}
_ADJUSTED = frozenset(_ADJUST)
