"""Answers of the admin port: JSON, and errors in the form that OpenAI's have."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def told_as_json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")


def error(
    status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None, param: str | None = None
) -> Response:
    told = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return told_as_json(status, {"error": told}, headers)
