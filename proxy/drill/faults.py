"""What the vendors' error bodies look like, per dialect: by status, or by the name of a kind whose status alone says
too little. Texts are short forms of what is seen; types and codes are the vendors' own.
"""

import orjson

Row = tuple[str, str, str | None]
"""Message, type, code."""

KINDS = ("insufficient_quota", "context_length", "content_filter", "overloaded", "slow_down", "spend_limit")

_REQUEST = "invalid_request_error"
_OPENAI: dict[int | str, Row] = {
    400: ("Unsupported value: 'temperature' does not support 3 with this model.", _REQUEST, "unsupported_value"),
    401: ("Incorrect API key provided: demo-***.", _REQUEST, "invalid_api_key"),
    402: ("Your account has no credit left.", "insufficient_quota", "credit_balance_exhausted"),
    403: ("Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"),
    404: ("The model `demo` does not exist or you do not have access to it.", _REQUEST, "model_not_found"),
    413: ("Request body too large.", _REQUEST, None),
    422: ("The input could not be processed.", _REQUEST, None),
    429: ("Rate limit reached for demo on requests per min (RPM).", "requests", "rate_limit_exceeded"),
    503: ("The server is not available right now.", "service_unavailable_error", None),
    529: ("The engine is currently overloaded.", "service_unavailable_error", "server_is_overloaded"),
    "insufficient_quota": ("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
    "spend_limit": ("The project's spend limit is reached.", "insufficient_quota", "project_spend_limit_exceeded"),
    "context_length": (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        _REQUEST,
        "context_length_exceeded",
    ),
    "content_filter": ("Your request violates our usage policies.", _REQUEST, "content_policy_violation"),
    "overloaded": ("The engine is currently overloaded.", "service_unavailable_error", "server_is_overloaded"),
    "slow_down": ("Too many requests at once. Please slow down.", "requests", "slow_down"),
}
_ANTHROPIC: dict[int | str, Row] = {
    400: ("max_tokens: Field required", _REQUEST, None),
    401: ("invalid x-api-key", "authentication_error", None),
    402: ("This organization has no means of payment.", "billing_error", None),
    403: ("Your API key has no permission for this resource.", "permission_error", None),
    404: ("model: demo", "not_found_error", None),
    413: ("Request exceeds the maximum size", "request_too_large", None),
    429: ("This request would exceed your rate limit.", "rate_limit_error", None),
    504: ("The request timed out.", "timeout_error", None),
    529: ("Overloaded", "overloaded_error", None),
    "insufficient_quota": ("Your credit balance is too low to access the Anthropic API.", _REQUEST, None),
    "spend_limit": ("The spend limit is reached.", "rate_limit_error", "enforced_spend_limit_reached"),
    "context_length": ("prompt is too long: 210000 tokens > 200000 maximum", _REQUEST, None),
    "content_filter": ("Output blocked by content filtering policy", _REQUEST, None),
    "overloaded": ("Overloaded", "overloaded_error", None),
    "slow_down": ("Usage rose too fast.", "rate_limit_error", "ramp_limit_exceeded"),
}


def openai_fault(status: int, kind: str | None = None, message: str | None = None) -> bytes:
    """An error body of the OpenAI dialect; `kind` is one of KINDS and outranks the status."""
    text, type_, code = _OPENAI.get(kind or status, ("The server had an error.", "server_error", None))
    return orjson.dumps({"error": {"message": message or text, "type": type_, "param": None, "code": code}})


def anthropic_fault(status: int, kind: str | None = None, message: str | None = None) -> bytes:
    """An error body of the Anthropic dialect; `kind` is one of KINDS and outranks the status."""
    text, type_, code = _ANTHROPIC.get(kind or status, ("Internal server error", "api_error", None))
    error: dict[str, object] = {"type": type_, "message": message or text}
    if code:
        error["details"] = {"error_code": code}
    return orjson.dumps({"type": "error", "error": error, "request_id": "req_demo"})
