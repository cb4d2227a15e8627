"""A completion request: its envelope, read into the neutral form, and written from it.

Odd cases: what only a server of completions can do (`echo`, `best_of`, `suffix`, tokens for a prompt, several prompts)
cannot be said in the neutral form at all and is Malformed there, so that a chain goes on to a target that has
`/completions`, or tells the client the field. An output bound that the client left out stays out: the legacy default of
16 tokens is the upstream's business.
"""

from collections.abc import Callable

from translators.codec import Envelope
from translators.ir import MODEL_CAP, Dialect, Json, Message, Request, Text
from translators.openai.check import Wrong, boolean, fail, filled, integer, kind, number, obj, string, strings
from translators.profile import Profile
from translators.report import Report

CHOICES_CAP = 128
PROMPTS_CAP = 2048
TOP_LOGPROBS = 5
SAME_NAME = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "user")


def check_envelope(body: Json) -> Envelope:
    """Raises Malformed, naming the field."""
    try:
        return _checked(body)
    except Wrong as wrong:
        raise wrong.malformed() from None


def _checked(body: Json) -> Envelope:
    if not isinstance(body, dict):
        raise Wrong("", f"must be a JSON object, and it is {kind(body)}")
    for name in ("model", "prompt"):
        if body.get(name) is None:
            fail(name, "is missing", "missing_required_parameter")
    model = filled(body["model"], "model")
    if len(model) > MODEL_CAP:
        fail("model", f"is longer than {MODEL_CAP} characters", "string_above_max_length")
    _prompt_shape(body["prompt"])
    if body.get("n") is not None:
        integer(body["n"], "n", 1, CHOICES_CAP)
    if body.get("max_tokens") is not None:
        integer(body["max_tokens"], "max_tokens", 0)
    stream, options = body.get("stream"), body.get("stream_options")
    streams = stream is not None and boolean(stream, "stream")
    usage = options is not None and obj(options, "stream_options").get("include_usage")
    return Envelope(model, streams, bool(usage))


def _prompt_shape(prompt: Json) -> None:
    if isinstance(prompt, str):
        return
    if not isinstance(prompt, list):
        fail("prompt", f"must be a string or an array, and it is {kind(prompt)}", "invalid_type")
    if not prompt:
        fail("prompt", "must not be empty", "empty_array")
    if len(prompt) > PROMPTS_CAP and not isinstance(prompt[0], int):
        fail("prompt", f"holds more than {PROMPTS_CAP} prompts", "array_above_max_length")


# -- read --------------------------------------------------------------------------------------------------------


def parse_request(body: Json, checked: Envelope | None = None) -> Request:
    """Raises Malformed with the field's path."""
    envelope = checked or check_envelope(body)
    try:
        _only_here(body)
        return Request(
            model=envelope.model,
            items=(Message("user", (Text(_prompt(body["prompt"])),)),),
            stream=envelope.stream,
            include_usage=envelope.include_usage,
            max_output=body.get("max_tokens"),
            **_fields(body),
            n=body.get("n") or 1,
            extra=_unknown(body),
        )
    except Wrong as wrong:
        raise wrong.malformed() from None


def _fields(body: dict[str, Json]) -> dict[str, Json]:
    """Arguments for Request by their names there."""
    fields = {name: read(body[name], name) for name, read in _PLAIN.items() if body.get(name) is not None}
    if "logprobs" in fields:
        fields["logprobs"], fields["top_logprobs"] = True, fields["logprobs"]
    return fields


def _unknown(body: dict[str, Json]) -> dict[str, Json]:
    """Fields without a word here. Among them `tools` are nobody's that could be rendered: told by the field's name."""
    extra = {name: value for name, value in body.items() if name not in _KNOWN and value is not None}
    return {**extra, "tools": {"tools": {"type": "tools"}}} if "tools" in extra else extra


def _whole(value: Json, path: str) -> int:
    return integer(value, path)


def _count(value: Json, path: str) -> int:
    return integer(value, path, 0)


