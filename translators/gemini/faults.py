"""Errors of the Gemini API, read and written.

Google's errors are `{"error": {"code", "message", "status", "details"}}`, in a list of one where a stream was asked for
without server-sent events. The body is read before the status: a bad key is a 400. First come the reasons in
`details`, then telling phrases of the message, then the canonical status, then the number. Source: Google's
troubleshooting page, google.rpc.Code and error details, and recorded errors.

There are no retry headers; the wait stands in `RetryInfo` or in the message. "Check your plan and billing details" is
said for every full minute too, and so tells nothing; the name of the quota does.

Google's sentence is passed on only for what the caller can act on; otherwise a neutral one stands in.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from translators.faults import WEB_PAGE, Fault, Kind, is_page, say
from translators.ir import Json
from translators.profile import Profile

_BY_REASON: dict[str, Kind] = {
    "API_KEY_INVALID": Kind.AUTH,
    "API_KEY_EXPIRED": Kind.AUTH,
    "API_KEY_SERVICE_BLOCKED": Kind.AUTH,
    "ACCESS_TOKEN_EXPIRED": Kind.AUTH,
    "BILLING_DISABLED": Kind.AUTH,
    "SERVICE_DISABLED": Kind.AUTH,
    "MODEL_CAPACITY_EXHAUSTED": Kind.OVERLOADED,
}

_BY_PHRASE: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.AUTH, r"api key (?:not valid|expired|not found)|user location is not supported"),
        (Kind.TOO_LONG, r"input token count.{0,40}exceeds the maximum|exceeds the maximum number of tokens"),
        (Kind.CONTENT, r"responsible ai practices|blocked due to safety|violates? .{0,40}prohibited use policy"),
    )
)
"""Phrases that outrank the status. They are looked for in refusals only."""

_BY_STATUS_WORD: dict[str, Kind] = {
    "INVALID_ARGUMENT": Kind.REFUSED,
    "OUT_OF_RANGE": Kind.REFUSED,
    "UNIMPLEMENTED": Kind.REFUSED,
    "FAILED_PRECONDITION": Kind.AUTH,  # the region, or billing that was never set up
    "UNAUTHENTICATED": Kind.AUTH,
    "PERMISSION_DENIED": Kind.AUTH,
    "NOT_FOUND": Kind.MISSING,
    "RESOURCE_EXHAUSTED": Kind.THROTTLED,
    "CANCELLED": Kind.SERVER,
    "ABORTED": Kind.SERVER,
    "UNKNOWN": Kind.SERVER,
    "INTERNAL": Kind.SERVER,
    "DATA_LOSS": Kind.SERVER,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
}

_BY_STATUS: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    404: Kind.MISSING,
    408: Kind.SERVER,
    413: Kind.TOO_LONG,
    429: Kind.THROTTLED,
    499: Kind.SERVER,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
}
"""Any other 4xx is a refusal, any other status the server's fault."""

_SENTENCES: dict[Kind, str] = {
    Kind.SERVER: "The provider failed.",
    Kind.TIMEOUT: "The provider did not answer in time.",
    Kind.OVERLOADED: "The provider is overloaded.",
    Kind.THROTTLED: "The provider's rate limit is reached.",
    Kind.QUOTA: "The provider's quota is used up.",
    Kind.AUTH: "The provider did not accept the proxy's credentials.",
    Kind.MISSING: "The provider does not serve this model at this address.",
    Kind.REFUSED: "The provider refused the request.",
    Kind.TOO_LONG: "The request is too long for the model.",
    Kind.CONTENT: "The provider's content policy blocked the request.",
}
_QUOTED = frozenset((Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT))

