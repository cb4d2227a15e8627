"""How the admin port answers: JSON, and errors in the form that the data port's clients know."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def error(status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return json(status, {"error": told}, headers)


def json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