def _bias(value: Json, path: str) -> dict[str, float]:
    return {token: number(bias, f"{path}.{token}") for token, bias in obj(value, path).items()}


def _stop(value: Json, path: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else strings(value, path)


_PLAIN: dict[str, Callable[[Json, str], Json]] = {
    "temperature": number,
    "top_p": number,
    "presence_penalty": number,
    "frequency_penalty": number,
    "logit_bias": _bias,
    "seed": _whole,
    "stop": _stop,
    "logprobs": _count,
    "user": string,
}
_OWN = ("model", "prompt", "stream", "stream_options", "max_tokens", "stop", "n", "logprobs")
_ONLY_HERE = ("echo", "suffix", "best_of")
_KNOWN = frozenset((*SAME_NAME, *_OWN, *_ONLY_HERE))


def _only_here(body: dict[str, Json]) -> None:
    """Raises Wrong for what asks more than one answer to one text."""
    if body.get("max_tokens") == 0:
        fail("max_tokens", "may be 0 only at a provider that has /completions itself", "unsupported_parameter")
    for name in _ONLY_HERE:
        asked = body.get(name)
        if asked and not (name == "best_of" and asked == (body.get("n") or 1)):
            fail(name, "is only known to a provider that has /completions itself", "unsupported_parameter")


def _prompt(prompt: Json) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if not isinstance(prompt, str):
        several = isinstance(prompt[0], str)
        what = "several prompts are" if several else "tokens are"
        fail("prompt", f"must be one text: {what} only known to a provider that has /completions itself")
    return filled(prompt, "prompt")


# -- written -----------------------------------------------------------------------------------------------------

_SHAPES = ("tools", "output", "modalities", "audio", "web_search")
_HINTS = (
    "top_k",
    "parallel_tool_calls",
    "effort",
    "thinking_budget",
    "reasoning_summary",
    "verbosity",
    "safety_identifier",
    "service_tier",
    "metadata",
    "prediction",
)
_WHY = f"{Dialect.OPENAI_COMPLETIONS} has no such field"


def render_request(request: Request, profile: Profile) -> tuple[dict[str, Json], Report]:
    """The body for `profile`'s target and what was lost on the way."""
    report = Report()
    body: dict[str, Json] = {"model": profile.model or request.model, "prompt": _text(request, report)}
    body.update((name, value) for name in SAME_NAME if (value := getattr(request, name)) is not None)
    if request.max_output is not None:
        body["max_tokens"] = request.max_output
    if request.stop:
        body["stop"] = list(request.stop)
    if request.n != 1:
        body["n"] = request.n
    if request.logprobs:
        _logprobs(body, request.top_logprobs or 0, report)
    if request.stream:
        body["stream"] = True
        if profile.stream_usage:
            body["stream_options"] = {"include_usage": True}
    _unsaid(request, report)
    return body, report


def _logprobs(body: dict[str, Json], asked: int, report: Report) -> None:
    body["logprobs"] = min(asked, TOP_LOGPROBS)
    if asked > TOP_LOGPROBS:
        report.clamped("top_logprobs", f"completions give at most {TOP_LOGPROBS}")


def _unsaid(request: Request, report: Report) -> None:
    for name in _SHAPES:
        if getattr(request, name):
            report.refused(name, _WHY)
    for name in (*(name for name in _HINTS if getattr(request, name) is not None), *request.extra):
        report.dropped(name, _WHY)


def _text(request: Request, report: Report) -> str:
    """The prompt, which is what one user says in words."""
    texts: list[str] = []
    for place, item in enumerate(request.items):
        if not isinstance(item, Message) or item.role != "user" or len(request.items) > 1:
            report.refused(f"items[{place}]", "completions take one prompt, not a conversation")
        parts = item.parts if isinstance(item, Message) else ()
        if not all(isinstance(part, Text) for part in parts):
            report.refused(f"items[{place}]", "completions take text only")
        texts += [part.text for part in parts if isinstance(part, Text)]
    return "".join(texts)
