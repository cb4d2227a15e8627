"""Sampling, bounds, output format and hints: everything beside the conversation and the tools.

A hint Anthropic has no word for is dropped and reported; a shape of the answer it cannot give is reported refused, so
that the target is skipped. A value that equals what the target does anyway is left out without a word. Sources:
Anthropic's Messages reference, its structured-outputs page, and the migration notes for sampling parameters.
"""

import hashlib
import re
from collections.abc import Mapping

import orjson

from translators.anthropic_messages.schema import Unfit, fit
from translators.anthropic_messages.thinking import BUDGET_MIN, Thinking
from translators.ir import Json, OutputFormat, Request
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

MAX_TOKENS = 8_192
"""The output bound when neither the caller nor the profile knows one; Anthropic demands a bound. Always reported."""
TEMPERATURE_MAX = 1.0
"""The format's own bound, whatever a plain block's profile says."""
USER_ID_MAX = 256

PASSED = frozenset(
    (
        "cache_control",
        "compaction",
        "container",
        "context_management",
        "diagnostics",
        "fallback_credit_token",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "speed",
        "thread",
    )
)
"""Extension fields that are Anthropic's own and go through as they came."""
MERGED = frozenset(("thinking", "output_config", "tools"))
"""Extension fields that are read elsewhere, with what the neutral form says beside them."""

_PERSONAL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|\+?[\d\s().-]{7,}")
"""An e-mail address or a telephone number, which Anthropic asks not to be sent."""
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_FASTER = frozenset(("priority", "fast", "scale"))


def output_bound(request: Request, profile: Profile, thinking: Thinking, report: Report) -> tuple[int, int]:
    """`max_tokens`, and the thinking budget that fits under it (0: none does).

    A budget made of an effort comes on top of the caller's bound, as far as the model's largest bound allows.
    """
    largest, asked, budget = profile.max_output, request.max_output, thinking.budget
    field = "max_completion_tokens"
    if asked is None:
        if largest is None:
            report.clamped(field, f"no bound is known for the model: {MAX_TOKENS}")
        bound = largest or MAX_TOKENS
    else:
        bound = asked + budget if thinking.on_top else asked
        if budget and thinking.on_top:
            report.approximated(field, "the thinking budget comes on top")
        if largest is not None and asked > largest:
            report.clamped(field, f"the model answers with at most {largest}")
        bound = bound if largest is None else min(bound, largest)
    if budget >= bound:
        budget = max(BUDGET_MIN, bound - asked) if asked is not None and thinking.on_top else bound - 1
    return bound, (budget if BUDGET_MIN <= budget < bound else 0)


def sampling(body: Body, request: Request, profile: Profile, *, thinking: bool, report: Report) -> None:
    """temperature, top_p and top_k, as far as the model takes them; thinking models take only the defaults. Where
    nobody said which models these are, temperature and top_p do not go together: the newer ones refuse that."""
    temperature, top_p, top_k = request.temperature, request.top_p, request.top_k
    fixed = profile.sampling == "none" or thinking
    why = "anthropic fixes it while the model thinks" if profile.sampling != "none" else "the model fixes it"
    if temperature is not None:
        if fixed:
            if temperature != 1:
                report.dropped("temperature", why)
        else:
            most = min(profile.temperature_max, TEMPERATURE_MAX)
            if temperature > most:
                report.clamped("temperature", f"at most {most:g}")
            body["temperature"] = min(temperature, most)
    if top_p is not None:
        one_of = profile.sampling == "one_of" or not profile.vendor
        if fixed or (one_of and "temperature" in body):
            if top_p != 1:
                report.dropped("top_p", why if fixed else "the model takes only one of temperature and top_p")
        else:
            body["top_p"] = top_p
    if top_k is not None:
        if fixed:
            report.dropped("top_k", why)
        else:
            body["top_k"] = top_k


def stops(body: Body, request: Request, profile: Profile, report: Report) -> None:
    """`stop_sequences`: blank ones are a 400 and left out; more than the model takes are cut."""
    kept = [one for one in request.stop if one.strip()]
    if len(kept) < len(request.stop):
        report.dropped("stop", "anthropic takes no blank stop sequence")
    if len(kept) > profile.stop_max:
        report.clamped("stop", f"at most {profile.stop_max} stop sequences")
        kept = kept[: profile.stop_max]
    if kept:
        body["stop_sequences"] = kept


