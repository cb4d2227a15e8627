"""Errors of the Messages API, read and written.

The body is read before the status, because one status has several meanings: a 400 can be a spent credit balance, a
429 a monthly limit. Three tables are asked in order: Anthropic's stable `details.error_code`, telling phrases of the
message, and `error.type`; the status decides only when none of them knows. Source: Anthropic's errors page, and
phrases as its answers word them.

The vendor's sentence is passed on only for what the caller can act on (a refused request, one too long, content);
otherwise a neutral one stands in, so that no billing text or organisation id leaves the proxy.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from translators.faults import WEB_PAGE, Fault, Kind, is_page, say
from translators.ir import Json
from translators.profile import Profile

_BY_CODE: dict[str, Kind] = {
    "contract_spend_limit_reached": Kind.QUOTA,
    "enforced_spend_limit_reached": Kind.QUOTA,
    "linked_organization_billing_unavailable": Kind.QUOTA,
    "linked_organization_spend_limit_reached": Kind.QUOTA,
    "ramp_limit_exceeded": Kind.THROTTLED,
    "organization_on_hold": Kind.AUTH,
    "cmek_key_disabled": Kind.AUTH,
    "cmek_key_network_blocked": Kind.AUTH,
    "cmek_context_unavailable": Kind.SERVER,
    "cmek_key_unreachable": Kind.SERVER,
    "compaction_unavailable": Kind.OVERLOADED,
}

_BY_PHRASE: tuple[tuple[str, Kind], ...] = (
    ("credit balance is too low", Kind.QUOTA),
    ("api usage limits", Kind.QUOTA),
    ("prompt is too long", Kind.TOO_LONG),
    ("exceed context limit", Kind.TOO_LONG),
    ("content filtering policy", Kind.CONTENT),
    ("invalid x-api-key", Kind.AUTH),
)
"""Phrases that outrank the type. They are looked for in refusals only: in a 429 or 5xx, talk of too many tokens is
about the rate."""
_REASONING = re.compile(
    r"invalid `?(?:signature|data)`? in `?(?:redacted_)?thinking"
    r"|`?(?:redacted_)?thinking`? blocks? .{0,60}cannot be modified"
    r"|thinking.{0,80} bound to "
    r"|expected `?thinking`? or `?redacted_thinking"
)
"""What a refusal says when it is about thinking that was sent back, or was not."""
_LONG_CONTEXT = ("extra usage", "long context")
"""Both in a 429: the account may not use the long context, which a smaller prompt would not need."""

_BY_TYPE: dict[str, Kind] = {
    "invalid_request_error": Kind.REFUSED,
    "authentication_error": Kind.AUTH,
    "billing_error": Kind.QUOTA,
    "permission_error": Kind.AUTH,
    "not_found_error": Kind.MISSING,
    "conflict_error": Kind.SERVER,
    "request_too_large": Kind.TOO_LONG,
    "rate_limit_error": Kind.THROTTLED,
    "api_error": Kind.SERVER,
    "timeout_error": Kind.SERVER,
    "overloaded_error": Kind.OVERLOADED,
}

_BY_STATUS: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.QUOTA,
    403: Kind.AUTH,
    404: Kind.MISSING,
    408: Kind.SERVER,
    409: Kind.SERVER,
    413: Kind.TOO_LONG,
    424: Kind.SERVER,
    429: Kind.THROTTLED,
    498: Kind.SERVER,
    503: Kind.OVERLOADED,
    529: Kind.OVERLOADED,
}
"""Any other 4xx is a refusal, any other status the server's fault."""

_SENTENCES: dict[Kind, str] = {
    Kind.SERVER: "The provider failed.",
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

_decode = msgspec.json.Decoder().decode


def parse_fault(status: int, body: bytes, profile: Profile) -> Fault:  # noqa: ARG001 - one table for every vendor
    """The fault in an error answer, or in an `error` event (status 200). Never raises."""
    try:
        value = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if status < 500 and status != 429 and is_page(body):
            return Fault(kind=Kind.PROTOCOL, message=WEB_PAGE, status=status)
        value = None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict):
        error = {"message": error} if isinstance(error, str) else {}
    return _classify(status, error)


