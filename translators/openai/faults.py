"""Errors of the chat dialect: what an upstream's error means, and how an error is told to a client.

Vendors agree on the outer shape only roughly: `error` may be an object, a sentence, wrapped in a one-element list or
missing; codes are words, numbers, HTTP statuses or sentences. So every word that may be a code is collected, then the
tables of `signals` are asked, body before status: the same status carries several meanings. An HTTP status inside the
body outranks the one of the answer (Azure says 400 and means 429).

Only what the request's author can act on is told in the vendor's words; texts about keys and bills are not passed on.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import orjson

from translators.faults import Fault, Kind, is_page, say
from translators.ir import Json
from translators.openai import signals
from translators.profile import Profile

TOLD = (Kind.REFUSED, Kind.TOO_LONG, Kind.CONTENT)
"""Kinds whose message, code and param reach the client as the vendor wrote them."""
TEXT_CAP = 4096


def parse_fault(status: int, body: bytes, profile: Profile) -> Fault:  # noqa: ARG001 - the Codec's signature
    """Classifies the body of an error answer. Never raises."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _unparsed(status, body)
    return classify(status, value)


def classify(status: int, value: Json) -> Fault:
    """The fault of a parsed error: a whole body, an event's data, or the `error` object alone. Never raises.

    `status` is the HTTP status of the answer, 200 for an error inside a good one.
    """
    outer, error = _objects(value)
    message = _message(outer, error, value)
    words = set(_words(outer, error))
    status = _inner_status(error, status)
    text = f"{message} {_raw(error)}"[:TEXT_CAP].lower()
    kind = _kind(status, words, text)
    told = kind in TOLD
    code = _word(error.get("code"))
    return Fault(
        kind=kind,
        message=(say(message) if told else "") or signals.SENTENCES[kind],
        status=status,
        type=_word(error.get("type")) if told else None,
        code=code if told and code != str(status) else None,
        param=_word(error.get("param")) if told else None,
        retry_after_s=_wait(text),
        daily=kind in (Kind.THROTTLED, Kind.QUOTA) and signals.DAILY.search(text) is not None,
        repair=_repair(text) if kind is Kind.REFUSED else "",
    )


def _repair(text: str) -> Literal["", "reasoning", "responses"]:
    if signals.REASONING.search(text):
        return "reasoning"
    return "responses" if signals.RESPONSES.search(text) else ""


REQUEST_FAULTS = frozenset({501, 505, 508})
"""Statuses above 499 that speak of the request: a transfer coding, an HTTP version, a loop."""


def render_fault(fault: Fault, extra: Mapping[str, Json] | None = None) -> tuple[int, bytes]:
    """Status and body. A refused request keeps its own status, if it is one of a request's faults; everything else is
    as its kind's outcome says, with the fault's own code where it has one."""
    outcome = fault.outcome
    own = fault.kind is Kind.REFUSED and (400 <= fault.status < 500 or fault.status in REQUEST_FAULTS)
    return fault.status if own else outcome.status, orjson.dumps({"error": describe(fault, extra)})


def describe(fault: Fault, extra: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """The `error` object."""
    outcome = fault.outcome
    error: dict[str, Json] = {
        "message": fault.message,
        "type": fault.type or outcome.type,
        "param": fault.param,
        "code": fault.code or outcome.code,
    }
    if extra:
        error["sidestep"] = extra
    return error


def _kind(status: int, words: set[str], text: str) -> Kind:
    for kind, codes in signals.CODES:
        if not words.isdisjoint(codes):
            return kind
    for kind, pattern in signals.TEXTS:
        if pattern.search(text):
            return kind
    if status not in (429, 503) and signals.TOO_LONG.search(text):
        return _too_long(text)
    if status == 404 and signals.UNFIT_MODEL.search(text):
        return Kind.REFUSED
    if status >= 500 and not words.isdisjoint(signals.REQUEST_CODES):
        return Kind.REFUSED
    return _by_status(status)


def _by_status(status: int) -> Kind:
    return signals.STATUSES.get(status) or (Kind.REFUSED if 400 <= status < 500 else Kind.SERVER)


def _too_long(text: str) -> Kind:
    sizes = signals.ROOM_LEFT.search(text)
    return Kind.REFUSED if sizes and int(sizes[2]) < int(sizes[1]) else Kind.TOO_LONG


def _objects(value: Json) -> tuple[dict[str, Json], dict[str, Json]]:
    """The whole object and the one that describes the error, which may be the same."""
    if isinstance(value, list) and value:
        value = value[0]
    outer = value if isinstance(value, dict) else {}
    error = outer.get("error")
    return outer, error if isinstance(error, dict) else outer


def _message(outer: dict[str, Json], error: dict[str, Json], value: Json) -> str:
    detail = outer.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        detail = detail[0].get("msg")
    for text in (error.get("message"), outer.get("error"), outer.get("message"), detail, value):
        if isinstance(text, str) and text:
            return text
    return ""


def _words(outer: dict[str, Json], error: dict[str, Json]) -> Iterator[str]:
    """Everything that may be a code, in lower case."""
    metadata = _dict(error.get("metadata"))
    details = error.get("details")
    values = [
        *(error.get(name) for name in ("code", "type", "error_type", "status")),
        outer.get("code"),
        *(metadata.get(name) for name in ("error_type", "limit_source", "reason")),
        _dict(error.get("innererror")).get("code"),
        *(_dict(detail).get("reason") for detail in (details if isinstance(details, list) else ())),
    ]
    raw = _parsed(metadata.get("raw"))
    if raw:
        values += [_objects(raw)[1].get(name) for name in ("code", "type")]
    return (str(value).lower() for value in values if isinstance(value, str | int))


def _inner_status(error: dict[str, Json], status: int) -> int:
    for value in (error.get("status_code"), error.get("code")):
        if isinstance(value, str | int) and len(str(value)) == 3 and str(value).isdecimal() and 400 <= int(value) < 600:
            return int(value)
    return status


def _raw(error: dict[str, Json]) -> str:
    """What a router quotes of the vendor behind it: read, never told."""
    raw = _dict(error.get("metadata")).get("raw")
    return raw if isinstance(raw, str) else ""


def _parsed(raw: Json) -> Json:
    if not isinstance(raw, str) or not raw.startswith("{"):
        return None
    try:
        return orjson.loads(raw)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _word(value: Json) -> str | None:
    """A type, code or param fit to be told: short text, or a number as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return say(value)[:200] if isinstance(value, str) and value else None


def _wait(text: str) -> float | None:
    found = signals.WAIT.search(text)
    if not found:
        return None
    amounts = signals.AMOUNT.findall(found[1])
    return sum(float(number) * signals.SECONDS[unit] for number, unit in amounts)


def _unparsed(status: int, body: bytes) -> Fault:
    """A body that is no JSON: a page of some server in between, or plain text."""
    text = body[:TEXT_CAP].decode("utf-8", "replace").strip().lower()
    if is_page(body):
        kind = _by_status(status) if status >= 500 or status == 429 else Kind.PROTOCOL
    else:
        kind = _kind(status, set(), text)
    return Fault(kind=kind, message=signals.SENTENCES[kind], status=status, retry_after_s=_wait(text))
