"""`generationConfig` and the fields beside it: sampling, thinking, bounds, output format and hints.

A hint Gemini has no word for is dropped and reported; a shape of the answer it cannot give is reported refused, so that
the target is skipped. A value that equals what the target does anyway is left out without a word. Source: Google's
Gemini API reference (GenerationConfig) and its thinking page.
"""

import hashlib
import re

from translators.gemini.schema import Unfit, fit_response
from translators.gemini.thinking import thinking
from translators.ir import Json, OutputFormat, Request
from translators.profile import Profile
from translators.report import Report

Body = dict[str, Json]

PASSED = frozenset(("safetySettings", "cachedContent", "labels", "modelArmorConfig", "continuationToken"))
"""Extension fields that are Gemini's own and go through as they came. Its `store` is none of them: it says whether a
call is logged for the project's owner, and other dialects' whether the answer can be asked for again."""
MERGED = frozenset(("generationConfig", "toolConfig", "tools", "thinking"))
"""Extension fields that are read elsewhere, with what the neutral form says beside them."""
CLIENT_NAMES = {
    "maxOutputTokens": "max_completion_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "candidateCount": "n",
    "stopSequences": "stop",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
    "thinkingConfig": "reasoning_effort",
    "responseModalities": "modalities",
    "serviceTier": "service_tier",
    "systemInstruction": "messages",
    "toolConfig": "tool_choice",
}
"""Gemini's names -> what a client calls the same."""

_TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")


def generation(request: Request, profile: Profile, report: Report) -> Body:
    """The whole `generationConfig`, empty where nothing is to be said."""
    given = request.extra.get("generationConfig")
    config: Body = dict(given) if isinstance(given, dict) else {}
    _bound(config, request, profile, report)
    _sampling(config, request, profile, report)
    plain = {
        "seed": request.seed,
        "presencePenalty": request.presence_penalty or None,
        "frequencyPenalty": request.frequency_penalty or None,
    }
    config.update((name, value) for name, value in plain.items() if value is not None)
    if request.stop:
        _stops(config, request, profile, report)
    if request.n > 1:
        if request.n > profile.n_max:
            report.refused("n", f"the model gives at most {profile.n_max}")
        else:
            config["candidateCount"] = request.n
    if request.logprobs or request.top_logprobs:
        _logprobs(config, request, profile, report)
    if request.output is not None:
        _output(config, request.output, request, profile, report)
    if request.modalities:
        _modalities(config, request, report)
    planned = thinking(request, profile, report)
    if planned:
        config["thinkingConfig"] = planned
    return config


def _bound(config: Body, request: Request, profile: Profile, report: Report) -> None:
    bound = request.max_output
    if bound is None:
        return
    if profile.max_output is not None and bound > profile.max_output:
        bound = profile.max_output
        report.clamped("max_completion_tokens", f"the model writes at most {bound} tokens")
    config["maxOutputTokens"] = bound


def _sampling(config: Body, request: Request, profile: Profile, report: Report) -> None:
    asked = {"temperature": request.temperature, "topP": request.top_p, "topK": request.top_k}
    for name, value in asked.items():
        if value is None:
            continue
        if profile.sampling == "none" or (profile.sampling == "one_of" and name == "topP" and "temperature" in config):
            if value != 1 or name == "topK":
                report.dropped(CLIENT_NAMES.get(name, name), "the model fixes it")
        else:
            config[name] = value
    if request.temperature is not None and config.get("temperature", 0) > profile.temperature_max:
        config["temperature"] = profile.temperature_max
        report.clamped("temperature", f"at most {profile.temperature_max:g}")


def _stops(config: Body, request: Request, profile: Profile, report: Report) -> None:
    kept = [one for one in request.stop if one]
    if len(kept) < len(request.stop):
        report.dropped("stop", "gemini takes no empty stop sequence")
    if len(kept) > profile.stop_max:
        report.clamped("stop", f"at most {profile.stop_max} stop sequences")
        kept = kept[: profile.stop_max]
    if kept:
        config["stopSequences"] = kept


def _logprobs(config: Body, request: Request, profile: Profile, report: Report) -> None:
    if not profile.logprobs:
        report.refused("logprobs", "the model gives no log probabilities")
        return
    config["responseLogprobs"] = True
    if request.top_logprobs:
        config["logprobs"] = request.top_logprobs


