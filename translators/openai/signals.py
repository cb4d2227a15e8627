"""What the words of an error body mean: data for `faults`.

The rows come from the error pages and the observed answers of OpenAI, Azure OpenAI, DeepSeek, xAI, Mistral, OpenRouter,
Together, Groq, Cohere and of local servers (vLLM, llama.cpp, LM Studio, Ollama). Codes are exact and outrank texts,
texts outrank the status. Everything is compared in lower case. Earlier rows win.
"""

import re

from translators.faults import WEB_PAGE, Kind

CODES: tuple[tuple[Kind, frozenset[str]], ...] = (
    (
        Kind.QUOTA,
        frozenset(
            {
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "billing_hard_limit_reached",
                "billing_not_active",
                "openrouter_credits",
                "openrouter_key_limit",
            }
        ),
    ),
    (Kind.THROTTLED, frozenset({"openrouter_in_flight_budget"})),
    (Kind.REFUSED, frozenset({"weight_exceeds_budget"})),
    (Kind.QUOTA, frozenset({"payment_required"})),
    (
        Kind.CONTENT,
        frozenset(
            {
                "content_filter",
                "content_policy_violation",
                "responsibleaipolicyviolation",
                "invalid_prompt",
                "bio_policy",
                "cyber_policy",
                "misalignment_policy_violation",
                "refusal",
            }
        ),
    ),
    (
        Kind.TOO_LONG,
        frozenset(
            {
                "context_length_exceeded",
                "token_limit_exceeded",
                "exceed_context_size_error",
                "too_many_tokens",
            }
        ),
    ),
    (
        Kind.AUTH,
        frozenset(
            {
                "invalid_api_key",
                "api_key_invalid",
                "unsupported_country_region_territory",
                "authentication_error",
                "permission_denied",
            }
        ),
    ),
    (Kind.MISSING, frozenset({"model_not_found", "deploymentnotfound", "model_decommissioned"})),
    (
        Kind.OVERLOADED,
        frozenset(
            {
                "server_is_overloaded",
                "overloaded_error",
                "provider_overloaded",
                "capacity_exceeded",
                "insufficient_system_resource",
                "3505",
            }
        ),
    ),
    (
        Kind.THROTTLED,
        frozenset(
            {"rate_limit_exceeded", "rate_limited", "ratelimitreached", "slow_down", "resource_exhausted", "1300"}
        ),
    ),
    (Kind.SERVER, frozenset({"tool_use_failed", "provider_unavailable"})),
)

REQUEST_CODES = frozenset(
    {"invalid_request_error", "unsupported_parameter", "unknown_parameter", "unsupported_value", "invalid_value"}
)
"""With a 5xx these still mean that the request is at fault."""

TEXTS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        # A bound that is too large is mended by lowering it, not by a larger window; it names the window all the same.
        (Kind.REFUSED, r"max_(?:completion_)?tokens'? .{0,40}is too large"),
        (
            Kind.QUOTA,
            r"insufficient balance|used all available credits|monthly spending limit|credit balance is too low",
        ),
        (Kind.CONTENT, r"violates (?:our )?usage (?:policies|guidelines)|content management policy"),
        (Kind.AUTH, r"(?:incorrect|invalid) api key|api key not valid|invalid subscription key"),
        (Kind.AUTH, r"resource has been temporarily blocked"),
        (Kind.OVERLOADED, r"overloaded|service tier capacity exceeded|experiencing high demand"),
    )
)

TOO_LONG = re.compile(
    r"maximum context length|exceeds the context window|context length exceeded|maximum prompt length is"
    r"|too large for model with|exceeds the available context size|exceeded max context length"
    r"|tokens to keep from the initial prompt|input token count|prompt is too long"
    r"|reduce the length of the (?:messages|prompt)"
)
"""Never looked for in a 429 or 503, where words about too many tokens speak of a rate."""

ROOM_LEFT = re.compile(
    r"maximum context length is (\d{1,12}) tokens.*?prompt contains at least (\d{1,12}) input tokens", re.DOTALL
)
"""vLLM: window and prompt. A prompt that fits means that only the output bound is too large."""

REASONING = re.compile(
    r"thought[_ ]signature|invalid_encrypted_content|encrypted content .{0,60}(?:could not be|cannot be)"
    r"|invalid `?signature`? in `?thinking|thinking`? blocks? .{0,60}cannot be modified"
)
"""A refusal because of reasoning that was sent back, or because of a signature that was not."""

RESPONSES = re.compile(
    r"(?:use|using|supported (?:in|by|with)|available (?:in|via|through)) (?:the )?(?:/?v1/responses\b|responses api)"
)
"""A refusal that says how to ask instead: by `/responses`."""

UNFIT_MODEL = re.compile(r"not supported in this model|not a chat model|only supported in v1/responses")
"""With a 404: the model is there and cannot do this."""

STATUSES: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    404: Kind.MISSING,
    408: Kind.SERVER,
    409: Kind.SERVER,
    424: Kind.SERVER,
    429: Kind.THROTTLED,
    498: Kind.OVERLOADED,
    499: Kind.SERVER,
    529: Kind.OVERLOADED,
}
"""What is not listed: other 4xx are REFUSED, everything else is SERVER."""

_UNIT = r"(?:ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)\b"
WAIT = re.compile(rf"(?:try again|retry) (?:in|after) ((?:\d{{1,9}}(?:\.\d+)?\s?{_UNIT}\s?|\d{{1,9}}[hm](?=\d))+)")
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|milli|s|m|h)")
SECONDS = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

DAILY = re.compile(r"per[ -]?day|\brpd\b|\btpd\b|daily")

SENTENCES: dict[Kind, str] = {
    Kind.SERVER: "it failed on its side",
    Kind.OVERLOADED: "it is overloaded",
    Kind.THROTTLED: "it limits the rate of requests",
    Kind.QUOTA: "its quota for this key is used up",
    Kind.AUTH: "it does not accept the configured key for this",
    Kind.MISSING: "it does not serve this model at this address",
    Kind.REFUSED: "The provider refused the request without a reason.",
    Kind.TOO_LONG: "The conversation is too long for this model.",
    Kind.CONTENT: "The provider's content policy forbids this request.",
    Kind.PROTOCOL: WEB_PAGE,
}
"""Told in place of a text that may speak of the account behind the key."""
