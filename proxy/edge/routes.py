"""Which route a request takes, by its exact path. Pure.

Nothing is normalised: no trailing slash is dropped and no case folded, so that what is checked is what is served. The
query is no part of the path, and nothing in it counts (Claude Code sends `?beta=true`).

Most paths belong to one dialect. `/v1/models` and whatever is not served belong to two, and there the headers tell the
client's: an Anthropic client names the API's version, or brings its key as `x-api-key` alone.
"""

from collections.abc import Mapping

from proxy.flow import Refused
from proxy.telemetry.names import METHOD_NOT_ALLOWED, UNKNOWN_URL
from translators.faults import Fault, Kind, say
from translators.ir import Dialect

CHAT, COMPLETIONS, RESPONSES, MESSAGES = "chat", "completions", "responses", "messages"
COUNT_TOKENS, EMBEDDINGS, MODELS, OTHER = "count_tokens", "embeddings", "models", "other"
PASSTHROUGH, FEEDBACK = "passthrough", "feedback"
ROUTES = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, COUNT_TOKENS, EMBEDDINGS, MODELS, PASSTHROUGH, FEEDBACK, OTHER)
DIALECTS = {
    COMPLETIONS: Dialect.OPENAI_COMPLETIONS,
    RESPONSES: Dialect.OPENAI_RESPONSES,
    MESSAGES: Dialect.ANTHROPIC_MESSAGES,
    COUNT_TOKENS: Dialect.ANTHROPIC_MESSAGES,
}
"""The dialect of a route; those that are not here speak chat's."""
SHARED = frozenset({MODELS, OTHER})
"""Routes whose dialect the headers tell."""

_PATHS = {
    "/v1/chat/completions": (CHAT, "POST"),
    "/v1/completions": (COMPLETIONS, "POST"),
    "/v1/responses": (RESPONSES, "POST"),
    "/v1/messages": (MESSAGES, "POST"),
    "/v1/messages/count_tokens": (COUNT_TOKENS, "POST"),
    "/v1/embeddings": (EMBEDDINGS, "POST"),
    "/v1/models": (MODELS, "GET"),
    "/api/v1/feedback": (FEEDBACK, "POST"),
}
ASKED = tuple(path for path, (route, method) in _PATHS.items() if method == "POST" and route != FEEDBACK)
"""The paths that take a request for a model."""
_ONE_MODEL = "/v1/models/"
SHOWN = 120
"""Characters of a path that are told back."""


def route_of(method: str, path: str) -> tuple[str, Refused | None]:
    """The route's name, and why the request is refused there: 404 for an unknown path, 405 for another method.

    A model's id is everything after `/v1/models/`, slashes included.
    """
    found = _find(path)
    if found is None:
        return OTHER, _unknown(path)
    route, allowed = found
    if method != allowed:
        return route, not_allowed(method, path, allowed)
    return route, None


def spoken(route: str, headers: Mapping[str, str]) -> str:
    """The route whose dialect the client speaks; `headers` have lower-case names."""
    if route not in SHARED:
        return route
    anthropic = "anthropic-version" in headers or ("x-api-key" in headers and "authorization" not in headers)
    return MESSAGES if anthropic else route


def _find(path: str) -> tuple[str, str] | None:
    found = _PATHS.get(path)
    if found is None and path.startswith(_ONE_MODEL) and len(path) > len(_ONE_MODEL):
        return MODELS, "GET"
    return found


def _unknown(path: str) -> Refused:
    if _find(f"/v1{path}"):
        message = f"Unknown path '{path[:SHOWN]}': the base URL lacks /v1, set it to http://HOST:PORT/v1."
    elif _find(path.removeprefix("/v1")):
        message = f"Unknown path '{path[:SHOWN]}': it has /v1 twice, set this client's base URL to http://HOST:PORT."
    else:
        served = ", ".join([*_PATHS, f"{_ONE_MODEL}ID"])
        message = (
            f"Unknown path '{path[:SHOWN]}': this proxy serves {served}; "
            "others only where [passthrough] names them and a provider."
        )
    return Refused(_fault(404, UNKNOWN_URL, message))


def not_allowed(method: str, path: str, allowed: str) -> Refused:
    """405; `allowed` are the methods that the path takes."""
    message = f"'{path[:SHOWN]}' takes {allowed}, not {method[:20]}."
    return Refused(_fault(405, METHOD_NOT_ALLOWED, message), more=[("allow", allowed)])


def _fault(status: int, code: str, message: str) -> Fault:
    return Fault(kind=Kind.REFUSED, status=status, code=code, type="invalid_request_error", message=say(message))