_SIGNATURE = re.compile(r"thought[ _]signature")
_UNSIGNED = re.compile(r"missing|invalid|corrupt|not valid")
_SPENT = re.compile(r"limit: 0\b|spend(?:ing)? (?:cap|limit)|prepay(?:ment)? credits?")
_DAILY = re.compile(r"per_?day", re.IGNORECASE)
_WAIT = re.compile(r"retry in (\d{1,9}(?:\.\d+)?)(ms|s)")
_DURATION = re.compile(r"(\d{1,9}(?:\.\d+)?)s")
WAIT_MAX_S = 86_400.0

_decode = msgspec.json.Decoder().decode


def parse_fault(status: int, body: bytes, profile: Profile) -> Fault:  # noqa: ARG001 - one table for every model
    """The fault in an error answer, or in an `error` inside a good one (status 200). Never raises."""
    try:
        value = _decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        if status < 500 and status != 429 and is_page(body):
            return Fault(kind=Kind.PROTOCOL, message=WEB_PAGE, status=status)
        value = None
    if isinstance(value, list):
        value = value[0] if value else None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        error = {"message": error} if isinstance(error, str) else {}
    return _classify(status, error)


def _classify(status: int, error: Mapping[str, Any]) -> Fault:
    text, named = _word(error.get("message")), _word(error.get("status"))
    status = _inner_status(error.get("code"), status)
    details = [one for one in _list(error.get("details")) if isinstance(one, dict)]
    quotas = _quotas(details)
    lower = text[:4096].lower()
    kind = _kind(status, named, lower, details)
    if kind is Kind.THROTTLED and (_SPENT.search(lower) or _DAILY.search(quotas)):
        kind = Kind.QUOTA
    unsigned = kind is Kind.REFUSED and _SIGNATURE.search(lower) and _UNSIGNED.search(lower)
    return Fault(
        kind=kind,
        message=(say(text) if kind in _QUOTED else "") or _SENTENCES[kind],
        status=status,
        retry_after_s=_wait(details, lower),
        daily=kind is Kind.QUOTA and _DAILY.search(quotas) is not None,
        repair="reasoning" if unsigned else "",
    )


def _kind(status: int, named: str, text: str, details: list[dict[str, Any]]) -> Kind:
    for detail in details:
        if (reason := _BY_REASON.get(_word(detail.get("reason")))) is not None:
            return reason
    known = _BY_STATUS_WORD.get(named) or _BY_STATUS.get(status)
    kind = known or (Kind.REFUSED if 400 <= status < 500 else Kind.SERVER)
    if kind in (Kind.REFUSED, Kind.AUTH):
        return next((one for one, phrase in _BY_PHRASE if phrase.search(text)), kind)
    return kind


def _inner_status(code: Json, status: int) -> int:
    """The status the body names, which outranks the one the answer came with."""
    return code if isinstance(code, int) and 400 <= code < 600 else status


def _quotas(details: list[dict[str, Any]]) -> str:
    """Names of the quotas that are full."""
    violations = [one for detail in details for one in _list(detail.get("violations")) if isinstance(one, dict)]
    return " ".join(_word(one.get("quotaId")) for one in violations)


def _wait(details: list[dict[str, Any]], text: str) -> float | None:
    for detail in details:
        match = _DURATION.fullmatch(_word(detail.get("retryDelay")))
        if match is not None:
            return min(float(match[1]), WAIT_MAX_S)
    match = _WAIT.search(text)
    if match is None:
        return None
    return min(float(match[1]) * (0.001 if match[2] == "ms" else 1.0), WAIT_MAX_S)


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []


# -- told to a Gemini client -------------------------------------------------------------------------------------

_TOLD: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def render_fault(fault: Fault, extra: Mapping[str, Json] | None = None) -> tuple[int, bytes]:
    """Status and body in Google's shape; `extra` goes under `error.sidestep`."""
    status = fault.outcome.status
    error: dict[str, Json] = {"code": status, "message": fault.message, "status": _TOLD.get(status, "INTERNAL")}
    if extra:
        error["sidestep"] = extra
    return status, orjson.dumps({"error": error})
