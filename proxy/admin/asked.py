"""What is sent to the admin port for it to do something, and by whom."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import orjson
from starlette.requests import Request

from proxy.filters.auth import presented_key
from proxy.learning.feedback import BODY_CAP, NotTaken
from proxy.telemetry.names import INVALID_VALUE

JSON: Final = "application/json"


async def body_of(request: Request) -> bytes:
    """Raises NotTaken."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:  # which no web page's form can send
        raise NotTaken(415, "unsupported_media_type", f"Send the body as {JSON}.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_CAP:
            raise NotTaken(413, "body_too_large", f"The request body is larger than the {BODY_CAP} bytes allowed.")
    return body


def only(field: str, body: bytes) -> str:
    """The text of the one field that a body has. Raises NotTaken."""
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotTaken(400, "invalid_json", "The request body is not JSON.") from None
    name = told.get(field) if isinstance(told, dict) and len(told) == 1 else None
    if not isinstance(name, str):
        raise NotTaken(400, INVALID_VALUE, f'The request body must be {{"{field}": "NAME"}}.', field)
    return name


def who(request: Request, tokens: Sequence[str]) -> str:
    """Who asks, as the log may tell it: where admin tokens are configured (`tokens`, their digests), the one by the
    first digits of its digest."""
    place = request.client.host if request.client is not None else "somewhere"
    if not tokens:
        return place
    return f"{place} with the admin token {sha256(presented_key(request.headers).encode()).hexdigest()[:8]}"
