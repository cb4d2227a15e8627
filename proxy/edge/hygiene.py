"""What a request's head must be like before anything is decided about it. Pure.

The parser beneath accepts what two readers may understand differently: two Hosts or none, `gzip, chunked`, repeated
fields of which one is used. Whatever is ambiguous is refused with a sentence, never repaired.

A body must be called JSON. This is also what keeps a web page from spending the operator's money: a browser sends JSON
to another origin only after asking, and is never answered yes; so a body without a type is taken from programs only.
"""

from collections.abc import Mapping, Sequence

from proxy.flow import Refused, Unreadable
from proxy.telemetry.names import (
    HOP,
    INVALID_HTTP,
    KEEP_ALIVE,
    LOOP_DETECTED,
    METADATA,
    MODE,
    READ_TIMEOUT,
    REQUEST_TIMEOUT,
    RETRY_COUNT,
    SDK_TIMEOUT,
    SESSION,
    STRATEGY,
    TASK,
    TEAM,
    UNSUPPORTED_MEDIA_TYPE,
    USER,
)
from translators.faults import Fault, Kind, say

JSON = "application/json"
Fields = Sequence[tuple[bytes, bytes]]

_SINGLE = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "anthropic-beta",
        "anthropic-version",
        "authorization",
        "x-api-key",
        "origin",
        "idempotency-key",
        HOP,
        KEEP_ALIVE,
        METADATA,
        MODE,
        READ_TIMEOUT,
        REQUEST_TIMEOUT,
        RETRY_COUNT,
        SDK_TIMEOUT,
        SESSION,
        STRATEGY,
        TASK,
        TEAM,
        USER,
    }
)
"""Fields whose repetition would make it unclear which one counts."""


def head_refusal(version: str, fields: Fields, headers: Mapping[str, str]) -> Unreadable | None:
    """Why this head is refused, whoever sent it, or None.

    `version` is the protocol's (`1.1`), `fields` are all as they came, and `headers` has the last value of each name.
    """
    fault = _framing(version, headers)
    if fault is None and len(fields) != len(headers):
        fault = _repeats(fields)
    if fault is None and "_" in "".join(headers):
        name = next(name for name in headers if "_" in name)
        fault = invalid(f"Header names may not contain '_', as '{name[:60]}' does.")
    if fault is None and HOP in headers:
        message = "This request came from a Sidestep already: a provider's base_url points back at a Sidestep."
        fault = Fault(kind=Kind.REFUSED, status=508, code=LOOP_DETECTED, message=message)
    return None if fault is None else Unreadable(fault)


def body_refusal(headers: Mapping[str, str]) -> Refused | None:
    """Why a body of this type, or in this encoding, is not read, or None."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        message = "A body with a content-encoding is not read; send it as it is."
        return Refused(invalid(message, status=415, code=UNSUPPORTED_MEDIA_TYPE))
    kind = headers.get("content-type")
    if kind == JSON or (kind is None and "origin" not in headers):
        return None
    if kind is not None and kind.partition(";")[0].strip().lower() == JSON:
        return None
    given = f"is '{kind[:60]}'" if kind is not None else "is missing"
    message = say(f"The content-type {given}; send the body as {JSON}.")
    return Refused(invalid(message, code=UNSUPPORTED_MEDIA_TYPE))


def invalid(message: str, *, status: int = 400, code: str = INVALID_HTTP) -> Fault:
    """A request that is not acceptable as HTTP."""
    return Fault(kind=Kind.REFUSED, status=status, type="invalid_request_error", code=code, message=say(message))


def _framing(version: str, headers: Mapping[str, str]) -> Fault | None:
    if version != "1.1":
        return invalid(f"HTTP/{version} is not served; use HTTP/1.1.", status=505)
    if not headers.get("host"):
        return invalid("The Host header is missing or empty.")
    coding = headers.get("transfer-encoding")
    if coding is None:
        return None
    if coding.lower() != "chunked":
        return invalid(f"Transfer-Encoding is '{coding[:60]}'; only 'chunked' is understood.", status=501)
    if "content-length" in headers:
        return invalid("Content-Length and Transfer-Encoding may not be used together.")
    return None


def _repeats(fields: Fields) -> Fault | None:
    seen: set[str] = set()
    for raw, _ in fields:
        name = raw.decode("latin-1")
        if name in seen and name in _SINGLE:
            return invalid(f"The header '{name}' is given more than once.")
        seen.add(name)
    return None
