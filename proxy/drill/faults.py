"""What the vendors' error bodies look like, per dialect: by status, or by the name of a kind whose status alone says
too little. Texts are short forms of what is seen; types and codes are the vendors' own.
"""

import orjson

Row = tuple[str, str, str | None]
"""Message, type, code."""

KINDS = ("insufficient_quota", "context_length", "content_filter", "overloaded", "slow_down", "spend_limit")

_REQUEST = "invalid_request_error"
_DETAIL = "type.googleapis.com/google.rpc"
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
    422: ("The input could not be processed.", _REQUEST, None),
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
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_GEMINI: dict[int | str, tuple[int, str, str]] = {
    400: (400, "Request contains an invalid argument.", ""),
    401: (400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
    403: (403, "The caller does not have permission", ""),
    404: (404, "models/demo is not found for API version v1beta.", ""),
    429: (429, "You exceeded your current quota. Please retry in 30s.", "GenerateRequestsPerMinutePerProject"),
    503: (503, "The service is currently unavailable.", ""),
    504: (504, "Deadline expired before operation could complete.", ""),
    "insufficient_quota": (
        429,
        "You exceeded your current quota.",
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    ),
    "spend_limit": (429, "Quota exceeded for metric: generate_requests, limit: 0", "GenerateRequestsPerDayPerProject"),
    "context_length": (400, "The input token count (9000) exceeds the maximum number of tokens allowed (8192).", ""),
    "overloaded": (503, "The model is overloaded. Please try again later.", ""),
    "slow_down": (429, "Resource has been exhausted (e.g. check quota).", ""),
}
"""Code, message, and what the details name."""


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


def gemini_fault(status: int, kind: str | None = None, message: str | None = None) -> bytes:
    """An error body of the Gemini dialect; `kind` is one of KINDS and outranks the status. What the content filter
    stops is no error there but an answer without candidates."""
    if kind == "content_filter":
        return orjson.dumps({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "demo"})
    code, text, named = _GEMINI.get(kind or status, (status, "An internal error has occurred.", ""))
    error: dict[str, object] = {"code": code, "message": message or text, "status": _STATUSES.get(code, _other(code))}
    if named == "API_KEY_INVALID":
        error["details"] = [{"@type": f"{_DETAIL}.ErrorInfo", "reason": named, "domain": "googleapis.com"}]
    elif named:
        quota = {"@type": f"{_DETAIL}.QuotaFailure", "violations": [{"quotaId": named}]}
        retry = {"@type": f"{_DETAIL}.RetryInfo", "retryDelay": "30s"}
        error["details"] = [quota, retry] if "PerMinute" in named else [quota]
    return orjson.dumps({"error": error})


def _other(code: int) -> str:
    """The word for a status that the API itself does not give; what stands before it knows none for a refusal."""
    return "INTERNAL" if code >= 500 else ""