def output_format(wanted: OutputFormat, profile: Profile, report: Report) -> tuple[Body | None, str | None]:
    """`output_config.format`, and an instruction for the system prompt where there is no such format."""
    if wanted.kind == "json_object":
        report.approximated("response_format", "asked for in words")
        return None, "Answer with one valid JSON object and nothing else."
    if wanted.kind == "text":
        return None, None
    field = "response_format.json_schema"
    if wanted.schema is None:
        report.refused(field, "it has no schema")
        return None, None
    if not profile.json_schema:
        report.refused(field, "the model takes no JSON schema")
        return None, _in_words(wanted.schema)
    try:
        schema, changes = fit(wanted.schema)
    except Unfit as unfit:
        report.refused(f"{field}.schema", f"{unfit}")
        return None, _in_words(wanted.schema)
    if changes:
        report.approximated(f"{field}.schema", f"not enforced as written: {', '.join(changes)}"[:200])
    if wanted.name:
        report.approximated(f"{field}.name", "anthropic's format has no name")
    if wanted.description:
        schema.setdefault("description", wanted.description)
    return {"type": "json_schema", "schema": schema}, None


def _in_words(schema: Mapping[str, Json]) -> str | None:
    """Asks for what cannot be enforced, for whom that will do; None for a schema that cannot be written."""
    try:
        return (
            f"Answer with one JSON value that fits this JSON Schema, and nothing else: {orjson.dumps(schema).decode()}"
        )
    except TypeError:  # too deep, or a number too large
        return None


def hints(body: Body, request: Request, report: Report) -> None:
    """What Anthropic has no word for, and the few hints it has one for."""
    if request.seed is not None:
        report.dropped("seed", "anthropic has no seed")
    if request.presence_penalty:
        report.dropped("presence_penalty", "anthropic has no penalties")
    if request.frequency_penalty:
        report.dropped("frequency_penalty", "anthropic has no penalties")
    if request.logit_bias:
        report.dropped("logit_bias", "anthropic has no logit bias")
    if request.verbosity is not None:
        report.dropped("verbosity", "anthropic has no verbosity")
    if request.prediction is not None:
        report.dropped("prediction", "anthropic has no predicted output")
    if request.metadata:
        report.dropped("metadata", "anthropic keeps no metadata but a user id")
    if request.user is not None or request.safety_identifier is not None:
        _user(body, request, report)
    if request.service_tier is not None:
        _tier(body, request.service_tier, report)


def shapes(request: Request, report: Report) -> None:
    """Shapes of the answer that Anthropic cannot give."""
    if request.n > 1:
        report.refused("n", "anthropic gives one answer")
    if request.logprobs:
        report.refused("logprobs", "anthropic gives no log probabilities")
    if request.top_logprobs:
        report.refused("top_logprobs", "anthropic gives no log probabilities")
    if any(one != "text" for one in request.modalities) or request.audio is not None:
        report.refused("modalities", "anthropic answers in text")


def extras(body: Body, request: Request, report: Report) -> None:
    """Extension fields: Anthropic's own pass, what is switched off says nothing, the rest is dropped and told."""
    for name, value in request.extra.items():
        if name in PASSED and not (name == "context_management" and not isinstance(value, dict)):
            body.setdefault(name, value)  # the Responses API has a list of that name
        elif name == "moderation" and isinstance(value, dict) and value.get("policy"):
            report.refused(name, "anthropic has no moderation policy")
        elif name == "tool_choice":
            report.refused(name, "it names a tool that only its own vendor runs")
        elif name not in MERGED and value is not None and value is not False:
            report.unsaid(name, value, "anthropic has no such field")


CLIENT_NAMES = {
    "max_tokens": "max_completion_tokens",
    "stop_sequences": "stop",
    "output_config": "reasoning_effort",
    "thinking": "reasoning_effort",
    "system": "messages",
}
"""Anthropic's names -> what Reports call the same."""


def quirks(body: Body, profile: Profile, report: Report, *, own: bool = False) -> None:
    """The profile's last word: fields this model rejects, always wants, or calls by another name. `own`: to be told to
    a client of this dialect, in Anthropic's own names."""
    for name, value in profile.requires.items():
        body.setdefault(name, value)
    for name in profile.rejects:
        if body.pop(name, None) is not None and name != "model":
            report.dropped(name if own else CLIENT_NAMES.get(name, name), "the model rejects it")
    for name, renamed in profile.renames.items():
        if name in body:
            body[renamed] = body.pop(name)


def _user(body: Body, request: Request, report: Report) -> None:
    said = request.safety_identifier or request.user or ""
    if request.user and request.safety_identifier and request.user != request.safety_identifier:
        report.dropped("user", "anthropic has one user id, and safety_identifier is it")
    if not said:
        return
    if len(said) > USER_ID_MAX or _PERSONAL.fullmatch(said.strip()):
        field = "safety_identifier" if request.safety_identifier else "user"
        report.approximated(field, "sent as a hash")
        said = hashlib.sha256(said.encode()).hexdigest()
    body["metadata"] = {"user_id": said}


def _tier(body: Body, tier: str, report: Report) -> None:
    if tier in _TIERS:
        body["service_tier"] = _TIERS[tier]
    elif tier in _FASTER:
        report.approximated("service_tier", "anthropic's auto uses priority where it is bought")
        body["service_tier"] = "auto"
    else:
        report.dropped("service_tier", f"anthropic has no tier {tier[:40]}")