def _output(config: Body, wanted: OutputFormat, request: Request, profile: Profile, report: Report) -> None:
    if wanted.kind == "text":
        return
    field = "response_format" if wanted.kind == "json_object" else "response_format.json_schema"
    if request.tools and not profile.tools_combine:
        report.refused(field, "the model takes no answer format beside functions")
        return
    if wanted.kind == "json_object":
        config["responseMimeType"] = "application/json"
        return
    if not profile.json_schema:
        report.refused(field, "the model takes no JSON schema")
        return
    schema = _schema(wanted, field, report)
    if schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = schema


def _schema(wanted: OutputFormat, field: str, report: Report) -> Body | None:
    try:
        schema, changes = fit_response(wanted.schema or {})
    except Unfit as unfit:
        report.refused(f"{field}.schema", f"{unfit}")
        return None
    if changes:
        report.approximated(f"{field}.schema", f"not enforced as written: {', '.join(changes)}"[:200])
    if wanted.name:
        report.approximated(f"{field}.name", "gemini's format has no name")
    if wanted.description:
        schema.setdefault("description", wanted.description)
    return schema


def _modalities(config: Body, request: Request, report: Report) -> None:
    if request.audio is not None:
        report.refused("modalities", "gemini has other voices and forms of sound")
    elif request.modalities != ("text",):
        config["responseModalities"] = [one.upper() for one in request.modalities]


# -- beside it ---------------------------------------------------------------------------------------------------


def hints(body: Body, request: Request, profile: Profile, report: Report) -> None:
    """What Gemini has no word for, and the few hints it has one for."""
    if request.logit_bias:
        report.dropped("logit_bias", "gemini has no logit bias")
    if request.verbosity is not None:
        report.dropped("verbosity", "gemini has no verbosity")
    if request.prediction is not None:
        report.dropped("prediction", "gemini has no predicted output")
    if request.metadata:
        report.dropped("metadata", "gemini keeps no metadata")
    for field, value in (("safety_identifier", request.safety_identifier), ("user", request.user)):
        if value:
            _user(body, field, value, profile, report)
    if request.service_tier not in (None, "auto"):
        _tier(body, str(request.service_tier), profile, report)
    for name, value in request.extra.items():
        _extra(body, name, value, report)


def _user(body: Body, field: str, value: str, profile: Profile, report: Report) -> None:
    """A label where the platform is known to have labels (Vertex AI), which take few characters."""
    labelled = bool(profile.vendor) and "labels" not in profile.rejects
    labels = body.setdefault("labels", {}) if labelled else None
    if labels is None or "user" in labels:
        report.dropped(field, "gemini has no user id" if labels is None else "there is one label, safety_identifier")
        return
    if _LABEL.fullmatch(value) is None:
        report.approximated(field, "sent as a hash")
        value = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:63]
    labels["user"] = value


def _tier(body: Body, tier: str, profile: Profile, report: Report) -> None:
    if "serviceTier" in profile.rejects or tier not in (*_TIERS, "fast"):
        if tier != "default":
            report.dropped("service_tier", f"gemini has no tier {tier[:40]} here")
        return
    if tier == "fast":
        report.approximated("service_tier", "gemini's word for it is priority")
    body["serviceTier"] = _TIERS.get(tier, "priority")


def _extra(body: Body, name: str, value: Json, report: Report) -> None:
    """Gemini's own pass, what is switched off says nothing, the rest is dropped and told."""
    if name in PASSED:
        body.setdefault(name, value)
    elif name == "moderation" and isinstance(value, dict) and value.get("policy"):
        report.refused(name, "gemini has no moderation policy")
    elif name == "tool_choice":
        report.refused(name, "it names a tool that only its own vendor runs")
    elif name == "mcp_servers":
        report.refused(name, "a tool that only its own vendor runs")
    elif name not in MERGED and value is not None and value is not False:
        report.unsaid(name, value, "gemini has no such field")


def quirks(body: Body, config: Body, profile: Profile, report: Report, *, own: bool = False) -> None:
    """The profile's last word, on the body's fields and on those of its `generationConfig`. `own`: to be told to a
    client of this dialect, in Gemini's own names."""
    for name, value in profile.requires.items():
        body.setdefault(name, value)
    for name in sorted(profile.rejects):
        for holder in (body, config):
            if holder.pop(name, None) is not None:
                path = name if holder is body else f"generationConfig.{name}"
                report.dropped(path if own else CLIENT_NAMES.get(name, name), "the model rejects it")
    for name, renamed in profile.renames.items():
        for holder in (body, config):
            if name in holder:
                holder[renamed] = holder.pop(name)