def _classify(status: int, error: Mapping[str, Any]) -> Fault:
    text = _word(error.get("message"))
    named = _word(error.get("type"))
    if named not in _BY_TYPE:
        # Gateways in front of the API put Anthropic's type into `code`.
        named = _word(error.get("code"))
    details = error.get("details")
    code = _word(details.get("error_code")) if isinstance(details, dict) else ""
    kind = _BY_CODE.get(code) or _by_phrase(status, named, text.lower()) or _BY_TYPE.get(named) or _by_status(status)
    return Fault(
        kind=kind,
        message=(say(text) if kind in _QUOTED else "") or _SENTENCES[kind],
        status=status,
        type=named or None,
        code=code or None,
        repair="reasoning" if kind is Kind.REFUSED and _REASONING.search(text.lower()) else "",
    )


def _by_phrase(status: int, named: str, text: str) -> Kind | None:
    if status == 429 or named == "rate_limit_error":
        if all(phrase in text for phrase in _LONG_CONTEXT):
            return Kind.TOO_LONG
        billing = any(phrase in text for phrase, kind in _BY_PHRASE if kind is Kind.QUOTA)
        return Kind.QUOTA if billing else Kind.THROTTLED
    if status >= 500 or named in ("api_error", "overloaded_error", "timeout_error"):
        return None
    return next((kind for phrase, kind in _BY_PHRASE if phrase in text), None)


def _by_status(status: int) -> Kind:
    return _BY_STATUS.get(status) or (Kind.REFUSED if 400 <= status < 500 else Kind.SERVER)


def _word(value: Json) -> str:
    return value if isinstance(value, str) else ""


# -- told to an Anthropic client ---------------------------------------------------------------------------------

_TOLD: dict[Kind, tuple[int, str]] = {
    Kind.TIMEOUT: (504, "timeout_error"),
    Kind.DEADLINE: (504, "timeout_error"),
    Kind.OVERLOADED: (529, "overloaded_error"),
    Kind.SHED: (529, "overloaded_error"),
    Kind.THROTTLED: (429, "rate_limit_error"),
    Kind.MISSING: (404, "not_found_error"),
    Kind.REFUSED: (400, "invalid_request_error"),
    Kind.TOO_LONG: (400, "invalid_request_error"),
    Kind.CONTENT: (400, "invalid_request_error"),
}


_OF_THE_REQUEST: dict[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
"""What a refusal with this status of its own is called; any other is an `invalid_request_error`."""
_REQUEST_FAULTS = frozenset({501, 505, 508})
"""Statuses above 499 that speak of the request: a transfer coding, an HTTP version, a loop."""


def render_fault(fault: Fault, extra: Mapping[str, Json] | None = None) -> tuple[int, bytes]:
    """Status and body in Anthropic's shape; `extra` goes under `error.sidestep`. A refused request keeps its own
    status, if it is one of a request's faults."""
    status, named = _TOLD.get(fault.kind, (fault.outcome.status, "api_error"))
    if fault.kind is Kind.REFUSED and (400 <= fault.status < 500 or fault.status in _REQUEST_FAULTS):
        status, named = fault.status, _OF_THE_REQUEST.get(fault.status, named)
    return status, _body(named, fault, extra)


def _sentence(fault: Fault) -> str:
    """The message, with the field at fault, for which Anthropic's errors have no place of its own."""
    return f"{fault.param}: {fault.message}" if fault.param and fault.param not in fault.message else fault.message


def error_event(fault: Fault) -> bytes:
    """The data of the `error` event that ends a broken stream."""
    return _body(_TOLD.get(fault.kind, (0, "api_error"))[1], fault, None)


def _body(named: str, fault: Fault, extra: Mapping[str, Json] | None) -> bytes:
    error: dict[str, Json] = {"type": named, "message": _sentence(fault)}
    code = fault.code or fault.outcome.code
    if code is not None:
        error["details"] = {"error_code": code}
    if extra:
        error["sidestep"] = extra
    return orjson.dumps({"type": "error", "error": error})
